"""Pure: how fast each slot answered, and what memory it held, within the last hour."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.views.first_run import without_demo_speed
from router.activity.record import Record
from router.memory.measure.history import Held
from router.remote.names import all_slots
from router.state import SlotStatus, Snapshot

SPAN = 3600.0
"""Seconds that are shown."""

STEPS = 120
"""Parts of the span."""

STEP = SPAN / STEPS


class Curves(NamedTuple):
    """One figure for each of STEPS, oldest first. `speeds`: the most tokens per second, None where nothing was
    answered. `memory`: bytes at the step's end; None before the slot was watched."""

    speeds: tuple[float | None, ...]
    memory: tuple[int | None, ...]

    @property
    def tells(self) -> bool:
        """Whether there is a curve to look at, not just what the card says of now."""
        held = {size for size in self.memory if size is not None}
        return len(held) > 1 or sum(speed is not None for speed in self.speeds) > 1


@dataclass(slots=True)
class _Watched:
    """`speeds` and `memory`: numbers of steps since 1970, each with its figure; memory holds until the next.
    `is_seen`: a snapshot has told of it."""

    is_seen: bool = False
    speed: float | None = None
    speeds: deque[tuple[int, float]] = field(default_factory=deque)
    memory: deque[tuple[int, int]] = field(default_factory=deque)

    def note(self, slot: SlotStatus, step: int) -> None:
        speed = slot.tokens_per_second
        if speed is not None and speed != self.speed and self.is_seen:  # at first it is nobody knows how old
            before = self.speeds.pop()[1] if self.speeds and self.speeds[-1][0] == step else 0.0
            self.speeds.append((step, max(before, speed)))
        self.speed, self.is_seen = speed, True
        size = slot.memory or 0
        if not self.memory or size != self.memory[-1][1]:
            if self.memory and self.memory[-1][0] == step:
                self.memory.pop()
            self.memory.append((step, size))
        first = step - STEPS
        while self.speeds and self.speeds[0][0] <= first:
            self.speeds.popleft()
        while len(self.memory) > 1 and self.memory[1][0] <= first + 1:
            self.memory.popleft()

    def recall_memory(self, changes: Sequence[tuple[int, int]]) -> None:
        """Take (step, bytes), oldest first, of before this was watched."""
        first = self.memory[0][0] if self.is_seen else None
        earlier = [change for change in changes if first is None or change[0] < first]
        self.memory = deque([*earlier, *(self.memory if self.is_seen else ())])

    def recall(self, step: int, speed: float) -> None:
        """Take what was so in a step that may be long past."""
        speeds = dict(self.speeds)
        speeds[step] = max(speed, speeds.get(step, 0.0))
        self.speeds = deque(sorted(speeds.items()))


@dataclass(slots=True)
class SlotHistory:
    """Notes what the snapshots say of each slot, by name."""

    _slots: dict[str, _Watched] = field(default_factory=dict)

    def note(self, snapshot: Snapshot, now: float) -> None:
        """Take what this snapshot says, seen at Unix time `now`."""
        step = int(now // STEP)
        for hosted in all_slots(snapshot):
            watched = self._slots.setdefault(hosted.slot.name, _Watched())
            watched.note(without_demo_speed(hosted.slot), step)

    def recall(self, records: Sequence[Record]) -> None:
        """Take how fast slots answered before the first snapshot."""
        for record in records:
            if record.slot and not record.upstream and record.tokens_per_second is not None:
                step = int((record.at + record.total_s) // STEP)
                self._slots.setdefault(record.slot, _Watched()).recall(step, record.tokens_per_second)

    def recall_memory(self, held: Held) -> None:
        """Take what slots held before the first snapshot."""
        for slot, changes in held.items():
            told = [(int(at // STEP), size) for at, size in changes]
            self._slots.setdefault(slot, _Watched()).recall_memory(told)

    def of(self, slot: str, now: float) -> Curves:
        """Return the hour before Unix time `now`."""
        watched = self._slots.get(slot, _Watched())
        last = int(now // STEP)
        steps = range(last - STEPS + 1, last + 1)
        speeds = dict(watched.speeds)
        held: int | None = None
        memory: list[int | None] = []
        changes = deque(watched.memory)
        for step in steps:
            while changes and changes[0][0] <= step:
                held = changes.popleft()[1]
            memory.append(held)
        return Curves(tuple(speeds.get(step) for step in steps), tuple(memory))
