"""Loads, switches and evictions, counted from one snapshot to the next: whoever decides on them need not
know."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from router.activity.tallies import Histogram
from router.state import SlotState, SlotStatus, Snapshot

LOAD: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
LOADED, FAILED, CANCELLED = "loaded", "failed", "cancelled"


@dataclass(slots=True)
class _Begun:
    target: str
    before: str | None
    at: float


class Switches:
    """Attributes:
    loads: by slot and how they ended (LOADED, FAILED, CANCELLED).
    switches: by slot: loads that took another model's place.
    evictions: by the slot that was emptied for another one.
    seconds: of loads that succeeded, by slot.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.loads: dict[tuple[str, str], int] = {}
        self.switches: dict[str, int] = {}
        self.evictions: dict[str, int] = {}
        self.seconds: dict[str, Histogram] = {}
        self._clock = clock
        self._begun: dict[str, _Begun] = {}
        self._seen: dict[str, tuple[SlotState, str | None]] = {}
        self._evicting: dict[str, tuple[str, ...]] = {}

    def see(self, snapshot: Snapshot) -> None:
        """Note what slots do. Called on every change; most are of requests that come and go, and of no interest
        here."""
        seen = self._seen
        for slot in snapshot.slots:
            now = (slot.state, slot.target)
            if seen.get(slot.name) != now:
                seen[slot.name] = now
                self._moved(slot)
            if slot.evicting or slot.name in self._evicting:
                self._evicts(slot)

    def _moved(self, slot: SlotStatus) -> None:
        begun = self._begun.get(slot.name)
        if begun is not None and not (slot.state.switching and slot.target == begun.target):
            del self._begun[slot.name]
            self._ended(slot, begun)
            begun = None
        if begun is None and slot.state.switching and slot.target:
            before = slot.loaded[0] if slot.loaded else None
            self._begun[slot.name] = _Begun(slot.target, before, self._clock())

    def _ended(self, slot: SlotStatus, begun: _Begun) -> None:
        if slot.state is SlotState.READY and begun.target in (slot.model, *slot.loaded):
            how = LOADED
            histogram = self.seconds.setdefault(slot.name, Histogram(LOAD))
            histogram.add(self._clock() - begun.at)
            if begun.before is not None and begun.before != begun.target:
                self.switches[slot.name] = self.switches.get(slot.name, 0) + 1
        else:
            error = slot.last_error
            how = FAILED if error is not None and error.model == begun.target else CANCELLED
        self.loads[slot.name, how] = self.loads.get((slot.name, how), 0) + 1

    def _evicts(self, slot: SlotStatus) -> None:
        before = self._evicting.get(slot.name, ())
        for name in slot.evicting:
            if name not in before:
                self.evictions[name] = self.evictions.get(name, 0) + 1
        if slot.evicting:
            self._evicting[slot.name] = slot.evicting
        else:
            self._evicting.pop(slot.name, None)
