"""Asks the memory gate before each load, and empties the slots that must make room for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from router.base.errors import MemoryInsufficient, RouterError
from router.catalog.model import Model
from router.memory.admit.gate import Gate, Occupant
from router.slots.effects import CheckModel
from router.slots.machine import LOADING
from router.slots.seat import Admission, RunningEngine, Seat

ROUNDS = 3
"""How often slots are emptied for one load; each time somebody may have come to need one of them."""


class Admissions:
    """Notes promises on the seat; they count until the engine they were made to runs or its switch ends."""

    def __init__(
        self,
        gate: Gate,
        seats: Mapping[str, Seat],
        evict: Callable[[Seat], Awaitable[None]],
        publish: Callable[[Seat], None],
    ) -> None:
        """`evict` raises RouterError when the slot has come to be needed; `publish` shows a seat's state."""
        self._gate = gate
        self._seats = seats
        self._evict = evict
        self._publish = publish

    def occupants(self) -> list[Occupant]:
        """Return every engine of every slot, and every load that is promised memory and has no engine yet."""
        return [occupant for seat in self._seats.values() for occupant in _occupants(seat)]

    async def admit(self, seat: Seat, asked: CheckModel, model: Model) -> bool:
        """Promise memory to a load, after emptying other slots if need be; returns whether its engine may start
        beside the one that runs. Raises MemoryInsufficient. After it has returned, nothing may be awaited
        before the scheduler is told: only then the promise counts."""
        for emptied in range(ROUNDS + 1):
            verdict = await self._gate.judge(seat.name, model, self.occupants, force=asked.force)
            if not seat.scheduler.awaits(asked.check):
                return False  # the switch has ended, or has another target now
            if not verdict.evict or emptied == ROUNDS:
                break
            await self._make_room(seat, verdict.evict)
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


def _occupants(seat: Seat) -> list[Occupant]:
    s = seat.scheduler
    evictable = s.evictable
    found = [
        Occupant(
            slot=seat.name,
            model=engine.model.placed(engine.placement),
            pid=engine.process.pid if engine.process else None,
            evictable=evictable or _leaves(seat, engine),
            leaving=_leaves(seat, engine),
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
                None,
                priority=s.slot.priority,
                context=admitted.context,
            )
        )
    return found
