"""Finds the GPUs for a model: the engine is asked about what is proposed, and says what each then holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from router.base.errors import BadModel
from router.catalog.context import number
from router.catalog.gguf import read_header
from router.catalog.model import Model
from router.catalog.placement import Placement
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.admit.ledger import spread
from router.memory.admit.placing import Proposal, may_place, split, whole
from router.memory.admit.plan import Amounts, Go, Outcome, Short, missing
from router.memory.admit.view import View
from router.memory.forecast.needs import Forecast, Source
from router.memory.measure.pools import Pool

TRIES: Final = 3
"""Proposals of each sort that the engine is asked about; each takes it up to 70 ms once."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a load would be: on these GPUs (None: where its flags or the engine say), with what that takes."""

    placement: Placement | None
    forecast: Forecast | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Space:
    """What `plan` judges by. `rooms`: bytes per pool, headroom taken off: those there are now, then those there
    would be after more and more has made room."""

    pools: Sequence[Pool]
    rooms: Sequence[Amounts]
    plan: Callable[[Amounts | None], Outcome]

    @classmethod
    def of(cls, view: View) -> Space:
        """Return the space that a load into the view's slot has."""
        rooms = [_less(room, view.headroom) for room in (view.room, view.free, view.capacity)]
        return cls(view.measured.pools, rooms, view.plan)

    @classmethod
    def empty(cls, pools: Sequence[Pool], capacity: Amounts, headroom: int) -> Space:
        """Return the space of `capacity`, for which nobody has to make room."""

        def plan(need: Amounts | None) -> Outcome:
            short = missing(need, capacity, headroom) if need is not None else ()
            return Short(short) if any(short) else Go(beside=True)

        return cls(pools, [_less(capacity, headroom)], plan)


class Placer:
    """Belongs to the loop."""

    def __init__(self, forecasts: LaunchForecasts) -> None:
        self._forecasts = forecasts

    def may(self, model: Model, forecast: Forecast | None, pools: Sequence[Pool]) -> bool:
        """Return whether hal0 chooses the GPUs of `model`."""
        return not self._forecasts.placed_by_hand and may_place(model, forecast, pools)

    async def choose(
        self, model: Model, context: int | None, forecast: Forecast | None, space: Space
    ) -> Choice:
        """Return the best GPUs that the engine confirms; else (`forecast`) what it does by itself."""
        if forecast is not None and self.may(model, forecast, space.pools):
            async for proposal in self._proposals(model, forecast, space):
                found = await self._confirmed(model, context, proposal, space)
                if found is not None:
                    return found
        need = spread(forecast, space.pools) if forecast is not None else None
        return Choice(None, forecast, space.plan(need))

    async def goes(self, model: Model, forecast: Forecast, space: Space) -> bool:
        """Return whether it would go in one of these ways, as estimated."""
        if isinstance(space.plan(spread(forecast, space.pools)), Go):
            return True
        if not self.may(model, forecast, space.pools):
            return False
        return await anext(self._proposals(model, forecast, space), None) is not None

    async def _confirmed(
        self, model: Model, context: int | None, proposal: Proposal, space: Space
    ) -> Choice | None:
        """Return the choice; None where the engine says that it takes more than was estimated."""
        told = await self._forecasts.told(model.placed(proposal.placement), context)
        if told is None or told.source is Source.FORMULA:
            return None  # it could not be asked, and nothing may be promised on an estimate
        outcome = space.plan(spread(told, space.pools))
        if not isinstance(outcome, Go) or len(outcome.evict) > len(proposal.outcome.evict):
            return None
        return Choice(proposal.placement, told, outcome)

    async def _proposals(self, model: Model, forecast: Forecast, space: Space) -> AsyncIterator[Proposal]:
        found = whole(forecast, space.pools, space.rooms[0], space.plan)
        for proposal in found[:TRIES]:
            yield proposal
        layers = 0 if found else await asyncio.to_thread(_layers, model)
        if layers > 1:
            for proposal in split(forecast, layers, space.pools, space.rooms, space.plan)[:TRIES]:
                yield proposal


@dataclass(frozen=True, slots=True)
class Fitting:
    """Whether models would go into the slot of `view`, once all that may give room has done so; each divided
    among the GPUs as its load would be."""

    placer: Placer
    view: View

    async def goes(self, model: Model, forecast: Forecast | None) -> bool:
        """Return whether it would, headroom included; not where nobody can tell."""
        if forecast is None:
            return False
        choice = await self.placer.choose(model, None, forecast, Space.of(self.view))
        return isinstance(choice.outcome, Go)

    def chooses(self, model: Model, forecast: Forecast | None) -> bool:
        """Return whether hal0 chooses its GPUs; else the engine divides it, always alike."""
        return self.placer.may(model, forecast, self.view.measured.pools)


def _layers(model: Model) -> int:
    """Return how many layers of the model go to GPUs, the output among them; 0 where that cannot be read.
    Blocks."""
    assert model.file is not None, "others are not placed"
    try:
        there = (read_header(model.file).block_count or -1) + 1
    except BadModel:
        return 0
    asked = number(model.flags, "n-gpu-layers")
    return min(there, asked) if asked is not None and asked >= 0 else there


def _less(amounts: Amounts, headroom: int) -> Amounts:
    return tuple(amount - headroom for amount in amounts)
