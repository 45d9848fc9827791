"""Runs a coroutine with Qt's events and asyncio on one loop, as the desktop does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import qasync
from PySide6.QtWidgets import QApplication

DEADLINE_SECONDS = 20.0


def run_qt(app: QApplication, scene: Coroutine[Any, Any, None]) -> None:
    """Play `scene` to its end, whatever windows it closes."""
    app.setQuitOnLastWindowClosed(False)
    with qasync.QEventLoop(app) as loop:
        loop.run_until_complete(scene)


async def until_processed(condition: Callable[[], object]) -> None:
    """Let tasks and Qt's events go on until `condition()`, where asyncio has a loop of its own."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():
            QApplication.processEvents()
            await asyncio.sleep(0)


async def until(condition: Callable[[], object], what: str) -> None:
    """Let Qt go on until `condition()`, within the deadline."""
    loop = asyncio.get_running_loop()
    end = loop.time() + DEADLINE_SECONDS
    while not condition():
        assert loop.time() < end, f"waited {DEADLINE_SECONDS:.0f} s for {what}"
        await asyncio.sleep(0.005)
