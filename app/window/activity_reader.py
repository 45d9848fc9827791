"""Asks the router for the requests that were recorded, without making the window wait."""

from __future__ import annotations

import asyncio

from PySide6.QtCore import QObject, Signal

from app.link.link import Link
from router.base.errors import RouterError
from router.base.tasks import spawn
from router.orders.kinds import ReadActivity


class ActivityReader(QObject):
    """One question at a time: however fast requests end, what has come since the last answer comes together.

    Signals:
        read: (ReadActivity, Listing) the question and its answer
        failed: (reason)
    """

    read = Signal(object, object)
    failed = Signal(str)

    def __init__(self, link: Link, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._asking: asyncio.Task[None] | None = None

    def ask(self, question: ReadActivity) -> bool:
        """Ask unless an answer is awaited; return whether it was asked."""
        if self._asking is not None and not self._asking.done():
            return False
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return False  # the window drawn for a picture
        self._asking = spawn(self._ask(question), name="read the activity")
        return True

    async def _ask(self, question: ReadActivity) -> None:
        try:
            listing, reason = await self._link.carry_out(question), ""
        except RouterError as error:
            listing, reason = None, error.message
        except OSError as error:
            listing, reason = None, str(error)
        self._asking = None  # whoever hears the answer may ask on
        if listing is None:
            self.failed.emit(reason)
        else:
            self.read.emit(question, listing)
