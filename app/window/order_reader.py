"""Asks the router for what a tab shows, without making the window wait."""

from __future__ import annotations

import asyncio
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.link.link import Link
from router.base.errors import RouterError
from router.base.tasks import spawn
from router.orders.order import Order


class OrderReader(QObject):
    """One question at a time: a router that answers late is not asked twice, and what has come since the last
    answer comes together.

    Signals:
        read: (Order, what it returns) the question and its answer
        failed: (Order, reason)
    """

    read = Signal(object, object)
    failed = Signal(object, str)

    def __init__(self, link: Link, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._asking: asyncio.Task[None] | None = None

    def ask(self, question: Order[Any]) -> bool:
        """Ask unless an answer is awaited; return whether it was asked."""
        if self._asking is not None and not self._asking.done():
            return False
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return False  # the window drawn for a picture
        self._asking = spawn(self._ask(question), name=f"ask: {type(question).__name__}")
        return True

    async def _ask(self, question: Order[Any]) -> None:
        answer, reason = None, None
        try:
            answer = await self._link.carry_out(question)
        except RouterError as error:
            reason = error.message
        except OSError as error:
            reason = str(error)
        self._asking = None  # whoever hears the answer may ask on
        if reason is not None:
            self.failed.emit(question, reason)
        else:
            self.read.emit(question, answer)
