"""Looks at the memory again and again, off the loop, and publishes what changed enough to matter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from router.memory.measure.meter import Meter
from router.memory.measure.pools import Pool
from router.memory.measure.sources import shown
from router.state import DeviceMemory, SlotMemory, Snapshot, StateStore

IDLE_SECONDS = 1.0
SWITCH_SECONDS = 0.25
STEP = 16 << 20
"""Bytes: a smaller change is not published."""
RAM_STEP = 64 << 20
"""The same for the computer's RAM: otherwise every program's fluctuation would be a revision each second."""
BUSY_STEP = 10
"""Percent: the same for a GPU's utilisation."""

Publish = Callable[[Sequence[DeviceMemory], Mapping[str, SlotMemory]], None]


class MemoryPoll:
    """Belongs to the loop."""

    def __init__(
        self, store: StateStore, meter: Meter, publish: Publish, engines: Callable[[], Collection[int]]
    ) -> None:
        """`publish` gets the devices, and what each slot with an engine holds. `engines`: the pids of all there
        are, including those beside the one that a slot shows."""
        self._store = store
        self._meter = meter
        self._publish = publish
        self._engines = engines
        self._switching = False
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Look until cancelled: more often during a switch, and at once when one begins or ends."""
        unsubscribe = self._store.subscribe(self._on_change)
        try:
            while True:
                self._wake.clear()
                await self.look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(SWITCH_SECONDS if self._switching else IDLE_SECONDS):
                        await self._wake.wait()
        finally:
            unsubscribe()

    async def look(self) -> None:
        """Measure and publish once."""
        asked = {slot.name: slot.pid for slot in self._store.snapshot.slots if slot.pid}
        found = await self._meter.measure({*asked.values(), *self._engines()})
        pools = shown(found.pools)
        held = found.held[: len(pools)]
        # An engine that was replaced in the meantime is measured next time.
        engines = {s.name: s.pid for s in self._store.snapshot.slots if s.pid and asked.get(s.name) == s.pid}
        slots = {name: _slot(pid, pools, held) for name, pid in engines.items()}
        beside = [sum(amount for pid, amount in h.items() if pid not in engines.values()) for h in held]
        self._publish(*settle(self._store.snapshot, _devices(pools), slots, beside))

    def _on_change(self, snapshot: Snapshot) -> None:
        switching = any(slot.state.switching for slot in snapshot.slots)
        if switching is not self._switching:
            self._switching = switching
            self._wake.set()


def settle(
    before: Snapshot,
    devices: Sequence[DeviceMemory],
    slots: Mapping[str, SlotMemory],
    beside: Sequence[int] = (),
) -> tuple[list[DeviceMemory], dict[str, SlotMemory]]:
    """Return the new figures, but the published ones for all that moved by less than a step; pure.

    A device's `used_by_slots` is the sum of its slots' figures as they are then, plus what engines `beside`
    those shown hold of it.
    """
    same = [d.name for d in before.memory] == [d.name for d in devices]
    shown = {s.name: s.memory_by_device for s in before.slots if same and s.memory_by_device}
    kept = {name: _steady_slot(shown.get(name), slot) for name, slot in slots.items()}
    settled = []
    for index, device in enumerate(devices):
        now = _steady_device(before.memory[index], device) if same else device
        ours = sum(slot.by_device[index] for slot in kept.values()) + sum(beside[index : index + 1])
        settled.append(replace(now, used_by_slots=ours))
    return settled, kept


def _steady_device(shown: DeviceMemory, now: DeviceMemory) -> DeviceMemory:
    busy = now.utilisation
    if busy is not None and shown.utilisation is not None:
        busy = _steady(shown.utilisation, busy, BUSY_STEP)
    step = STEP if now.is_gpu else RAM_STEP
    return replace(now, used=_steady(shown.used, now.used, step), utilisation=busy)


def _steady_slot(shown: tuple[int, ...] | None, now: SlotMemory) -> SlotMemory:
    if shown is None or len(shown) != len(now.by_device):
        return now
    pairs = zip(shown, now.by_device, strict=True)
    return replace(now, by_device=tuple(_steady(old, new, STEP) for old, new in pairs))


def _steady(old: int, new: int, step: int) -> int:
    """Return `old` while `new` is near; but zero is always zero."""
    return old if old and new and abs(new - old) < step else new


def _devices(pools: Sequence[Pool]) -> list[DeviceMemory]:
    return [
        DeviceMemory(
            pool.name,
            pool.is_gpu,
            pool.total,
            pool.used,
            utilisation=pool.utilisation,
            estimated=any(amount is None for amount in pool.held.values()),
            display=pool.display,
            bandwidth=pool.bandwidth,
        )
        for pool in pools
    ]


def _slot(pid: int, pools: Sequence[Pool], held: Sequence[Mapping[int, int]]) -> SlotMemory:
    guessed = any(pid in pool.held and pool.held[pid] is None for pool in pools)
    return SlotMemory(tuple(holds.get(pid, 0) for holds in held), guessed)
