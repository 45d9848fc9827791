"""Opens a text file at a line, in the person's own editor where that can be told one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import QProcess

ASK_SECONDS: Final = 2.0

# How each takes a line, by a part of its desktop file's name (`org.kde.kate.desktop`) and its program.
_EDITORS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "codium": ("codium", "--goto", "{file}:{line}"),
    "code": ("code", "--goto", "{file}:{line}"),
    "kate": ("kate", "--line", "{line}", "{file}"),
    "kwrite": ("kwrite", "--line", "{line}", "{file}"),
    "mousepad": ("mousepad", "--line={line}", "{file}"),
    "gedit": ("gedit", "+{line}", "{file}"),
    "xed": ("xed", "+{line}", "{file}"),
    "pluma": ("pluma", "+{line}", "{file}"),
})  # fmt: skip


def editor_command(desktop_file: str, file: Path, line: int) -> list[str] | None:
    """Return how the editor of that desktop file opens `file` at `line`; None for one that cannot be told."""
    name = desktop_file.lower()
    for part, words in _EDITORS.items():
        if part in name and line > 0:
            return [word.format(file=file, line=line) for word in words]
    return None


def open_at_line(file: Path, line: int) -> bool:
    """Open `file` at `line`, counted from 1; False where nobody knows how: then open it without. Blocking."""
    command = editor_command(_preferred(), file, line)
    if command is None or (program := shutil.which(command[0])) is None:
        return False
    return QProcess.startDetached(program, command[1:])[0]


def _preferred() -> str:
    """Return the desktop file of the person's text editor, or ""."""
    asker = shutil.which("xdg-mime") if sys.platform == "linux" else None
    if asker is None:
        return ""
    try:
        asked = [asker, "query", "default", "text/plain"]
        answer = subprocess.run(
            asked, capture_output=True, text=True, timeout=ASK_SECONDS, check=False, env=os.environ
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return answer.stdout.strip()
