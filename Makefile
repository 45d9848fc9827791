# hal0. `make run` and `make test` work from a bare checkout with a Python (3.11 to 3.13) and make.

BOOTSTRAP_PYTHON := $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python,$(shell command -v $(p) 2>/dev/null)))
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY := $(BIN)/python
HAL0 := $(BIN)/hal0

.PHONY: help map run test t setup setup-dev clients engine starter lint types check pytest coverage lock clean \
        bundle dist archive deb test-packaging test-windows setup-windows manual

help:  ## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

map:  ## every package and file, and what is in it; of one: make map P=router/slots
	@$(BOOTSTRAP_PYTHON) packaging/map.py $(P)

run: setup engine  ## prepare everything, then start hal0 (tray, or headless without a display)
	@$(PY) packaging/starter.py --once
	@$(PY) packaging/system_packages.py run
	@exec $(HAL0)

test: setup-dev  ## prepare everything, then run all checks and tests with a real llama-server
	@$(PY) packaging/system_packages.py test
	@$(PY) packaging/client_envs.py
	@$(MAKE) --no-print-directory engine check pytest

setup:  ## only prepare .venv, with hal0 in .venv/bin
	@$(if $(BOOTSTRAP_PYTHON),$(BOOTSTRAP_PYTHON),$(error hal0 needs Python 3.11 to 3.13: install one and put it on PATH)) packaging/setup_env.py

setup-dev: setup  ## the same with what tests and checks need
	@$(BOOTSTRAP_PYTHON) packaging/setup_env.py --dev

clients: setup-dev  ## the real clients the tests run, each group in an environment of its own
	@$(PY) packaging/client_envs.py

engine:  ## fetch a llama-server where there is none
	@$(HAL0) engine path >/dev/null 2>&1 || $(HAL0) engine install

starter: setup  ## fetch the small model that answers until there is another (93 MB); `make run` does, once
	@$(PY) packaging/starter.py

check: lint types  ## lint, layers and types
lint:  ## ruff and the import layers
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(BIN)/lint-imports --no-cache
types:  ## mypy
	@$(PY) -m mypy

# Tests wait for engines more than they compute. Those of one file stay together and share what they prepared.
WORKERS ?= $(shell $(PY) -c 'import os; print(min(os.cpu_count() or 1, 7) + 1)')
pytest:  ## all tests, in what is prepared; one after another: make pytest WORKERS=0
	@HAL0_LLAMA_SERVER="$$($(HAL0) engine path)" $(PY) -m pytest -n $(WORKERS) --dist loadfile

t: setup-dev engine  ## some tests: make t T=tests/router/slots, or T="-k breaker -x"
	@HAL0_LLAMA_SERVER="$$($(HAL0) engine path)" $(PY) -m pytest -q $(T)

coverage:  ## all tests, and what they do not reach
	@HAL0_LLAMA_SERVER="$$($(HAL0) engine path)" $(PY) -m coverage run -m pytest
	@$(PY) -m coverage report

# The same sources make the same bytes: no random hashes, and the last commit's time for all times.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
bundle: setup-dev  ## hal0 with all it needs, in dist/hal0
	@$(PY) packaging/system_packages.py build
	@PYTHONHASHSEED=0 $(PY) -m PyInstaller --noconfirm --log-level ERROR --distpath dist --workpath build hal0.spec

dist: bundle archive  ## the bundle, packed
archive:  ## pack the bundle that is there
	@$(PY) packaging/build_archive.py

deb: bundle  ## the Debian package
	@$(PY) packaging/linux/build_deb.py

test-packaging: dist  ## build those and test them, installed in a private copy of this system
	@$(PY) packaging/system_packages.py test
	@$(PY) packaging/system_packages.py package
	@$(MAKE) --no-print-directory engine
	@HAL0_LLAMA_SERVER="$$($(HAL0) engine path)" HAL0_TEST_BUNDLE="$(CURDIR)/dist/hal0" \
	    $(PY) -m pytest tests/packaging

test-windows: setup-dev  ## the tests under Wine, with all that takes; some: make test-windows T=tests/router/slots
	-@$(PY) packaging/system_packages.py windows
	@$(PY) packaging/windows/wine/test_windows.py $(T)

setup-windows: setup-dev  ## Windows' installer, made under Wine: dist/hal0-…-setup.exe
	-@$(PY) packaging/system_packages.py windows
	@$(PY) packaging/windows/wine/test_windows.py --setup

manual: setup-dev  ## the manual as a site, in dist/manual
	@$(PY) packaging/manual.py
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet

# Needs uv. The lock files hold versions and hashes, and name no index.
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
CLIENT_LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --group
lock:  ## pin the dependencies anew (needs uv)
	$(LOCK) --group build -o requirements.lock
	$(LOCK) --group build --group dev -c requirements.lock -o requirements-dev.lock
	$(CLIENT_LOCK) pyproject.toml:clients -c requirements-dev.lock -o requirements-clients.lock
	$(CLIENT_LOCK) pyproject.toml:hermes -o requirements-hermes.lock
	$(CLIENT_LOCK) pyproject.toml:cluster -o requirements-cluster.lock
	$(CLIENT_LOCK) pyproject.toml:starter --no-deps -o requirements-starter.lock
	cd tests/clients/node && npm install --package-lock-only
	cd tests/page/node && npm install --package-lock-only

clean:  ## take away everything that was made
	rm -rf .venv .venv-clients .venv-hermes .venv-cluster tests/clients/node/node_modules tests/page/node/node_modules build dist artifacts .mypy_cache .pytest_cache .ruff_cache *.egg-info
