"""Which context a model gets that leaves it open: the largest, steadily, and not at its companions' cost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from router.base.tasks import spawn
from router.catalog.model import Model
from router.config.schema import Kind
from router.memory.admit import forecast_loop
from router.memory.admit.forecast_loop import ForecastLoop
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.admit.sizing import BAND, Sizing
from router.memory.forecast.needs import DeviceNeed, Forecast, Source
from router.memory.measure.pools import Measured, Pool
from router.state import DeviceMemory, SlotState, SlotStatus, Snapshot, StateStore
from tests.engines.running import until
from tests.router.memory.figures import GIB, MIB, Rules, model, on_gpu

TRAINED = 131_072
PRIMARY = SlotStatus("primary", Kind.CHAT, model="open", choices=("open", "other"))
RULES = {"open": on_gpu(10 * GIB, 88 * MIB), "other": on_gpu(8 * GIB), "embed": on_gpu(2 * GIB)}
MODELS = {
    "open": model("open"),
    "other": model("other", 4096),
    "embed": replace(model("embed", 512), kind=Kind.EMBEDDING),
}


def memory(used: float, **held: float) -> Measured:
    """A GPU of 24 GiB; `held` in GiB by names such as p7."""
    pids = {int(name[1:]): round(amount * GIB) for name, amount in held.items()}
    gpu = Pool("GPU", True, 24 * GIB, round(used * GIB), held=pids)
    return Measured((gpu, Pool("RAM", False, 64 * GIB, 4 * GIB)), (pids, {}))


class Bench:
    def __init__(self, *slots: SlotStatus) -> None:
        self.rules = Rules(**RULES)
        self.forecasts = LaunchForecasts(self.rules)
        self.store = StateStore(Snapshot(slots=slots or (PRIMARY,)))
        self.sizing = Sizing(self.forecasts, self.store, lambda: MODELS)

    async def size(self, measured: Measured) -> int | None:
        await self.sizing.size(MODELS["open"], measured)
        return self.forecasts.chosen(MODELS["open"])


def ready(name: str, held: str, pid: int, **more: Any) -> SlotStatus:
    return SlotStatus(name, Kind.CHAT, SlotState.READY, model=held, loaded=(held,), pid=pid, **more)


async def test_where_all_fits_it_is_what_it_was_trained_for_and_asked_once() -> None:
    bench = Bench()
    assert await bench.size(memory(1)) == TRAINED
    assert bench.rules.asked == [("open", TRAINED)]


async def test_a_model_that_says_its_context_keeps_it() -> None:
    bench = Bench()
    assert not await bench.sizing.size(MODELS["other"], memory(23))
    assert bench.forecasts.chosen(MODELS["other"]) is None and bench.rules.asked == []
    assert MODELS["other"].launch_key == bench.forecasts.as_launched(MODELS["other"], 8192).launch_key


async def test_the_choice_does_not_change_what_a_model_is() -> None:
    bench, before = Bench(), MODELS["open"].launch_key
    assert await bench.size(memory(8)) == 49_152
    assert MODELS["open"].launch_key == before
    assert bench.forecasts.as_launched(MODELS["open"]).flags["ctx-size"] == "49152"


async def test_what_is_loaded_now_does_not_matter_unless_it_is_pinned() -> None:
    own = replace(PRIMARY, state=SlotState.READY, pid=7, loaded=("open",), context_length=TRAINED)
    other = ready("second", "other", 8)
    for slots, measured in (
        ((PRIMARY,), memory(1)),
        ((own,), memory(23, p7=22)),
        ((PRIMARY, other), memory(9, p8=8)),
        ((PRIMARY, replace(other, in_flight=3)), memory(9, p8=8)),
    ):
        assert await Bench(*slots).size(measured) == TRAINED
    pinned = replace(other, pinned=True)
    assert await Bench(PRIMARY, pinned).size(memory(9, p8=8)) == 32_768
    unloaded = replace(pinned, state=SlotState.UNLOADED, pid=None)
    assert await Bench(PRIMARY, unloaded).size(memory(1)) == 32_768, "it will be there"


async def test_a_chat_leaves_room_for_the_embeddings_it_is_used_with() -> None:
    embeddings = SlotStatus("embedding", Kind.EMBEDDING, model="embed", choices=("embed",))
    loaded = replace(ready("embedding", "embed", 9), kind=Kind.EMBEDDING)
    assert await Bench(PRIMARY, embeddings).size(memory(1)) == 98_304
    assert await Bench(PRIMARY, loaded).size(memory(3, p9=2)) == 98_304
    assert await Bench(PRIMARY, loaded).size(memory(14, p9=2)) == 12_288, "else it would not fit at all"


async def test_memory_that_moves_a_little_does_not_change_it() -> None:
    bench = Bench()
    contexts = set()
    for used in (1 + step / 4 for step in range(48)):
        bench.forecasts = LaunchForecasts(bench.rules)
        bench.sizing = Sizing(bench.forecasts, bench.store, lambda: MODELS)
        contexts.add(chosen := await bench.size(memory(used)))
        wobble = (24 - used) / (BAND + 1)
        for moved in (used + wobble, used, used + wobble / 2, used):
            assert await bench.size(memory(moved)) == chosen
    assert len(contexts) >= 8, "but much does"
    assert await bench.size(memory(1)) == TRAINED


async def test_too_little_for_any_is_the_least_that_is_of_use() -> None:
    assert await Bench().size(memory(20)) == 4096


async def test_nobody_can_tell_then_it_is_what_it_was_trained_for() -> None:
    bench = Bench()
    bench.rules.rules = {}
    assert await bench.size(memory(20)) == TRAINED


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_loop, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(forecast_loop, "PAUSE_SECONDS", 0.0)


async def test_forecast_loop_sizes_again_only_when_something_changed() -> None:
    bench = Bench()
    looks, published, sized = [memory(8)], list[int](), list[str]()
    original = bench.sizing.size

    async def counted(model: Any, measured: Measured) -> bool:
        sized.append(model.id)
        return await original(model, measured)

    bench.sizing.size = counted  # type: ignore[method-assign]
    loop = ForecastLoop(
        bench.forecasts,
        bench.sizing,
        bench.store,
        lambda: MODELS,
        lambda: looks[-1],
        lambda: published.append(1),
    )
    task = spawn(loop.run(), name="forecasts")
    try:
        await until(lambda: bench.forecasts.chosen(MODELS["open"]) == 49_152, "a context")
        await until(lambda: len(sized) == 3, "each once")
        news = len(published)
        looks.append(memory(8.1))
        for _ in range(5):
            await asyncio.sleep(0.02)
        assert len(sized) == 3 and len(published) == news
        looks.append(memory(1))
        await until(lambda: bench.forecasts.chosen(MODELS["open"]) == TRAINED, "a larger one")
        assert len(published) == news + 1
        bench.store.update_slot(replace(PRIMARY, pinned=True))
        await until(lambda: len(sized) == 9, "a look after the slot changed")
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_other_gpus_are_another_question_and_the_first_answer_is_kept() -> None:
    bench = Bench()
    two = (Pool("GPU", True, 24 * GIB, 0), Pool("B", True, 8 * GIB, 0), Pool("RAM", False, 64 * GIB, 0))
    for pools, times in ((memory(1).pools, 1), (two, 2), (memory(2).pools, 2)):
        bench.rules.use_devices(pools)
        await bench.forecasts.forecast(MODELS["other"])
        assert len(bench.rules.asked) == times
    assert not bench.rules.use_devices(memory(3).pools) and bench.rules.use_devices(two)


async def test_what_devices_are_shown_is_told_anew_when_they_change() -> None:
    bench = Bench()
    bench.store.update(memory=(DeviceMemory("GPU", True, 24, 0),))
    published = list[int]()
    loop = ForecastLoop(
        bench.forecasts, bench.sizing, bench.store, dict, lambda: memory(1), lambda: published.append(1)
    )
    task = spawn(loop.run(), name="forecasts")
    try:
        await until(lambda: bool(loop._shown), "a look")
        assert published == []
        bench.store.update(memory=(DeviceMemory("RAM", False, 64, 0),))
        await until(lambda: published == [1], "told anew")
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_who_reads_whole_inputs_is_content_with_an_eighth() -> None:
    """Row 1: the buffers of batches as long as the context grow with its square."""

    def rule(model: Model, context: int) -> Forecast:
        gpu = DeviceNeed("CUDA0", GIB, 0, context * context * 2, is_gpu=True)
        return Forecast((gpu, DeviceNeed("Host", 0, 0, 0)), Source.ENGINE)

    bench = Bench()
    bench.rules.rules["open"] = rule
    whole = replace(MODELS["open"], kind=Kind.EMBEDDING, reads_whole=True)
    await bench.sizing.size(whole, memory(1))
    assert bench.forecasts.chosen(whole) == 32_768, "2 GiB of 24"
    assert bench.forecasts.as_launched(whole).engine_flags["ubatch-size"] == "32768"
    bench.rules.rules["open"] = on_gpu(23 * GIB, 2048 * MIB)
    small = replace(whole, id="open", size_bytes=1)
    await bench.sizing.size(small, memory(0))
    assert bench.forecasts.chosen(small) == 512
