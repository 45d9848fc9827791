"""A person's home folder, by the names under which each system's programs look for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

# platformdirs asks Windows itself where these are, unless it is told by variables of its own.
_WINDOWS = {"LOCAL_APPDATA": ("AppData", "Local"), "APPDATA": ("AppData", "Roaming")}

# Without SYSTEMROOT no socket opens; the others are the tests' own folder of temporary files, and Wine's.
_WINDOWS_NEEDS = ("SYSTEMROOT", "TEMP", "TMP", "PATHEXT", "COMSPEC", "WINEPREFIX", "WINEDEBUG")

# Installed by pip, hal0 is a script; on Windows it may be a checkout that a .pth file names.
_SCRIPT = Path(sys.executable).parent / "hal0"
PROGRAM: Final = (str(_SCRIPT),) if sys.platform != "win32" else (sys.executable, "-m", "app")
"""How tests start hal0 as a program."""

BUILT: Final = Path(os.environ.get("HAL0_TEST_PROGRAMS", "."))
"""Windows: what tests elsewhere compile by themselves (packaging/windows/wine/test_programs.py)."""


def system_variables() -> dict[str, str]:
    """Return what any program needs to run here, and nothing of the person's."""
    names = ("PATH", *_WINDOWS_NEEDS) if sys.platform == "win32" else ("PATH",)
    return {name: os.environ[name] for name in names if name in os.environ}


def home_variables(home: Path) -> dict[str, str]:
    """Return the variables that make `home` the home folder of whoever gets them."""
    if sys.platform != "win32":
        return {"HOME": str(home)}
    folders = {name: str(home.joinpath(*parts)) for name, parts in _WINDOWS.items()}
    return {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "APPDATA": folders["APPDATA"],
        "LOCALAPPDATA": folders["LOCAL_APPDATA"],
        **{f"WIN_PD_OVERRIDE_{name}": folder for name, folder in folders.items()},
    }
