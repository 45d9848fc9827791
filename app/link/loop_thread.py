"""A thread with an asyncio loop of its own, for a `Link`: others ask it to stop, and give it orders."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from router.base.errors import ShuttingDown
from router.orders.order import Order, TakesOrders

R = TypeVar("R")


class LoopThread:
    """`target` runs on the thread, and calls `enter` inside its loop."""

    def __init__(self, target: Callable[[], None], name: str, *, gone: str, daemon: bool) -> None:
        """`gone`: the sentence for orders that come while there is no loop."""
        self._target, self._gone = target, gone
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked_to_stop: asyncio.Event | None = None
        self._entered = threading.Event()  # or ended
        self._thread = threading.Thread(target=self._run, name=name, daemon=daemon)

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        """Return when `enter` has been called, or the thread has ended."""
        self._thread.start()
        self._entered.wait()

    def enter(self) -> asyncio.Event:
        """Let orders come from now on; return the event that `stop` sets."""
        self._loop, self._asked_to_stop = asyncio.get_running_loop(), asyncio.Event()
        self._entered.set()
        return self._asked_to_stop

    def join(self) -> None:
        self._thread.join()

    def stop(self, timeout: float | None = None) -> bool:
        """Ask it to stop, and join; False if it still runs after `timeout` seconds."""
        if self._thread.ident is None:
            return True
        self._entered.wait(timeout)
        loop, event = self._loop, self._asked_to_stop
        if loop is not None and event is not None:
            with contextlib.suppress(RuntimeError):  # closed: the thread is ending by itself
                loop.call_soon_threadsafe(event.set)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    async def carry_out(self, taker: TakesOrders | None, order: Order[R]) -> R:
        """Have the order carried out by `taker`, on this thread's loop; cancelling here cancels it there.
        Raises RouterError."""
        loop, event = self._loop, self._asked_to_stop
        if taker is None or loop is None or event is None or event.is_set() or loop.is_closed():
            raise ShuttingDown(self._gone)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(taker.carry_out(order), loop))

    def _run(self) -> None:
        try:
            self._target()
        finally:
            self._entered.set()
