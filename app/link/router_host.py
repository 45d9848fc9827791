"""The router's own thread and asyncio loop, and the in-process `Link` to it.

The UI may stall without delaying a request, and the router without freezing the UI. The thread must outlive the
engines: on Linux a child with PDEATHSIG dies with the thread that started it, not with the process.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from app.link.link import Attached
from app.link.loop_thread import LoopThread
from router.base.errors import RouterError
from router.base.loop import run
from router.base.tasks import spawn
from router.orders.order import Order, TakesOrders
from router.state import Observer, Observers, ServerState, ServerStatus, Snapshot, StateStore

log = logging.getLogger(__name__)
R = TypeVar("R")

SWITCH_INTERVAL = 0.0005
"""Seconds; see `RouterHost.start`."""


class HostedService(TakesOrders, Protocol):
    """What the host needs of `router.service.Service`; every coroutine runs on the router's loop."""

    @property
    def store(self) -> StateStore: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class RouterHost:
    """Runs one service on a thread of its own, and is the `Link` to it.

    `make_service` is called on the router's thread, inside its loop. Until it has returned, the snapshot is an
    empty one; if it raises, one that says why. Observers may subscribe at any time.
    """

    def __init__(self, make_service: Callable[[], HostedService]) -> None:
        self._make_service = make_service
        self._observers = Observers()
        self._service: HostedService | None = None
        self._started = threading.Event()
        self._error: BaseException | None = None
        self._failed = Snapshot()
        # Not a daemon: an interpreter that exits must wait until the engines are gone.
        gone = "hal0's router is not running; start hal0 again."
        self._thread = LoopThread(self._run, "hal0-router", gone=gone, daemon=False)

    @property
    def snapshot(self) -> Snapshot:
        return self._service.store.snapshot if self._service else self._failed

    @property
    def attached(self) -> Attached | None:
        return None  # it ends with this process

    @property
    def running(self) -> bool:
        """Whether the router's thread is alive, and with it the engines."""
        return self._thread.running

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Call `observer` on the router's thread after each change."""
        return self._observers.add(observer)

    def start(self) -> None:
        """Start the thread; returns when the service has started, raises what its start raised."""
        # By default a busy UI may keep the router from the interpreter for 5 ms each time:
        # requests beside a UI that stalls waited 29 to 90 ms longer (p99), now under 1 (benchmarks/ui.py).
        sys.setswitchinterval(SWITCH_INTERVAL)
        self._thread.start()
        self._started.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error

    def stop(self, timeout: float | None = None) -> bool:
        """Stop the service and join the thread; False if it still runs after `timeout` seconds."""
        return self._thread.stop(timeout)

    async def carry_out(self, order: Order[R]) -> R:
        """Carry the order out on the router's loop; cancelling here cancels it there."""
        return await self._thread.carry_out(self._service, order)

    def _run(self) -> None:
        try:
            run(self._serve())
        except BaseException as error:  # start() raises it on its caller's thread
            if self._started.is_set():
                log.exception("the router's thread ended")
            self._error = error
            if self._service is None:
                said = error.message if isinstance(error, RouterError) else str(error)
                self._failed = Snapshot(server=ServerStatus(ServerState.FAILED, error=said))
                self._on_change(self._failed)
        finally:
            self._started.set()

    async def _serve(self) -> None:
        asked_to_stop = self._thread.enter()
        service = self._make_service()
        unsubscribe = service.store.subscribe(self._on_change)
        self._service = service
        self._on_change(service.store.snapshot)
        try:
            await self._start_unless_stopped(service, asked_to_stop)
            self._started.set()
            await asked_to_stop.wait()
        finally:
            await service.stop()
            unsubscribe()

    async def _start_unless_stopped(self, service: HostedService, stop: asyncio.Event) -> None:
        """Start the service, or cancel that: a person who quits while models load must not wait for them."""
        starting = spawn(service.start(), name="service start")
        stopping = spawn(stop.wait(), name="stop asked")
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
        if not starting.cancelled():
            starting.result()

    def _on_change(self, snapshot: Snapshot) -> None:
        for observer in self._observers:
            observer(snapshot)
