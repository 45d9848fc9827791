"""When a stream of the state has something to tell."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from typing import Final

from router.state import SlotStatus, Snapshot, StateStore

CALM_SECONDS: Final = 0.1

_OTHERS: Final = tuple(field.name for field in fields(Snapshot) if field.name not in ("revision", "slots"))


class ChangeSignal:
    """`came` is set when the state has changed: at once, but CALM_SECONDS later where only requests came or
    went. Each of them changes that twice, and to tell a reader costs as much as to answer a small one.
    """

    def __init__(self, store: StateStore, calm: float = CALM_SECONDS) -> None:
        self.came = asyncio.Event()
        self._calm = calm
        self._seen = store.snapshot
        self._timer: asyncio.TimerHandle | None = None
        self._unsubscribe = store.subscribe(self._on_change)

    def close(self) -> None:
        self._unsubscribe()
        self._forget_timer()

    def _on_change(self, snapshot: Snapshot) -> None:
        before, self._seen = self._seen, snapshot
        if self.came.is_set():
            return
        if not only_requests(before, snapshot):
            self._set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._calm, self._set)

    def _set(self) -> None:
        self._forget_timer()
        self.came.set()

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def only_requests(before: Snapshot, after: Snapshot) -> bool:
    """Return whether nothing differs but what each request changes, in slots of this hal0. Pure."""
    return (
        all(getattr(before, name) is getattr(after, name) for name in _OTHERS)
        and len(before.slots) == len(after.slots)
        and all(map(_is_same, before.slots, after.slots))
    )


def _is_same(before: SlotStatus, after: SlotStatus) -> bool:
    return before is after or after == replace(
        before,
        in_flight=after.in_flight,
        queued=after.queued,
        idle_since=after.idle_since,
        tokens_per_second=after.tokens_per_second,
        served_by=after.served_by,
    )
