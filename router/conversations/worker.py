"""One thread for one owner's files: requests are carried out in order, and no disk stalls the loop."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Worker:
    """A daemon thread: a disk that hangs does not keep hal0 from ending."""

    def __init__(self, name: str) -> None:
        self._asked: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def run(self, function: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Have it called after all that was asked before; the result, or what it raised. Whoever stops waiting
        does not undo it."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()

        def call() -> None:
            try:
                result = function(*args)
            except BaseException as error:  # noqa: BLE001 - told to whoever asked
                _tell(loop, outcome, outcome.set_exception, error)
            else:
                _tell(loop, outcome, outcome.set_result, result)

        self._asked.put(call)
        return outcome

    async def close(self, seconds: float) -> None:
        """Have all that was asked done, within `seconds`; the thread ends then."""
        self._asked.put(None)
        await asyncio.to_thread(self._thread.join, seconds)

    def _work(self) -> None:
        while (call := self._asked.get()) is not None:
            call()


def _tell(
    loop: asyncio.AbstractEventLoop, outcome: asyncio.Future[Any], settle: Callable[[Any], None], told: Any
) -> None:
    def settle_if_awaited() -> None:
        if not outcome.done():
            settle(told)

    try:
        loop.call_soon_threadsafe(settle_if_awaited)
    except RuntimeError:  # the loop has ended: nobody waits any more
        return
