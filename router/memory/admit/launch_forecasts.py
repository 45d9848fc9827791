"""What is known of a model before it loads: its context (the same in every slot), and what it then takes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Final

import psutil

from router.catalog.model import LaunchKey, Model
from router.catalog.placement import Placement, placed_by_variables
from router.memory.admit import prompt_cache
from router.memory.admit.ledger import published
from router.memory.admit.plan import Amounts
from router.memory.forecast.forecaster import Forecaster
from router.memory.forecast.needs import Forecast
from router.state import DeviceMemory

ASK_SECONDS: Final = 1.0
"""Seconds a load waits for a forecast at most; after that the formula must do, and for a while it is used at
once."""
SLOW_SECONDS: Final = 10.0

_Key = tuple[LaunchKey, int | None, int | None]


class LaunchForecasts:
    """The forecaster's answers for models as they will be launched. Belongs to the loop.

    Attributes:
        forecaster: where the answers come from.
        placed_by_hand: hal0 was started with a variable that says which GPUs there are to use.
    """

    def __init__(self, forecaster: Forecaster) -> None:
        self.forecaster = forecaster
        self._contexts: dict[_Key, int] = {}
        self._placements: dict[_Key, Placement | None] = {}
        self.placed_by_hand = placed_by_variables(os.environ)
        self._slow_until = 0.0
        self._ram = psutil.virtual_memory().total

    def chosen(self, model: Model) -> int | None:
        """Return the context chosen for a model that leaves it open; None if it does not, or until it is
        chosen."""
        return self._contexts.get(_key(model)) if model.context_open else None

    def choose(self, model: Model, context: int) -> bool:
        """Give `model` this `context` from now on; return whether that is news."""
        before = self.chosen(model)
        self._contexts[_key(model)] = context
        return before != context

    def as_launched(self, model: Model, context: int | None = None) -> Model:
        """Return `model` with the context it will get, or with `context`, where its flags leave that open."""
        if not model.context_open:
            return model
        return model.with_context(context or self.chosen(model) or model.context_most or 0)

    def place(self, model: Model, placement: Placement | None) -> bool:
        """Put `model` on these GPUs from now on; return whether that is news."""
        before = self._placements.get(_key(model))
        self._placements[_key(model)] = placement
        return before != placement

    def goes_whole(self, model: Model) -> bool:
        """Return whether hal0 puts `model` whole on one GPU, as far as is known."""
        placement = self._placements.get(_key(model))
        return placement is not None and not placement.layers

    def is_placed(self, model: Model) -> bool:
        """Return whether hal0 has chosen the GPUs of `model`."""
        return self._placements.get(_key(model)) is not None

    def as_placed(self, model: Model, context: int | None = None) -> Model:
        """Return the same as `as_launched`, on the GPUs where it goes as far as is known."""
        return self.as_launched(model, context).placed(self._placements.get(_key(model)))

    def known_placed(self, model: Model, context: int | None = None) -> Forecast | None:
        """Return what `known` does for the GPUs where it goes, as far as that was asked."""
        return self.forecaster.known(self.as_placed(model, context)) or self.known(model, context)

    def known(self, model: Model, context: int | None = None) -> Forecast | None:
        """Return what `model` takes when launched like this, without asking anybody."""
        return self.forecaster.known(self.as_launched(model, context))

    def refused(self, model: Model) -> str | None:
        """Return why no engine would start with its flags; None where nothing is known against them."""
        return self.forecaster.refused(self.as_launched(model))

    def by_device(self, forecast: Forecast, memory: Sequence[DeviceMemory]) -> Amounts:
        """Return a forecast over the pools that are published."""
        return published(forecast, memory, self._ram)

    def prompt_cache(self, model: Model) -> int | None:
        """Return the most RAM that its engine may come to fill with prompts; None for no limit."""
        return prompt_cache.told(model, self._ram)

    async def told(self, model: Model, context: int | None = None) -> Forecast | None:
        """Return what the engine says, waiting for it also where it is slow to answer (`DryRunner`)."""
        launched = self.as_launched(model, context)
        return self.forecaster.known(launched) or await self.forecaster.forecast(launched)

    async def forecast(self, model: Model, context: int | None = None) -> Forecast | None:
        """Return the same, asking where it is not known; None only where nobody can tell."""
        launched = self.as_launched(model, context)
        found = self.forecaster.known(launched)
        if found is not None or launched.file is None or launched.problem:
            return found
        loop = asyncio.get_running_loop()
        if loop.time() >= self._slow_until:
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    return await self.forecaster.forecast(launched)
            except TimeoutError:
                self._slow_until = loop.time() + SLOW_SECONDS
        return await self.forecaster.computed(launched)


def _key(model: Model) -> _Key:
    """Return what a choice of context holds for: the same launch, up to the same most."""
    return model.launch_key, model.size_bytes, model.context_most
