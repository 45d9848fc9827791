"""Holds off the system's sleep while there is work, never longer."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from router.state import DownloadState, Snapshot, StateStore

log = logging.getLogger(__name__)

LEAST_SECONDS: Final = 1.0
"""Work that ends sooner is not worth asking the system: nothing sleeps because of it."""

WHY: Final = "hal0 answers requests, loads or downloads models"


class Inhibitor(Protocol):
    """How one system is kept awake. `hold` may block, raises OSError where that cannot be, and is not called
    twice without a `release` between, which does not block."""

    def hold(self) -> None: ...

    def release(self) -> None: ...


def find_inhibitor() -> Inhibitor:
    """Return the one for this system."""
    if sys.platform == "win32":
        from router.power.windows import PowerRequest as Found
    elif sys.platform == "darwin":
        from router.power.macos import PowerAssertion as Found
    else:
        from router.power.logind import InhibitorLock as Found
    return Found()


def works(snapshot: Snapshot) -> bool:
    """Return whether a slot answers, has somebody waiting, or loads, or a model is being fetched."""
    slots = any(slot.in_flight or slot.queued or slot.state.switching for slot in snapshot.slots)
    return slots or any(download.state is DownloadState.RUNNING for download in snapshot.downloads)


class KeepAwake:
    """Publishes `Snapshot.awake`. A failure is logged once, and costs nothing else. Belongs to the loop."""

    def __init__(
        self,
        store: StateStore,
        inhibitor: Inhibitor,
        wanted: Callable[[], bool],
        requests: Callable[[], int],
    ) -> None:
        """`wanted`: whether sleep is to be held off at all (`keep_awake`); `requests`: how many are open, those
        included that a server elsewhere answers."""
        self._store = store
        self._inhibitor = inhibitor
        self._wanted = wanted
        self._requests = requests
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._works = False
        self._told: set[str] = set()

    def look(self, _snapshot: Snapshot | None = None) -> None:
        """Look whether there is work now. On the loop; called at each change."""
        now = self._wanted() and (self._requests() > 0 or works(self._store.snapshot))
        if now is self._works:
            return
        self._works = now
        self._changed.set()
        self._idle.clear() if now else self._idle.set()

    async def run(self) -> None:
        """Hold and release until cancelled."""
        unsubscribe = self._store.subscribe(self.look)
        self.look()
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                if self._works:
                    await self._while_it_works()
        finally:
            unsubscribe()

    async def _while_it_works(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAST_SECONDS):
                await self._idle.wait()
        if not self._works:
            return
        try:
            await asyncio.to_thread(self._inhibitor.hold)
        except OSError as error:
            self._failed(error)
            return
        try:
            self._store.update(awake=True)
            await self._idle.wait()
        finally:
            self._store.update(awake=False)
            self._inhibitor.release()

    def _failed(self, error: OSError) -> None:
        if (said := str(error)) not in self._told:
            self._told.add(said)
            log.warning("this computer may fall asleep while hal0 works: %s", said)
