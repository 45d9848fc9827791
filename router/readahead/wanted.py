"""Whose files are to be read ahead, as the snapshot says. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from router.state import SlotStatus, Snapshot


@dataclass(frozen=True, slots=True)
class Wanted:
    """`model` is about to be loaded: into `slot`, by the switch that `began_at` that time (Unix seconds); or,
    without a slot, it may be. `idle`: only while nobody else reads."""

    model: str
    slot: str = ""
    began_at: float = 0.0
    idle: bool = False


def wanted_by(snapshot: Snapshot) -> tuple[Wanted, ...]:
    """Return one for each switch that is under way here, the oldest first."""
    # Runs after each request: what is at rest has no target, which is cheaper to check.
    found = [_target(slot) for slot in snapshot.slots if slot.target is not None and slot.state.switching]
    return tuple(sorted(found, key=lambda wanted: wanted.began_at)) if found else ()


def _target(slot: SlotStatus) -> Wanted:
    began_at = slot.progress.began_at if slot.progress is not None else 0.0
    return Wanted(slot.target or "", slot.name, began_at)
