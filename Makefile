# hal0. `make run` and `make test` work from a bare checkout with a Python (3.11 to 3.13) and make.

BOOTSTRAP_PYTHON := $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python,$(shell command -v $(p) 2>/dev/null)))
PY := .venv/bin/python
HAL0 := .venv/bin/hal0

.PHONY: help run test setup setup-dev engine lint types check pytest coverage lock clean

help:
	@echo "make run    prepare everything, then start hal0 (tray, or headless without a display)"
	@echo "make test   prepare everything, then run all checks and tests with a real llama-server"
	@echo "make setup  only prepare .venv, with hal0 in .venv/bin"

run: setup engine
	@$(PY) packaging/system_packages.py run
	@exec $(HAL0)

test: setup-dev
	@$(PY) packaging/system_packages.py test
	@$(MAKE) --no-print-directory engine check pytest

setup:
	@$(if $(BOOTSTRAP_PYTHON),$(BOOTSTRAP_PYTHON),$(error hal0 needs Python 3.11 to 3.13: install one and put it on PATH)) packaging/setup_env.py

setup-dev: setup
	@$(BOOTSTRAP_PYTHON) packaging/setup_env.py --dev

engine:
	@$(HAL0) engine path >/dev/null 2>&1 || $(HAL0) engine install

check: lint types
lint:
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@.venv/bin/lint-imports --no-cache
types:
	@$(PY) -m mypy

pytest:
	@HAL0_LLAMA_SERVER="$$($(HAL0) engine path)" $(PY) -m pytest

coverage:
	@HAL0_LLAMA_SERVER="$$($(HAL0) engine path)" $(PY) -m coverage run -m pytest
	@$(PY) -m coverage report

# Needs uv. The lock files hold versions and hashes, and name no index.
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
lock:
	$(LOCK) --group build -o requirements.lock
	$(LOCK) --group build --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf .venv build dist artifacts .mypy_cache .pytest_cache .ruff_cache *.egg-info
