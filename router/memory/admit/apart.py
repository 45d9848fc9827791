"""Which slots may not stay loaded beside another one, by `together:` of hal0.yaml. Pure.

This comes before bytes are counted: what must leave anyhow gives its memory.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from router.base.errors import NotTogether
from router.config.together import Sets, outside


@dataclass(frozen=True, slots=True)
class Standing:
    """A slot that is loaded, or about to be. `evictable`, `priority`, `idle_since` as of an Occupant."""

    slot: str
    evictable: bool = False
    pinned: bool = False
    priority: int = 0
    idle_since: float = 0.0


@dataclass(frozen=True, slots=True)
class Apart:
    """`slots` must be empty before the load; of them, `in_use` are waited for, and `pinned` never leave."""

    slots: tuple[str, ...] = ()
    in_use: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()


def apart(slot: str, loaded: Collection[Standing], sets: Sets) -> Apart:
    """Choose the set of `slot` for which the least must leave: nothing pinned, then nothing in use, then what
    has a low priority, then few, then what was idle for long."""
    known = {standing.slot: standing for standing in loaded}
    if not sets or not known:
        return Apart()
    found = [_apart([known[name] for name in names]) for names in outside(slot, known, sets)]
    return min(found, key=lambda one: _cost(one, known))


def _apart(leaving: list[Standing]) -> Apart:
    pinned = tuple(s.slot for s in leaving if s.pinned)
    in_use = tuple(s.slot for s in leaving if not s.evictable and not s.pinned)
    return Apart(tuple(s.slot for s in leaving), in_use, pinned)


def _cost(found: Apart, known: dict[str, Standing]) -> tuple[float, ...]:
    leaving = [known[name] for name in found.slots]
    priority = max((s.priority for s in leaving), default=float("-inf"))
    idle_since = max((s.idle_since for s in leaving), default=float("-inf"))
    return len(found.pinned), len(found.in_use), priority, len(leaving), idle_since


def excluded(slot: str, model: str, stay: Collection[str], what: str = "pinned") -> NotTogether:
    """Return the refusal for slots that would have to leave, and `stay` as they are `what`."""
    names, are = " and ".join(stay), "is" if len(stay) == 1 else "are"
    return NotTogether(
        f'Model "{model}" was not loaded into "{slot}": together: in hal0.yaml does not let it be loaded at '
        f"the same time as {names}, which {are} {what}; unload {names} first, or change together:.",
        details={"slot": slot, "model": model, "apart": list(stay)},
    )
