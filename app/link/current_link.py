"""The `Link` the desktop is built on: to the router another process runs, or else to one of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from app.link.link import Attached, Link
from router.orders.order import Order
from router.state import Observer, Observers, Snapshot

R = TypeVar("R")


class Host(Link, Protocol):
    """A link with a life of its own: app.link.router_host.RouterHost, app.link.remote_link.RemoteLink."""

    @property
    def running(self) -> bool: ...

    def start(self) -> None:
        """Return when it can be used; raises what keeps it from that."""
        ...

    def stop(self, timeout: float | None = None) -> bool:
        """End it; False if it still runs after `timeout` seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Routers:
    """Where a host comes from: `own` makes one for a router in this process, `other` one for a router that
    another process runs, if one does (it blocks while it looks); `last_good` one in this process with the
    hal0.yaml that worked last, None: nobody keeps it."""

    own: Callable[[], Host]
    other: Callable[[], Host | None] = lambda: None
    last_good: Callable[[], Host] | None = None


class CurrentLink:
    """A link to one host, which can be replaced while the window stays."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._observers = Observers()
        self._replacing = threading.Lock()
        self._leaving = threading.Event()
        self._unsubscribe = host.subscribe(self._on_change)

    # -- life, from any thread ---------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self._host.running

    def start(self) -> None:
        self._host.start()

    def stop(self, timeout: float | None = None) -> bool:
        self._leaving.set()
        return self._host.stop(timeout)

    def replace(self, host: Host) -> None:
        """End what there is and start `host` in its place; blocks meanwhile. Raises what its start raises."""
        with self._replacing:
            old = self._host
            self._unsubscribe()
            old.stop()
            if self._leaving.is_set():
                return
            self._host = host
            self._unsubscribe = host.subscribe(self._on_change)
            self._on_change(host.snapshot)
            host.start()
            if self._leaving.is_set():  # asked while it started, and then nobody else would
                host.stop()

    # -- Link --------------------------------------------------------------------------------------------------

    @property
    def snapshot(self) -> Snapshot:
        return self._host.snapshot

    @property
    def attached(self) -> Attached | None:
        return self._host.attached

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        return self._observers.add(observer)

    async def carry_out(self, order: Order[R]) -> R:
        return await self._host.carry_out(order)

    def _on_change(self, snapshot: Snapshot) -> None:
        for observer in self._observers:
            observer(snapshot)
