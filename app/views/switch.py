"""Pure: where a switch is, as the row of phases shows it, and how long it will still take."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from router.remote.names import all_slots
from router.state import SlotState, SlotStatus, Snapshot

PHASES = (SlotState.DRAINING, SlotState.STOPPING, SlotState.STARTING, SlotState.LOADING, SlotState.WARMING)
LEAST_SECONDS = 1.0
LEAST_SHARE = 0.02


class Mark(StrEnum):
    DONE = "done"
    NOW = "now"
    AHEAD = "ahead"
    SKIPPED = "skipped"


def overlaps(slot: SlotStatus) -> bool:
    """Return whether the model before goes on answering while the next one loads beside it."""
    return slot.state in PHASES[2:] and bool(slot.loaded) and slot.target not in slot.loaded


def marks(slot: SlotStatus) -> tuple[Mark, ...]:
    """Return one mark for each of PHASES. While the slot is queued, all lie ahead; beside a model that goes on
    answering nothing is drained or stopped first."""
    if slot.state not in PHASES:
        return tuple(Mark.AHEAD for _ in PHASES)
    at = PHASES.index(slot.state)
    before = Mark.SKIPPED if overlaps(slot) else Mark.DONE
    return tuple(
        before if n < min(at, 2) else Mark.DONE if n < at else Mark.NOW if n == at else Mark.AHEAD
        for n in range(len(PHASES))
    )


def fraction(slot: SlotStatus) -> float | None:
    """0..1 while a load knows where it is, else None."""
    if slot.state is not SlotState.LOADING or slot.progress is None or slot.progress.fraction is None:
        return None
    return min(1.0, max(0.0, slot.progress.fraction))


@dataclass(frozen=True, slots=True)
class Sample:
    """The engine said `fraction` (0..1) at `at`, in seconds."""

    at: float
    fraction: float


def seconds_left(first: Sample, last: Sample, now: float) -> float | None:
    """Return how long a load that went from `first` to `last` will still take at `now`, at its pace so far.

    None until it is a second old and two percent further: a guess from less jumps about. A load that stands
    still gets slower and slower, and so does the answer grow.
    """
    passed, done = now - first.at, last.fraction - first.fraction
    if passed < LEAST_SECONDS or done < LEAST_SHARE:
        return None
    return (1.0 - last.fraction) * passed / done


@dataclass(slots=True)
class LoadClock:
    """Remembers the first and the newest fraction of each load under way, by slot."""

    _loads: dict[str, tuple[float, Sample, Sample]] = field(default_factory=dict)

    def note(self, snapshot: Snapshot, now: float) -> None:
        """Take the fractions of this snapshot, seen at Unix time `now`."""
        slots = [hosted.slot for hosted in all_slots(snapshot)]
        loading = {slot.name: slot for slot in slots if fraction(slot) is not None}
        self._loads = {name: load for name, load in self._loads.items() if name in loading}
        for name, slot in loading.items():
            share = fraction(slot)
            assert share is not None and slot.progress is not None
            sample = Sample(now, share)
            known = self._loads.get(name)
            # Another switch, or a load that began again: what was learnt is about something else.
            if known is None or known[0] != slot.progress.began_at or share < known[2].fraction:
                self._loads[name] = (slot.progress.began_at, sample, sample)
            elif share > known[2].fraction:
                self._loads[name] = (known[0], known[1], sample)

    def left(self, slot: str, now: float) -> float | None:
        """Return seconds this slot's load will still take; None where nobody can know."""
        load = self._loads.get(slot)
        return None if load is None else seconds_left(load[1], load[2], now)
