"""Asks the router for log lines without making the window wait."""

from __future__ import annotations

import asyncio
import logging

from PySide6.QtCore import QObject, Signal

from app.link.link import Link
from router.base.errors import RouterError
from router.base.tasks import spawn
from router.orders.kinds import ReadEngineLog, ReadLog

log = logging.getLogger(__name__)


class LogReader(QObject):
    """One question at a time: a router that answers late is not asked twice.

    Signals:
        read: (slot, or "" for hal0's own log; its last lines, oldest first)
        failed: (slot or "", reason)
    """

    read = Signal(str, list)
    failed = Signal(str, str)

    def __init__(self, link: Link, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._asking: asyncio.Task[None] | None = None

    def ask(self, slot: str) -> None:
        """Read this log; the answer comes as `read` or `failed`. Needs a running asyncio loop."""
        if self._asking is None or self._asking.done():
            self._asking = spawn(self._ask(slot), name=f"read the log of {slot or 'hal0'}")

    async def _ask(self, slot: str) -> None:
        try:
            lines = await self._link.carry_out(ReadEngineLog(slot) if slot else ReadLog())
        except RouterError as error:
            self.failed.emit(slot, error.message)
        except OSError as error:
            self.failed.emit(slot, str(error))
        else:
            self.read.emit(slot, lines)
