"""Linux and the BSDs: XDG autostart, a desktop file in `~/.config/autostart`.

Sources: freedesktop.org's Desktop Application Autostart and Desktop Entry specifications.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from router.base.files import write_atomic

_PLAIN = re.compile(r"[A-Za-z0-9_@+=:,./-]+")
_OFF = (("hidden", "true"), ("x-gnome-autostart-enabled", "false"))


def is_enabled() -> bool:
    try:
        text = autostart_file(os.environ).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return False
    return starts(text)


def enable(command: Sequence[str]) -> None:
    write_atomic(autostart_file(os.environ), desktop_entry(command).encode())


def disable() -> None:
    autostart_file(os.environ).unlink(missing_ok=True)


def autostart_file(environment: Mapping[str, str]) -> Path:
    """Return the desktop file's path. A relative XDG_CONFIG_HOME counts as unset, as its specification says."""
    base = environment.get("XDG_CONFIG_HOME", "")
    folder = Path(base) if Path(base).is_absolute() else Path.home() / ".config"
    return folder / "autostart" / "hal0.desktop"


def desktop_entry(command: Sequence[str]) -> str:
    """Return the desktop file that runs `command`. The endpoint must not wait for the panel: no start delay.

    With TryExec, desktops skip the file once hal0 has been uninstalled.
    """
    return "\n".join(
        (
            "[Desktop Entry]",
            "Type=Application",
            "Version=1.5",
            "Name=hal0",
            "Comment=Local AI models behind one endpoint",
            f"Exec={' '.join(_argument(part) for part in command)}",
            f"TryExec={_string(command[0])}",
            "Icon=hal0",
            "Terminal=false",
            "StartupNotify=false",
            "X-GNOME-Autostart-enabled=true",
            "",
        )
    )


def starts(text: str) -> bool:
    """Return whether a desktop file is in force: desktops' own settings switch it off without deleting it."""
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if (name.strip().lower(), value.strip().lower()) in _OFF:
            return False
    return True


def _argument(part: str) -> str:
    """Quote one argument of Exec by its rules, then escape it by those of any string value."""
    if _PLAIN.fullmatch(part):
        return part
    quoted = re.sub(r'(["`$\\])', r"\\\1", part).replace("%", "%%")
    return '"' + _string(quoted) + '"'


def _string(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
