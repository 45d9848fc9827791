"""A person's home folder, by the names under which each system's programs look for it."""

from __future__ import annotations

import sys
from pathlib import Path

# platformdirs asks Windows itself where these are, unless it is told by variables of its own.
_WINDOWS = {"LOCAL_APPDATA": ("AppData", "Local"), "APPDATA": ("AppData", "Roaming")}


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
