"""All that knows about memory, put together: what is read, what is foreseen, who may load."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from router.base.tasks import spawn
from router.catalog.model import Model
from router.memory.admit.forecast_loop import ForecastLoop
from router.memory.admit.gate import Occupants
from router.memory.admit.judge import MemoryGate
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.admit.sizing import Sizing
from router.memory.forecast.forecaster import Forecaster
from router.memory.measure.poll import MemoryPoll, Publish
from router.memory.measure.pools import MemorySource
from router.state import DeviceMemory, SlotMemory, StateStore


class MemorySystem:
    """Attributes:
    forecasts: what models are known to take.
    gate: whom the supervisor asks.
    """

    def __init__(self, cache: Path, store: StateStore, source: MemorySource) -> None:
        """`cache`: the folder that may be deleted at any time."""
        self._store = store
        self._models: Callable[[], Mapping[str, Model]] = dict
        self._publish_models: Callable[[], None] = lambda: None
        self._publish: Publish = lambda _devices, _slots: None
        self._occupants: Occupants = tuple
        self.forecasts = LaunchForecasts(Forecaster(cache))
        self._sizing = Sizing(self.forecasts, store, self._all_models)
        self._poll = MemoryPoll(store, source, self._publish_measured, self._engines)
        self.gate = MemoryGate(
            self.forecasts,
            self._sizing,
            self._poll.measure,
            lambda: store.snapshot.headroom,
            self._publish_models_now,
        )

    def serves(
        self,
        models: Callable[[], Mapping[str, Model]],
        publish_models: Callable[[], None],
        publish: Publish,
        occupants: Occupants,
    ) -> None:
        """Who has the models and the engines, and who publishes them and what was measured; before the first
        load."""
        self._models, self._publish_models, self._publish = models, publish_models, publish
        self._occupants = occupants

    def start(self) -> list[asyncio.Task[None]]:
        """Look and foresee until cancelled."""
        loop = ForecastLoop(
            self.forecasts,
            self._sizing,
            self._store,
            self._models,
            lambda: self._poll.last,
            self._publish_models,
        )
        return [spawn(self._poll.run(), name="memory"), spawn(loop.run(), name="forecasts")]

    # -- who is told is known only after the parts were made --------------------------------------------

    def _all_models(self) -> Mapping[str, Model]:
        return self._models()

    def _publish_models_now(self) -> None:
        self._publish_models()

    def _engines(self) -> set[int]:
        return {o.pid for o in self._occupants() if o.pid is not None}

    def _publish_measured(self, devices: Sequence[DeviceMemory], slots: Mapping[str, SlotMemory]) -> None:
        self.gate.saw(self._engines())
        self._publish(devices, slots)
