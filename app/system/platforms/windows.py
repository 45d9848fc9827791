"""Windows: the user's Run key. Not run in CI: untested but for its pure parts.

Task Manager's "Startup apps" switches an entry off in StartupApproved and leaves the Run key alone: the first
byte there is even while the entry is on (2, 6) and odd while it is off (3).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
NAME = "hal0"


def command_line(command: Sequence[str]) -> str:
    """`command` as one string, quoted as CreateProcess reads it."""
    return subprocess.list2cmdline(command)


def starts(run: str | None, approved: bytes | None) -> bool:
    """Return whether these two values (None: absent) mean that hal0 starts at login."""
    return bool(run) and not (approved and approved[0] & 1)


if sys.platform == "win32":
    import winreg

    def is_enabled() -> bool:
        return starts(_read(RUN), _read(APPROVED))

    def enable(command: Sequence[str]) -> None:
        with winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, RUN, 0, winreg.KEY_SET_VALUE) as key:
            winreg.SetValueEx(key, NAME, 0, winreg.REG_SZ, command_line(command))
        _delete(APPROVED)

    def disable() -> None:
        _delete(RUN)

    def _read(path: str):  # type: ignore[no-untyped-def]
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, path) as key:
                return winreg.QueryValueEx(key, NAME)[0]
        except FileNotFoundError:
            return None

    def _delete(path: str) -> None:
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, path, 0, winreg.KEY_SET_VALUE) as key:
                winreg.DeleteValue(key, NAME)
        except FileNotFoundError:
            return
