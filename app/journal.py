"""Log lines for systemd's journal: it adds the time, and reads a line's priority from `<N>` at its start.

Source: sd-daemon(3), systemd.exec(5) on $JOURNAL_STREAM.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

ENV = "JOURNAL_STREAM"
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG = 7


class JournalFormatter(logging.Formatter):
    """`<priority>logger: message`, on every line of a traceback."""

    def __init__(self) -> None:
        super().__init__("%(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        mark = f"<{priority(record.levelno)}>"
        return mark + super().format(record).replace("\n", f"\n{mark}")


def priority(level: int) -> int:
    """syslog's priority (3: error, 4: warning, 6: information, 7: debug) of a level of `logging`."""
    return next((number for at_least, number in _PRIORITIES if level >= at_least), _DEBUG)


def is_journal(descriptor: int, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether that descriptor is the journal's: the variable is inherited also by what writes elsewhere."""
    device, _, inode = environment.get(ENV, "").partition(":")
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))
