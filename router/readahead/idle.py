"""Has the file read that a slot is likely to be asked for next, while nobody needs the computer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import psutil

from router.readahead.ahead import ReadAhead
from router.readahead.habits import HabitsFile
from router.readahead.predict import KEPT, Asked, likely_next
from router.state import SlotState, SlotStatus, Snapshot, StateStore

LOOK_SECONDS: Final = 60.0
IDLE_SECONDS: Final = 600.0
_BUSY_PERCENT: Final = 20.0


@dataclass(frozen=True, slots=True)
class Computer:
    """`cpu` is percent of all cores since the last look; `on_battery`: no mains."""

    cpu: float
    on_battery: bool


def look_at_computer() -> Computer:
    find_battery = getattr(psutil, "sensors_battery", None)
    battery = find_battery() if find_battery is not None else None
    return Computer(psutil.cpu_percent(), battery is not None and battery.power_plugged is False)


def is_idle(snapshot: Snapshot, computer: Computer, now: float) -> bool:
    """Return whether no request came for a while (`now` in Unix seconds), and nobody else is at work. Pure."""
    if computer.on_battery or computer.cpu >= _BUSY_PERCENT or not is_quiet(snapshot):
        return False
    return all(slot.idle_since is None or now - slot.idle_since >= IDLE_SECONDS for slot in snapshot.slots)


def is_quiet(snapshot: Snapshot) -> bool:
    """Return whether no slot switches, answers or is waited for."""
    return not any(slot.state.switching or slot.in_flight or slot.queued for slot in snapshot.slots)


class IdleReader:
    """Belongs to the loop. Remembers what slots were asked for, and has one guess read for each load."""

    def __init__(
        self,
        store: StateStore,
        ahead: ReadAhead,
        file: HabitsFile,
        allowed: Callable[[], bool],
        look: Callable[[], Computer] = look_at_computer,
    ) -> None:
        """Learn and act on habits where `allowed` says so; else what was learnt is removed."""
        self._store = store
        self._ahead = ahead
        self._file = file
        self._allowed = allowed
        self._look = look
        self._asked: dict[str, tuple[Asked, ...]] = {}
        self._read: dict[str, Asked] = {}  # the load after which a guess was read
        self._held: dict[str, str | None] = {}  # what each slot was last seen to be ready with
        self._looked: dict[str, float] = {}
        self._saved: dict[str, tuple[Asked, ...]] = {}

    async def run(self) -> None:
        """Look once a minute until cancelled."""
        end = await self.begin()
        try:
            while True:
                await self.look()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            end()

    async def begin(self) -> Callable[[], None]:
        """Learn from now on, until the returned function is called."""
        self._asked = self._saved = await asyncio.to_thread(self._file.load)
        end = self._store.subscribe(self._on_change)
        self._on_change(self._store.snapshot)
        return end

    def _on_change(self, snapshot: Snapshot) -> None:
        """Take note of models that slots have turned to; end what is read for a guess when work comes."""
        for slot in snapshot.slots:
            if slot.model is not self._held.get(slot.name) and slot.state is SlotState.READY:
                self._held[slot.name] = slot.model
                self._turned(slot)
        if self._ahead.guessing and not is_quiet(snapshot):
            self._ahead.forget_guess()

    async def look(self) -> None:
        """Save what is new, and guess if this is the time to."""
        if not self._allowed():
            if self._asked:
                self._asked = self._saved = {}
                await asyncio.to_thread(self._file.forget)
            return
        if self._asked is not self._saved:
            self._saved = self._asked
            await asyncio.to_thread(self._file.save, self._saved)
        computer = await asyncio.to_thread(self._look)
        if is_idle(self._store.snapshot, computer, time.time()):
            await self._guess()

    async def _guess(self) -> None:
        """Guess for one slot at a time: the next one has its turn at the next look."""
        hour = time.localtime().tm_hour
        open_ones = [name for name, asked in self._asked.items() if self._read.get(name) is not asked[-1]]
        for name in sorted(open_ones, key=lambda name: self._looked.get(name, 0.0)):
            asked = self._asked[name]
            self._looked[name] = time.monotonic()
            model = await asyncio.to_thread(likely_next, asked, hour)
            if model is not None and is_quiet(self._store.snapshot):
                self._ahead.guess(model, partial(self._was_read, name, asked[-1]))
                return

    def _was_read(self, slot: str, last: Asked) -> None:
        self._read[slot] = last

    def _turned(self, slot: SlotStatus) -> None:
        asked = self._asked.get(slot.name, ())
        if slot.model is None or slot.upstream is not None or not self._allowed():
            return
        if not asked or asked[-1].model != slot.model:
            new = Asked(slot.model, round(time.time(), 1), time.localtime().tm_hour)
            self._asked = {**self._asked, slot.name: (*asked, new)[-KEPT:]}
