"""The `Link` the desktop is built on: to the router another process runs, or else to one of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from app.link import Attached, Link
from router.config.change import ConfigChange, ConfigDocument
from router.state import DownloadOrder, Observer, Snapshot

if TYPE_CHECKING:
    from router.engine.find import EngineProblem
    from router.engine.install import OnProgress
    from router.wire.offer import Offer


class Host(Link, Protocol):
    """A link with a life of its own: app.router_host.RouterHost, app.remote_link.RemoteLink."""

    @property
    def running(self) -> bool: ...

    def start(self) -> None:
        """Returns when it can be used; raises what keeps it from that."""
        ...

    def stop(self, timeout: float | None = None) -> bool:
        """End it; False if it still runs after `timeout` seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Routers:
    """Where a host comes from: `own` makes one for a router in this process, `other` one for a router that
    another process runs, if one does (it blocks while it looks)."""

    own: Callable[[], Host]
    other: Callable[[], Host | None] = lambda: None


class CurrentLink:
    """Passes everything on to one host, which can be replaced while the window stays."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._observers: list[Observer] = []
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
        self._observers = [*self._observers, observer]

        def unsubscribe() -> None:
            self._observers = [o for o in self._observers if o is not observer]

        return unsubscribe

    async def load(self, slot: str, model: str, *, force: bool = False) -> None:
        await self._host.load(slot, model, force=force)

    async def unload(self, slot: str) -> None:
        await self._host.unload(slot)

    async def unload_all(self) -> None:
        await self._host.unload_all()

    async def restart(self, slot: str) -> None:
        await self._host.restart(slot)

    async def cancel(self, slot: str) -> None:
        await self._host.cancel(slot)

    async def logs(self, slot: str) -> list[str]:
        return await self._host.logs(slot)

    async def router_log(self) -> list[str]:
        return await self._host.router_log()

    async def engine_command(self, slot: str) -> list[str]:
        return await self._host.engine_command(slot)

    async def read_config(self) -> ConfigDocument:
        return await self._host.read_config()

    async def edit_config(self, changes: Sequence[ConfigChange]) -> None:
        await self._host.edit_config(changes)

    async def engine_problem(self) -> EngineProblem | None:
        return await self._host.engine_problem()

    async def install_engine(self, on_progress: OnProgress) -> str:
        return await self._host.install_engine(on_progress)

    async def offer(self, reference: str) -> Offer:
        return await self._host.offer(reference)

    async def download(self, order: DownloadOrder, reference: str) -> None:
        await self._host.download(order, reference)

    def _on_change(self, snapshot: Snapshot) -> None:
        for observer in self._observers:
            observer(snapshot)
