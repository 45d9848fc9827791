"""What gates and the forecast loop are told in tests: memory by stub driver or by hand, forecasts by rules."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, cast

from router.catalog.model import Model
from router.config.schema import Kind
from router.memory.forecast.forecaster import Forecaster
from router.memory.forecast.needs import DeviceNeed, Forecast, Source
from router.memory.measure.estimate import Estimator
from router.memory.measure.pools import Measured, Pool
from tests.router.memory.stub import Reader

GIB = 1 << 30
MIB = 1 << 20
Rule = Callable[[Model, int], Forecast]


def model(name: str, context: int | None = None, **flags: str) -> Model:
    """One that was trained for 131,072 tokens; `context` None leaves its size open."""
    sized = flags if context is None else {**flags, "ctx-size": str(context)}
    named = {flag.replace("_", "-"): value for flag, value in sized.items()}
    return Model(name, Kind.CHAT, name, file=Path(f"/{name}.gguf"), flags=named, context_trained=131_072)


def on_gpu(weights: int, per_1024: int = 0, host: int = 0) -> Rule:
    """`weights` on the first GPU, `per_1024` more for 1,024 tokens (half if quantised), `host` in RAM."""

    def rule(model: Model, context: int) -> Forecast:
        cache = per_1024 * context // 1024 // (2 if "cache-type-k" in model.flags else 1)
        gpu = DeviceNeed("CUDA0", weights, cache, 0, is_gpu=True)
        return Forecast((gpu, DeviceNeed("Host", host, 0, 0)), Source.ENGINE)

    return rule


class Rules(Forecaster):
    """Forecasts by a rule per model id, None for others: no engine that needs a GPU can run here.

    `asked`: ids and contexts that were not known yet. `delay`: seconds an answer takes.
    """

    def __init__(self, **rules: Rule) -> None:
        super().__init__(Path("unused"), cast(Any, None))
        self.rules = rules
        self.asked: list[tuple[str, int]] = []
        self.delay = 0.0

    async def _find(self, model: Model, *_: Any) -> tuple[Forecast | None, str | None, bool]:
        context = model.context_length or 0
        self.asked.append((model.id, context))
        await asyncio.sleep(self.delay)
        rule = self.rules.get(model.id)
        return (rule(model, context) if rule else None), None, True

    async def computed(self, model: Model) -> Forecast | None:
        found = self.rules[model.id](model, model.context_length or 0)
        return Forecast(found.per_device, Source.FORMULA)


class StubMemory:
    """Two GPUs and this computer's RAM, read by hal0's own sources in the process of `reader`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._reading = asyncio.Lock()
        self._estimator = Estimator()

    async def __call__(self, pids: Collection[int]) -> Measured:
        async with self._reading:
            told = await asyncio.to_thread(self._reader.look, *pids, gpus_only=False)
        pools = tuple(Pool(**{**pool, "others": _numbered(pool["others"])}) for pool in told)
        return Measured(pools, tuple(self._estimator.fill(pools)))


class Figures:
    """Memory by hand: this computer's own moves with whatever else runs on it."""

    def __init__(self, *pools: Pool) -> None:
        self.pools = pools
        self.asked: list[set[int]] = []

    async def __call__(self, pids: Collection[int]) -> Measured:
        self.asked.append(set(pids))
        await asyncio.sleep(0)
        return Measured(self.pools, tuple(Estimator().fill(self.pools)))


def _numbered(told: dict[str, int | None]) -> dict[int, int | None]:
    return {int(pid): amount for pid, amount in told.items()}
