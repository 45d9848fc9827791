"""A log file of limited size."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path
from typing import Final

_ASK_AGAIN_BYTES: Final = 64 * 1024


class LogFile(logging.handlers.RotatingFileHandler):
    """Renames itself to `.1` when it is full. Windows refuses that while another program has it open, and the
    base class would lose every line meanwhile, and the older files: this one grows until it may be renamed.

    Of a disk that takes no lines the base class would print a traceback for each of them.
    """

    def __init__(self, path: Path, max_bytes: int, backups: int) -> None:
        super().__init__(path, maxBytes=max_bytes, backupCount=backups, encoding="utf-8", errors="replace")
        self._refused_at = 0
        """Size of the file when it could not be renamed; 0: it could."""
        self._fails = self._told = False

    def emit(self, record: logging.LogRecord) -> None:
        self._fails = False
        super().emit(record)
        self._told = self._told and self._fails

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        self._fails = True
        if not self._told and sys.stderr is not None:
            sys.stderr.write(
                f"hal0: {self.baseFilename} cannot be written ({error.strerror or error}); its lines are lost "
                "until it can.\n"
            )
        self._told = True

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 - logging's name
        if not super().shouldRollover(record):
            return False
        return sys.platform != "win32" or self._may_be_renamed()

    def _may_be_renamed(self) -> bool:
        """Return whether nobody but this process has the file open, found out by trying; not for every line."""
        path = Path(self.baseFilename)
        size = path.stat().st_size
        if self._refused_at and size < self._refused_at + _ASK_AGAIN_BYTES:
            return False
        if self.stream is not None:
            self.stream.close()
        aside = path.with_name(f"{path.name}.moving")
        try:
            path.replace(aside)
            aside.replace(path)
        except PermissionError:
            self._refused_at = size
            self.stream = self._open()
            return False
        self._refused_at = 0
        return True
