"""Start at login: off until a person asks for it. What runs is `hal0 tray --hidden`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

if sys.platform == "win32":
    from app.system.platforms import windows as _platform
elif sys.platform == "darwin":
    from app.system.platforms import macos as _platform
else:
    from app.system.platforms import linux as _platform

HIDDEN = ("tray", "--hidden")


def is_enabled() -> bool:
    """Return whether the session starts hal0 at login. Raises OSError where that cannot be read."""
    return _platform.is_enabled()


def set_enabled(enabled: bool) -> None:
    """Start hal0 at login from now on, or no longer. Raises OSError."""
    if enabled:
        _platform.enable(command(sys.argv, sys.executable, os.environ, frozen=hasattr(sys, "frozen")))
    else:
        _platform.disable()


def command(argv: Sequence[str], executable: str, environment: Mapping[str, str], *, frozen: bool) -> list[str]:
    """Return the command line that starts this hal0 again, hidden in the tray; on Windows without a console."""
    first, *more = program(argv, executable, environment, frozen=frozen)
    console, windowed = ("python.exe", "pythonw.exe") if more else ("hal0-cli.exe", "hal0.exe")
    beside = Path(first).with_name(windowed)
    if Path(first).name.lower() == console and beside.is_file():
        first = str(beside)
    return [first, *more, *HIDDEN]


def program(argv: Sequence[str], executable: str, environment: Mapping[str, str], *, frozen: bool) -> list[str]:
    """Return how this hal0 was started, without arguments: an AppImage, a bundle, a `hal0` script, or the
    module."""
    if image := environment.get("APPIMAGE"):  # sys.executable lies in a mount that is gone after log-out
        return [image]
    if frozen:
        return [executable]
    script = Path(argv[0]).absolute() if argv and argv[0] else None
    if script is not None and script.stem in ("hal0", "hal0-cli"):
        # Windows: what pip makes is hal0.exe, and calls itself hal0.
        for file in (script, script.with_name(f"{script.name}.exe")):
            if file.is_file():
                return [str(file)]
    return [executable, "-m", "app"]
