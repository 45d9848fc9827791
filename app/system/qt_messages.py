"""What Qt and its plugins have to say goes into hal0's log: on the terminal nobody can do anything about it.

What ends the process is told there all the same: the log is written by a thread that does not live to do it.
"""

from __future__ import annotations

import logging
import sys
from typing import Final

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

log = logging.getLogger("qt")

_LEVELS: Final = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.DEBUG,
    QtMsgType.QtWarningMsg: logging.INFO,
    QtMsgType.QtCriticalMsg: logging.WARNING,
    QtMsgType.QtFatalMsg: logging.ERROR,
}


def log_qt_messages() -> None:
    """Log them from now on, for the whole process."""
    qInstallMessageHandler(_on_message)


def _on_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    if kind is QtMsgType.QtFatalMsg:
        sys.stderr.write(f"hal0: Qt cannot go on: {message.strip()}\n")
        sys.stderr.flush()
    log.log(_LEVELS.get(kind, logging.INFO), "%s: %s", context.category or "default", message)
