"""Asks the memory gate before each load, and empties the slots that must make room for it, or that `together:`
keeps apart from it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial

from router.base.errors import MemoryInsufficient, RouterError
from router.catalog.model import Model
from router.config.together import Sets
from router.memory.admit.apart import Apart, Standing, apart, excluded
from router.memory.admit.gate import Gate, Occupant
from router.slots.effects import CheckModel, Effect
from router.slots.machine import LOADING
from router.slots.scheduler import SlotScheduler
from router.slots.seat import Admission, RunningEngine, Seat

log = logging.getLogger(__name__)

ROUNDS = 3
"""How often slots are emptied for one load; each time somebody may have come to need one of them."""


class Admissions:
    """Notes promises on the seat; they count until the engine they were made to runs or its switch ends.

    Attributes:
        together: which slots may be loaded at the same time; one that changes counts for what is admitted next.
        unasked: slots that are being loaded without anybody waiting for them: no other makes room for that.
    """

    def __init__(
        self,
        gate: Gate,
        seats: Mapping[str, Seat],
        evict: Callable[[Seat], Awaitable[None]],
        publish: Callable[[Seat], None],
        tell: Callable[[Seat, Callable[[SlotScheduler, float], list[Effect]]], None],
    ) -> None:
        """`evict` raises RouterError when the slot has come to be needed; `publish` shows a seat's state;
        `tell` gives its scheduler an event."""
        self.together: Sets = ()
        self.unasked: set[str] = set()
        self._gate = gate
        self._seats = seats
        self._evict = evict
        self._publish = publish
        self._tell = tell
        self._changes: set[asyncio.Future[None]] = set()

    def occupants(self, leave: Collection[str] = (), *, spared: bool = False) -> list[Occupant]:
        """Return every engine of every slot, and every load that is promised memory and has no engine yet.
        `leave`: slots that must be empty for the load that asks; `spared`: no other may be emptied for it."""
        seats = self._seats.values()
        return [o for seat in seats for o in _occupants(seat, apart=seat.name in leave, spared=spared)]

    def changed(self) -> None:
        """Note that a slot has moved, or `together` has: who waits for one that is in use looks again."""
        for change in self._changes:
            if not change.done():
                change.set_result(None)

    async def admit(self, seat: Seat, asked: CheckModel, model: Model) -> bool:
        """Promise memory to a load, after emptying other slots if need be; returns whether its engine may start
        beside the one that runs. Raises MemoryInsufficient, NotTogether. After it has returned, nothing may be
        awaited before the scheduler is told: only then the promise counts."""
        emptied = 0
        while True:
            leave = await self._may_leave(seat, asked, model)
            occupants = partial(self.occupants, leave, spared=self._spares(seat))
            verdict = await self._gate.judge(seat.name, model, occupants, force=asked.force)
            if not seat.scheduler.awaits(asked.check):
                return False  # the switch has ended, or has another target now
            found = self._apart(seat)
            if found.slots != leave or found.in_use:
                continue  # meanwhile one of them has come to be used, or another one was loaded
            evict = tuple(dict.fromkeys((*leave, *verdict.evict)))
            if not evict or (emptied >= ROUNDS and not leave):
                break
            emptied += 1
            await self._make_room(seat, evict)
        if verdict.evict and not asked.force:
            raise MemoryInsufficient(
                f'Model "{model.id}" was not loaded: {", ".join(verdict.evict)} would have to make room and '
                "came to be used each time; try again later, or load it by force."
            )
        switch = seat.scheduler.switch
        assert switch is not None, "a check is part of a switch"
        seat.admission = Admission(switch, model, verdict.context, emptied > 0, verdict.placement)
        seat.contexts[model.id] = verdict.context
        seat.placements[model.id] = verdict.placement
        return verdict.beside

    async def wait_for_room(self, seat: Seat, engine: RunningEngine) -> None:
        """Wait before an engine is spawned in the place of others: their memory may take a moment to come
        back."""
        if not engine.after_stop:
            return
        try:
            await self._gate.wait_for_room(
                seat.name,
                engine.model.placed(engine.placement),
                engine.context,
                self.occupants,
                force=engine.force,
            )
        except MemoryInsufficient:
            switch = seat.scheduler.switch
            if switch is None or not switch.force:  # a person may have ordered it in the meantime
                raise

    async def prompt_cache(self, seat: Seat, engine: RunningEngine) -> int | None:
        """See Gate.prompt_cache."""
        return await self._gate.prompt_cache(seat.name, engine.model, self.occupants)

    async def _may_leave(self, seat: Seat, asked: CheckModel, model: Model) -> tuple[str, ...]:
        """Return the slots that must be empty for this load once all of them may be emptied, or once nobody
        awaits the load any more. Raises NotTogether for one that is pinned."""
        while seat.scheduler.awaits(asked.check):
            found = self._apart(seat)
            if found.pinned:
                raise excluded(seat.name, model.id, found.pinned)
            if found.slots and self._spares(seat):
                raise excluded(seat.name, model.id, found.slots, "loaded already")
            switch = seat.scheduler.switch
            if switch is not None and switch.apart != found.slots:
                self._tell(seat, lambda s, _now: s.check_waits(asked.check, found.slots))  # noqa: B023 - called now
                if found.slots:
                    log.info("slot %s: %s", seat.name, _sentence(found))
            if not found.in_use:
                return found.slots
            await self._change()
        return ()

    def _spares(self, seat: Seat) -> bool:
        """Return whether no other slot is emptied for this one's load."""
        return seat.name in self.unasked and not seat.scheduler.queued

    def _apart(self, seat: Seat) -> Apart:
        """Return what keeps the slot from being loaded by `together`. One that is loaded has its place already:
        nobody is waited for, and after `together` has changed what may leave does."""
        loaded = [_standing(other) for other in self._seats.values() if other is not seat and other.is_loaded]
        found = apart(seat.name, loaded, self.together)
        if not seat.is_loaded:
            return found
        kept = {*found.in_use, *found.pinned}
        return Apart(tuple(name for name in found.slots if name not in kept))

    async def _change(self) -> None:
        change = asyncio.get_running_loop().create_future()
        self._changes.add(change)
        try:
            await change
        finally:
            self._changes.discard(change)

    async def _make_room(self, seat: Seat, names: tuple[str, ...]) -> None:
        """Empty these slots; return when they are empty or have refused, as the gate looks again either way."""
        seat.evicting = names
        self._publish(seat)
        try:
            others = [self._seats[name] for name in names if name in self._seats]
            for error in await asyncio.gather(*map(self._evict, others), return_exceptions=True):
                if isinstance(error, BaseException) and not isinstance(error, RouterError):
                    raise error
        finally:
            seat.evicting = ()
            self._publish(seat)


