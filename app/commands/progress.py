"""One line that shows how far something is: redrawn on a terminal, one line per step elsewhere."""

from __future__ import annotations

import sys
from typing import TextIO

_WIDTH = 28


def bar(fraction: float | None) -> str:
    """`▓▓▓░░░ 45%`, or nothing where the fraction is not known."""
    if fraction is None:
        return ""
    filled = round(max(0.0, min(1.0, fraction)) * _WIDTH)
    return f"{'▓' * filled}{'░' * (_WIDTH - filled)} {fraction:4.0%}"


class ProgressLine:
    """Writes to stderr, so that stdout stays clean for pipes."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._shown = ""

    @property
    def redraws(self) -> bool:
        """Whether a line can be replaced by the next."""
        return self._terminal

    def show(self, text: str, fraction: float | None = None) -> None:
        """Redraw; without a terminal only a new `text` is a new line."""
        line = f"{text} {bar(fraction)}".rstrip()
        if self._terminal:
            self._stream.write(f"\r\x1b[2K{line}")
            self._stream.flush()
        elif text != self._shown:
            self._stream.write(text + "\n")
            self._stream.flush()
        self._shown = text

    def clear(self) -> None:
        if self._terminal and self._shown:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
