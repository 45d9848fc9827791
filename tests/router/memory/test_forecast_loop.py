"""When and in what order models are asked about, and from what is learnt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from router.base.tasks import spawn
from router.catalog.model import Model
from router.config.schema import Kind
from router.memory.admit import forecast_loop
from router.memory.admit.forecast_loop import ForecastLoop, likely_first, on_gpus
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.admit.sizing import Sizing
from router.memory.forecast.forecaster import Forecaster
from router.memory.forecast.needs import DeviceNeed, Forecast, Source
from router.memory.measure.pools import Measured, Pool
from router.state import DeviceMemory, SlotState, SlotStatus, Snapshot, StateStore
from tests.engines.running import until

GPU, RAM = DeviceMemory("GPU", True, 100, 10), DeviceMemory("RAM", False, 100, 10)
SLOT = SlotStatus("primary", Kind.CHAT, model="b", choices=("a", "b"))
MEASURED = Measured((Pool("GPU", True, 100, 10), Pool("RAM", False, 100, 10)), ({}, {}))
MODELS = {name: Model(name, Kind.CHAT, name, flags={"n": name}) for name in ("c", "a", "b")}


class Recorded(Forecaster):
    """Knows every model to take 50 bytes once asked; remembers what it was told."""

    def __init__(self) -> None:
        super().__init__(Path("unused"), cast(Any, None))
        self.asked: list[str] = []
        self.learnt: list[tuple[str, int]] = []

    def known(self, model: Model) -> Forecast | None:
        taken = Forecast((DeviceNeed("CUDA0", 50, 0, 0, is_gpu=True),), Source.ENGINE)
        return taken if model.id in self.asked else None

    def is_due(self, model: Model, now: float) -> bool:
        return model.id not in self.asked

    async def forecast(self, model: Model) -> Forecast | None:
        self.asked.append(model.id)
        return self.known(model)

    async def learn(self, model: Model, measured: int) -> Forecast | None:
        self.learnt.append((model.id, measured))
        return self.known(model)


@asynccontextmanager
async def looking(store: StateStore, forecaster: Recorded, published: list[int]) -> AsyncIterator[None]:
    forecasts = LaunchForecasts(forecaster)
    sizing = Sizing(forecasts, store, lambda: MODELS)
    loop = ForecastLoop(forecasts, sizing, store, lambda: MODELS, lambda: MEASURED, lambda: published.append(1))
    task = spawn(loop.run(), name="forecasts")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_loop, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(forecast_loop, "PAUSE_SECONDS", 0.0)


def test_what_slots_hold_comes_before_what_they_may_hold() -> None:
    snapshot = Snapshot(slots=(SLOT, replace(SLOT, name="second", model=None, choices=("d", "a"))))
    assert likely_first(snapshot, ["e", "d", "c", "b", "a"]) == ["b", "a", "d", "e", "c"]
    assert likely_first(Snapshot(slots=(SLOT,)), ["c"]) == ["c"]


async def test_every_model_is_asked_about_once_the_likely_ones_first() -> None:
    store, forecaster, published = StateStore(Snapshot(slots=(SLOT,))), Recorded(), list[int]()
    async with looking(store, forecaster, published):
        await until(lambda: len(published) == 3, "three answers published")
    assert forecaster.asked == ["b", "a", "c"]


async def test_nothing_is_asked_while_a_slot_switches() -> None:
    switching = replace(SLOT, state=SlotState.LOADING)
    store, forecaster, published = StateStore(Snapshot(slots=(switching,))), Recorded(), list[int]()
    looks = 0

    def count(*_: object) -> bool:
        nonlocal looks
        looks += 1
        return False

    forecaster.is_due = count  # type: ignore[method-assign, assignment]
    async with looking(store, forecaster, published):
        for _ in range(5):
            await asyncio.sleep(0.01)
        assert looks == 0
        store.update(slots=(replace(SLOT, state=SlotState.READY),))
        await until(lambda: looks > 0, "a look after the switch")
    assert forecaster.asked == []


async def test_it_learns_from_what_a_ready_engine_holds_of_the_gpus() -> None:
    ready = replace(SLOT, state=SlotState.READY, pid=7, memory=90, memory_by_device=(60, 30))
    store = StateStore(Snapshot(slots=(ready,), memory=(GPU, RAM)))
    forecaster, published = Recorded(), list[int]()
    forecaster.asked = list(MODELS)
    async with looking(store, forecaster, published):
        await until(lambda: bool(forecaster.learnt), "something learnt")
    assert set(forecaster.learnt) == {("b", 60)}
    assert published == []


async def test_one_model_s_trouble_is_not_the_others(caplog: pytest.LogCaptureFixture) -> None:
    class Troubled(Recorded):
        async def forecast(self, model: Model) -> Forecast | None:
            found = await super().forecast(model)
            if model.id == "b":
                raise ValueError("a flag with a NUL byte")
            return found

    store, forecaster, published = StateStore(Snapshot(slots=(SLOT,))), Troubled(), list[int]()
    async with looking(store, forecaster, published):
        await until(lambda: len(published) == 2, "the answers for the others")
    assert forecaster.asked == ["b", "a", "c"]
    assert "no forecast for b" in caplog.text


def test_of_guesses_and_ram_nothing_is_learnt() -> None:
    ready = replace(SLOT, state=SlotState.READY, pid=7, memory=90, memory_by_device=(60, 30))
    snapshot = Snapshot(slots=(ready,), memory=(GPU, RAM))
    assert on_gpus(ready, snapshot, ram=64) == 60
    assert on_gpus(replace(ready, memory_estimated=True), snapshot, ram=64) == 0
    assert on_gpus(ready, replace(snapshot, memory=(RAM,)), ram=64) == 0
    assert on_gpus(ready, snapshot, ram=100) == 0, "a GPU that shares the RAM"
