"""Everything about memory, put together: what is read, what is forecast, who may load."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from router.base.errors import ModelNotFound
from router.base.tasks import spawn
from router.catalog.model import Model
from router.memory.admit.forecast_loop import ForecastLoop
from router.memory.admit.gate import Occupants
from router.memory.admit.judge import MemoryGate
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.admit.sizing import Sizing
from router.memory.measure.meter import Meter
from router.memory.measure.poll import MemoryPoll, Publish
from router.memory.measure.pools import MemorySource
from router.state import DeviceMemory, SlotMemory, StateStore
from router.wire.fit_ways import FitWays


class MemorySystem:
    """Attributes:
    gate: whom the supervisor asks.
    """

    def __init__(
        self,
        forecasts: LaunchForecasts,
        store: StateStore,
        source: MemorySource,
        models: Callable[[], Mapping[str, Model]],
        publish_models: Callable[[], None],
    ) -> None:
        """`models`: all there are now. `publish_models` is called when one gets another context or forecast."""
        self._forecasts = forecasts
        self._store = store
        self._models = models
        self._publish_models = publish_models
        self._meter = Meter(source)
        self._sizing = Sizing(forecasts, store, models)
        self.gate = MemoryGate(
            forecasts, self._sizing, self._meter.measure, lambda: store.snapshot.headroom, publish_models
        )

    async def ways(self, slot: str, model_id: str, occupants: Occupants) -> FitWays:
        """Return whether the model would go into `slot` now and, if not, what would help. Raises
        ModelNotFound."""
        models = self._models()
        if (model := models.get(model_id)) is None:
            raise ModelNotFound(f'There is no model "{model_id}" on this computer.')
        return await self.gate.ways(slot, model, occupants, models.values())

    def start(self, occupants: Occupants, publish: Publish) -> list[asyncio.Task[None]]:
        """Measure and forecast until cancelled. `publish` gets what was measured."""

        def engines() -> set[int]:
            return {o.pid for o in occupants() if o.pid is not None}

        def measured(devices: Sequence[DeviceMemory], slots: Mapping[str, SlotMemory]) -> None:
            self.gate.saw(engines())
            publish(devices, slots)

        poll = MemoryPoll(self._store, self._meter, measured, engines)
        loop = ForecastLoop(
            self._forecasts,
            self._sizing,
            self._store,
            self._models,
            lambda: self._meter.last,
            self._publish_models,
        )
        return [spawn(poll.run(), name="memory"), spawn(loop.run(), name="forecasts")]
