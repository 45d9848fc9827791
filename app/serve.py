"""`hal0 serve`: the router alone, on the main thread, until a signal ends it. Imports no Qt."""

from __future__ import annotations

import asyncio
import signal

from router.service import Service


async def serve(service: Service) -> None:
    """Run until SIGINT or SIGTERM. Raises RouterError if the endpoint cannot start."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        _on_signal(loop, number, stopping)
    await service.start()
    try:
        await stopping.wait()
    finally:
        await service.stop()


def _on_signal(loop: asyncio.AbstractEventLoop, number: signal.Signals, stopping: asyncio.Event) -> None:
    try:
        loop.add_signal_handler(number, stopping.set)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))
