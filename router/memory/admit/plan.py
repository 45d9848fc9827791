"""May this model go into this slot now, and what must make room for it? Pure.

All amounts are bytes per pool, in the one order of the pools that were read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

Amounts = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """Another slot's engine. `gives` is what stopping it gives back; `evictable`: it is idle, not pinned, and
    nobody waits for it; `idle_since` grows with time, on whatever clock. `leaving`: it goes once its requests
    have ended, for which somebody would have to wait. `apart`: it leaves in any case (`together:`).
    `spared`: it could leave, but not for this load."""

    slot: str
    gives: Amounts
    evictable: bool = True
    priority: int = 0
    idle_since: float = 0.0
    leaving: bool = False
    apart: bool = False
    spared: bool = False


@dataclass(frozen=True, slots=True)
class Go:
    """`beside`: there is room while the outgoing engine runs on. `evict`: slots that must be emptied first;
    `priority`: the highest of those that only leave for its memory."""

    beside: bool
    evict: tuple[str, ...] = ()
    priority: int | None = field(default=None, compare=False)

    @property
    def cost(self) -> tuple[float, ...]:
        """What is smaller where less is lost."""
        return float("-inf") if self.priority is None else self.priority, len(self.evict), not self.beside


@dataclass(frozen=True, slots=True)
class Short:
    """It does not fit: `missing` is what would still be lacking with the outgoing engine and all that may be
    evicted gone."""

    missing: Amounts


Outcome = Go | Short


def plan(
    need: Amounts,
    room: Amounts,
    headroom: int,
    outgoing: Amounts,
    holders: Collection[Holder] = (),
    *,
    force: bool = False,
) -> Outcome:
    """Choose beside the outgoing engine, else in its place, else after evicting: low priority first, then long
    idle, and last those that are leaving: nobody is made to wait, and no answer cut, for what an idle one can
    give. Those that are apart leave first, and what they give counts.

    `room` (router.memory.admit.ledger) is negative where more was promised than there is. Headroom counts in
    each pool where the model needs anything; other pools do not matter. `force`: whatever helps is evicted, and
    then it goes anyhow.
    """
    gone = [h for h in holders if h.apart]
    rest = [h for h in holders if not h.apart]
    outcome = _plan(need, total(room, *(h.gives for h in gone)), headroom, outgoing, rest, force=force)
    if isinstance(outcome, Go):
        return replace(outcome, evict=(*dict.fromkeys(h.slot for h in gone), *outcome.evict))
    return outcome


def _plan(
    need: Amounts, room: Amounts, headroom: int, outgoing: Amounts, holders: Collection[Holder], *, force: bool
) -> Outcome:
    if not any(missing(need, room, headroom)):
        return Go(beside=True)
    free = total(room, outgoing)
    if not any(short := missing(need, free, headroom)):
        return Go(beside=False)
    helpful = [h for h in holders if h.evictable and any(g and s for g, s in zip(h.gives, short, strict=True))]
    helpful.sort(key=lambda h: (h.leaving, h.priority, h.idle_since))
    chosen: list[Holder] = []
    while helpful and any(missing(need, _with(free, chosen), headroom)):
        chosen.append(helpful.pop(0))
    if any(short := missing(need, _with(free, chosen), headroom)) and not force:
        return Short(short)
    needed = _needed(need, free, headroom, chosen)
    priority = max((h.priority for h in needed), default=None)
    return Go(beside=False, evict=tuple(h.slot for h in needed), priority=priority)


def missing(need: Amounts, room: Amounts, headroom: int) -> Amounts:
    """Return what `room` lacks for `need` and the headroom beside it, in each pool."""
    return tuple(max(0, n + headroom - r) if n else 0 for n, r in zip(need, room, strict=True))


def total(first: Amounts, *more: Amounts) -> Amounts:
    """Return the sum in each pool."""
    return tuple(sum(amounts) for amounts in zip(first, *more, strict=True))


def _with(free: Amounts, chosen: Iterable[Holder]) -> Amounts:
    return total(free, *(holder.gives for holder in chosen))


def _needed(need: Amounts, free: Amounts, headroom: int, chosen: Sequence[Holder]) -> list[Holder]:
    """Return those of `chosen` without which more would be missing; the last ones, worth the most, may stay
    first."""
    kept = list(chosen)
    least = missing(need, _with(free, chosen), headroom)
    for holder in reversed(chosen):
        others = [h for h in kept if h is not holder]
        if missing(need, _with(free, others), headroom) == least:
            kept = others
    return kept
