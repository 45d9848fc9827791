"""`hal0 serve`: the router alone, on the main thread, until a signal ends it. Imports no Qt."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from app.system.console_end import on_console_end
from app.system.heap import settle_heap
from app.system.sd_notify import Notifier, tell_status
from app.system.signals import stop_signals
from router.service import Service
from router.state import ServerStatus

STOP_SECONDS = 60.0
"""How long stopping may take: the engines' stop ladders run side by side."""


async def serve(service: Service, announce: Callable[[ServerStatus], None] = lambda _server: None) -> None:
    """Run until a signal ends it (app.system.signals); systemd is told how, and `announce` once the endpoint
    answers. Raises RouterError if it cannot start."""
    notifier = Notifier()
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in stop_signals():
        _on_signal(loop, number, stopping)
    on_console_end(lambda: loop.call_soon_threadsafe(stopping.set))
    await service.start()
    notifier.ready()
    announce(service.store.snapshot.server)
    settle_heap()
    unsubscribe = tell_status(notifier, service.store)
    try:
        await stopping.wait()
    finally:
        unsubscribe()
        notifier.stopping(STOP_SECONDS)
        await service.stop()


def _on_signal(loop: asyncio.AbstractEventLoop, number: signal.Signals, stopping: asyncio.Event) -> None:
    try:
        loop.add_signal_handler(number, stopping.set)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))
