"""What `make test-packaging` built, unpacked and installed where it can do no harm."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.base.version import __version__
from tests.packaging.machines import ROOT, Machine, private_machine

NEXT_VERSION = "99.0.0"


@pytest.fixture(scope="session")
def bundle() -> Path:
    """dist/hal0."""
    return Path(os.environ["HAL0_TEST_BUNDLE"])


@pytest.fixture(scope="session")
def archive(bundle: Path) -> Path:
    """The packed bundle."""
    (found,) = bundle.parent.glob(f"hal0-{__version__}-linux-*.tar.xz")
    return found


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A private copy of this system, or this system where there can be none."""
    made = private_machine(tmp_path_factory.mktemp("machine")) or Machine()
    yield made
    made.close()


@pytest.fixture(scope="session")
def unpacked(machine: Machine, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program `hal0` of the unpacked archive, as `machine` names it."""
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["tar", "xf", archive, "-C", folder], check=True, timeout=120)
    return folder / "hal0" / "hal0"


@pytest.fixture(scope="session")
def package(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .deb of the bundle."""
    return build_deb(bundle, tmp_path_factory.mktemp("deb"), __version__)


@pytest.fixture(scope="session")
def next_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .deb of a later version, frozen from the same sources: each import is elsewhere in its file."""
    sources = tmp_path_factory.mktemp("next") / "sources"
    for name in ("app", "router", "resources", "packaging"):
        shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "hal0.spec", sources)
    (sources / "router" / "base" / "version.py").write_text(
        f'"""A later version."""\n\n__version__ = "{NEXT_VERSION}"\n'
    )
    argv = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR", "hal0.spec"]
    env = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(argv, cwd=sources, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return build_deb(sources / "dist" / "hal0", sources.parent, NEXT_VERSION)


def build_deb(bundle: Path, out: Path, version: str) -> Path:
    script = ROOT / "packaging" / "linux" / "build_deb.py"
    argv = [sys.executable, script, "--fast", "--bundle", bundle, "--out", out, "--version", version]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def installing(machine: Machine) -> Machine:
    """`machine`, if packages may be installed on it."""
    if not machine.private and not (os.environ.get("HAL0_TEST_INSTALL") == "1" and os.geteuid() == 0):
        pytest.skip("no private copy of this system can be made, and HAL0_TEST_INSTALL=1 is not set")
    if machine.run("dpkg", "--status", "hal0", check=False).returncode == 0:
        pytest.skip("hal0 is installed on this computer already")
    return machine