def _leaves(seat: Seat, engine: RunningEngine) -> bool:
    leaving = seat.scheduler.engines.leaving
    return leaving is not None and leaving.generation == engine.generation


def _sentence(found: Apart) -> str:
    names = " and ".join(found.slots)
    if found.in_use:
        names = " and ".join(found.in_use)
        return (
            f"waits until {names} is idle: together: in hal0.yaml does not let both be loaded at the same time"
        )
    return f"unloads {names}: together: in hal0.yaml does not let both be loaded at the same time"


def _standing(seat: Seat) -> Standing:
    s = seat.scheduler
    return Standing(seat.name, s.evictable, s.slot.pinned, s.slot.priority, s.idle_since or 0.0)


def _occupants(seat: Seat, *, apart: bool, spared: bool) -> list[Occupant]:
    s = seat.scheduler
    spared = spared and s.evictable
    evictable = s.evictable and not spared
    found = [
        Occupant(
            slot=seat.name,
            model=engine.model.placed(engine.placement),
            pid=engine.process.pid if engine.process else None,
            evictable=evictable or _leaves(seat, engine),
            leaving=_leaves(seat, engine),
            apart=apart,
            spared=spared and not _leaves(seat, engine),
            priority=s.slot.priority,
            idle_since=s.idle_since or 0.0,
            context=engine.context,
            prompt_cache=engine.prompt_cache or 0,
        )
        for engine in seat.engines.values()
    ]
    admitted = seat.admitted
    if admitted is not None and s.phase not in LOADING:
        found.append(
            Occupant(
                seat.name,
                admitted.model.placed(admitted.placement),
                apart=apart,
                priority=s.slot.priority,
                context=admitted.context,
            )
        )
    return found
