"""Chooses the context of models that leave it open, before anybody loads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from router.catalog.model import Model
from router.config.schema import Kind
from router.memory.admit.contexts import ladder_of, largest
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.admit.ledger import Claim, claim, room, spread
from router.memory.admit.placer import Placer, Space
from router.memory.admit.plan import Amounts, total
from router.memory.forecast.needs import Forecast
from router.memory.measure.pools import Measured
from router.state import SlotStatus, StateStore

BAND: Final = 32
"""A context is chosen with 1/32 of the room to spare and kept until nothing is: what is free always moves."""

COMPANION: Final = 8
"""Buffers for whole inputs grow with the square of the context: they get at most 1/8 of the memory they are
in."""


class Sizing:
    """Counts on everything that may be evicted some day, so that its answers do not change with what is
    loaded."""

    def __init__(
        self, forecasts: LaunchForecasts, store: StateStore, models: Callable[[], Mapping[str, Model]]
    ) -> None:
        self._forecasts = forecasts
        self._store = store
        self._models = models
        self._placer = Placer(forecasts)

    def has_moved(self, before: Measured, now: Measured) -> bool:
        """Return whether so much more or less is free than `before` that contexts may change."""
        if [pool.total for pool in before.pools] != [pool.total for pool in now.pools]:
            return True
        pairs = zip(before.pools, now.pools, strict=True)
        return any(abs(then.used - pool.used) > pool.total // (2 * BAND) for then, pool in pairs)

    async def size(self, model: Model, measured: Measured) -> bool:
        """Choose the largest context that fits once all that may make room has done so, and the GPUs; is that
        news?"""
        sized = await self._size(model, measured)
        return await self._place(model, measured) or sized

    async def _place(self, model: Model, measured: Measured) -> bool:
        forecast = self._forecasts.known(model)
        if not self._placer.may(model, forecast, measured.pools):
            return self._forecasts.place(model, None)
        if self._forecasts.is_placed(model) and self._is_loaded(model):
            return False  # it is where it is
        context, headroom = self._forecasts.chosen(model), self._store.snapshot.headroom
        for capacity in await self._capacities(model, measured, together=True):
            space = Space.empty(measured.pools, capacity, headroom)
            choice = await self._placer.choose(model, context, forecast, space)
            if choice.placement is not None:
                return self._forecasts.place(model, choice.placement)
        return self._forecasts.place(model, None)

    def _is_loaded(self, model: Model) -> bool:
        return any(slot.pid is not None and model.id in slot.loaded for slot in self._store.snapshot.slots)

    async def _size(self, model: Model, measured: Measured) -> bool:
        if not model.context_open:
            return False
        for together in (True, False):
            capacities = await self._capacities(model, measured, together=together)
            if context := await self._largest(model, measured, capacities):
                return self._forecasts.choose(model, context)
        return self._forecasts.choose(model, ladder_of(model)[-1])

    async def _largest(self, model: Model, measured: Measured, capacities: list[Amounts]) -> int | None:
        sizes = ladder_of(model)
        ample = [tuple(amount - max(0, amount) // BAND for amount in found) for found in capacities]

        async def fits(context: int) -> bool:
            return await self._fits(model, context, measured, capacities)

        async def fits_well(context: int) -> bool:
            return await self._fits(model, context, measured, ample)

        best = await largest(sizes, fits_well) or 0
        now = self._forecasts.chosen(model) or 0
        if now > best and await fits(now):
            return now
        return best or await largest(sizes, fits)

    async def _fits(self, model: Model, context: int, measured: Measured, capacities: list[Amounts]) -> bool:
        forecast = await self._forecasts.forecast(model, context)
        if forecast is None:
            return True  # nobody can tell: take what it was trained for
        if model.reads_whole and forecast.work > _companions_share(forecast, measured):
            return False
        headroom = self._store.snapshot.headroom
        for capacity in capacities:
            if await self._placer.goes(model, forecast, Space.empty(measured.pools, capacity, headroom)):
                return True
        return False

    async def _capacities(self, model: Model, measured: Measured, *, together: bool) -> list[Amounts]:
        """Return the most there can be for it, in each slot that may hold it; or in a slot of its own.

        `together`: leave what goes with it where it is, or room for that.
        """
        snapshot = self._store.snapshot
        claims = {slot.name: self._claim(slot, measured) for slot in snapshot.slots if slot.pid}
        free = room(measured, claims.values())
        slots: list[SlotStatus | None] = [slot for slot in snapshot.slots if model.id in slot.choices]
        found = []
        for own in slots or [None]:
            others = [slot for slot in snapshot.slots if slot is not own]
            stays = {s.name for s in others if s.pinned or (together and _goes_with(s, model))}
            gives = [made.gives for name, made in claims.items() if name not in stays]
            empty = [slot for slot in others if slot.name in stays - claims.keys()]
            later = [await self._later(slot, measured) for slot in empty]
            takes = [tuple(-amount for amount in amounts) for amounts in later if amounts]
            found.append(total(free, *gives, *takes))
        return found

    def _claim(self, slot: SlotStatus, measured: Measured) -> Claim:
        model = self._models().get(slot.model or "")
        forecast = self._forecasts.known_placed(model, slot.context_length) if model else None
        return claim(slot.name, slot.pid, forecast, measured)

    async def _later(self, slot: SlotStatus, measured: Measured) -> Amounts | None:
        """Return what a slot that is empty now will take, as far as anybody can tell."""
        model = self._models().get(slot.model or "")
        forecast = await self._forecasts.forecast(model) if model else None
        return spread(forecast, measured.pools) if forecast else None


def _companions_share(forecast: Forecast, measured: Measured) -> int:
    """Return a share of the GPUs' bytes, if any of it goes there, else of the RAM's."""
    on_gpu = any(device.is_gpu for device in forecast.per_device)
    pools = [pool for pool in measured.pools if pool.is_gpu] if on_gpu else []
    return sum(pool.total for pool in pools or measured.pools[-1:]) // COMPANION


def _goes_with(slot: SlotStatus, model: Model) -> bool:
    """Return whether the slot's model is used along with `model`, as embeddings are with a chat: evicting one
    for the other's context would have them take turns."""
    return model.kind is Kind.CHAT and slot.kind is not Kind.CHAT
