"""The `Link` to a router that another process runs (`hal0 serve`), over HTTP.

It has a thread and a loop of its own, as the router in this process would have: neither waits for the window.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlsplit

from app.link.link import Attached
from app.link.loop_thread import LoopThread
from router.base.loop import run
from router.orders.order import Order
from router.remote.hal0 import RemoteHal0
from router.state import Observer, Observers, ServerState, ServerStatus, Snapshot

log = logging.getLogger(__name__)
R = TypeVar("R")


class RemoteLink:
    """While there is no contact, the snapshot holds nothing but an endpoint that failed, and why."""

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        find_pid: Callable[[], int | None] = lambda: None,
    ) -> None:
        """`find_pid` tells whose process it is; called after each contact, on the link's thread, and reads a
        file at most."""
        self._url, self._key, self._find_pid = url, api_key, find_pid
        self._observers = Observers()
        self._remote: RemoteHal0 | None = None
        self._snapshot = Snapshot(server=_server_at(url))
        self._attached = Attached(url)
        # A daemon: nothing of anybody's is in it.
        gone = "The connection to hal0 is closed; start the tray again."
        self._thread = LoopThread(self._run, "hal0-link", gone=gone, daemon=True)

    @property
    def snapshot(self) -> Snapshot:
        return self._snapshot

    @property
    def attached(self) -> Attached | None:
        return self._attached

    @property
    def running(self) -> bool:
        return self._thread.running

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Call `observer` on the link's thread after each change."""
        return self._observers.add(observer)

    def start(self) -> None:
        """Follow from now on; returns at once, with or without contact."""
        self._thread.start()

    def stop(self, timeout: float | None = None) -> bool:
        """Leave; the router goes on. False if that takes longer than `timeout` seconds."""
        return self._thread.stop(timeout)

    async def carry_out(self, order: Order[R]) -> R:
        """Carry the order out on the link's loop. Cancelling ends the wait here; what was begun there goes
        on."""
        return await self._thread.carry_out(self._remote, order)

    def _run(self) -> None:
        try:
            run(self._serve())
        except Exception:
            log.exception("the link's thread ended")

    async def _serve(self) -> None:
        self._remote = RemoteHal0(self._url, self._key, self._on_change)
        try:
            await self._thread.enter().wait()
        finally:
            await self._remote.close()

    def _on_change(self) -> None:
        remote = self._remote
        assert remote is not None, "it calls back later than it is made"
        was_lost = self._attached.lost or self._attached.pid is None
        if remote.connected:
            self._snapshot = remote.snapshot
            pid = self._find_pid() if was_lost else self._attached.pid
            self._attached = Attached(self._url, pid)
        else:
            server = replace(self._snapshot.server, state=ServerState.FAILED, error=remote.error)
            self._snapshot = Snapshot(revision=self._snapshot.revision, server=server)
            self._attached = replace(self._attached, lost=True)
        for observer in self._observers:
            observer(self._snapshot)


def _server_at(url: str) -> ServerStatus:
    found = urlsplit(url)
    return ServerStatus(host=found.hostname or "", port=found.port or 80)
