"""hal0's bundle and its installer for Windows, made under Wine: hal0.spec by a Windows Python, hal0.iss by Inno
Setup. A release is built on Windows itself; these are what the tests install.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import inno_setup
import python_env
from debian import ROOT, Debian
from wine_program import SCREEN, windows_path, wine

TOOLS = frozenset({"altgraph", "pefile", "pyinstaller", "pyinstaller-hooks-contrib"})
"""Which of the pins only a bundle is made with."""
SOURCES = ("app", "router", "resources", "packaging", "hal0.spec", "LICENSE")
NEXT_VERSION = "99.0.0"


def prepare(debian: Debian, version: str) -> Path:
    """Return the folder with the installers of this version and of a later one (the same bundle by another
    number), made if what goes into them has changed. Raises RuntimeError."""
    stage, stamp = debian.cache / "bundle", debian.cache / "bundle.stamp"
    dist = stage / "dist"
    state = f"{sources_hash()} {version} {(debian.cache / 'python.stamp').read_text()}"
    if stamp.exists() and stamp.read_text() == state:
        return dist
    stamp.unlink(missing_ok=True)
    tools, compiler = packages(debian.cache), inno_setup.prepare(debian.cache)
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir()
    for name in SOURCES:
        copy(ROOT / name, stage / name)
    spec = ("-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR", "hal0.spec")
    python = windows_path(debian.inside(debian.cache / "python" / "python.exe"))
    folder = debian.inside(stage)
    in_stage = ("sh", "-c", f'cd {folder} && exec "$@"', "sh")
    made = wine(
        debian,
        *(*in_stage, *SCREEN, "wine", python, *spec),
        PYTHONPATH=windows_path(debian.inside(tools)),
        PYTHONHASHSEED="0",
    )
    if made != 0:
        raise RuntimeError("PyInstaller could not make hal0's bundle under Wine")
    for number in (version, NEXT_VERSION):
        script = ("wine", windows_path(debian.inside(compiler / "ISCC.exe")), "/Q", f"/DVersion={number}")
        if wine(debian, *in_stage, *script, "packaging/windows/hal0.iss") != 0:
            raise RuntimeError("Inno Setup could not compile packaging/windows/hal0.iss under Wine")
    stamp.write_text(state)
    return dist


def packages(cache: Path) -> Path:
    """Return a folder with PyInstaller for Windows, to be put on PYTHONPATH. Raises RuntimeError."""
    folder, stamp = cache / "bundle-packages", cache / "bundle-packages.stamp"
    pins = python_env.windows_pins(python_env.LOCK.read_text(), TOOLS)[0]
    state = hashlib.sha256(pins.encode()).hexdigest()
    if not (stamp.exists() and stamp.read_text() == state):
        stamp.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        python_env.install(pins, folder, cache / "bundle-packages.lock", *python_env.FOR_WINDOWS)
        stamp.write_text(state)
    return folder


def sources_hash() -> str:
    digest = hashlib.sha256()
    for name in SOURCES:
        root = ROOT / name
        for file in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if file.is_file() and file.suffix != ".pyc":
                digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    else:
        shutil.copy(source, target)
