"""Log lines for systemd's journal: it adds the time, and reads a line's priority from `<N>` at its start.

Source: sd-daemon(3), systemd.exec(5) on $JOURNAL_STREAM.
"""

from __future__ import annotations

import copy
import logging
import os
import textwrap
from collections.abc import Mapping

from router.base.names import shown, speakable

ENV = "JOURNAL_STREAM"
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG = 7
_LONGEST = 4000
"""Characters of one value in a log line."""


class OneLine(logging.Formatter):
    """What a record says, on one line: clients' and engines' words may hold anything, and what they wrote must
    not pass for a line of its own, move a terminal's cursor, or be what no encoding can write."""

    def format(self, record: logging.LogRecord) -> str:
        plain = copy.copy(record)
        if isinstance(record.args, Mapping):
            plain.args = {name: _speakable(value) for name, value in record.args.items()}
        elif record.args:
            plain.args = tuple(map(_speakable, record.args))
        # Some messages are several lines by intent; each is made of lines that were made safe before.
        parts = [speakable(plain.getMessage(), keep="\n\t")]
        parts += [self.formatException(record.exc_info)] if record.exc_info else []
        parts += [self.formatStack(record.stack_info)] if record.stack_info else []
        first, *rest = (speakable(part, keep="\n\t") for part in parts)
        return "\n".join([first, *(textwrap.indent(part, "  ") for part in rest)])


class _Speakable:
    """A value in a log line: `%s` and `%r` give printable text of limited length."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __str__(self) -> str:
        return shown(str(self._value), _LONGEST)

    def __repr__(self) -> str:
        return shown(repr(self._value), _LONGEST)


def _speakable(value: object) -> object:
    return value if isinstance(value, int | float) else _Speakable(value)


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
    """Return whether that descriptor is the journal's: the variable is inherited also by what writes
    elsewhere."""
    device, _, inode = environment.get(ENV, "").partition(":")
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))
