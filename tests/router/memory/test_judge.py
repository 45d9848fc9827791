"""The gate with real figures: of the stub driver, of this computer's RAM, and of a real llama-server."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.shapes import Shape, build
from resources import demo_model
from router.base.errors import MemoryInsufficient
from router.base.tasks import spawn
from router.catalog.model import Model
from router.config.schema import Kind
from router.memory.admit import judge, launch_forecasts, suggest
from router.memory.admit.gate import Occupant, OpenGate, Verdict
from router.memory.admit.judge import MemoryGate
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.admit.sizing import Sizing
from router.memory.forecast.forecaster import Forecaster
from router.memory.measure.meter import Meter
from router.memory.measure.pools import Measured, Pool
from router.memory.measure.sources import find_source
from router.state import StateStore
from tests.engines.running import soon
from tests.router.memory.figures import GIB, MIB, Figures, Rule, Rules, StubMemory, model, on_gpu
from tests.router.memory.stub import Reader, StubDriver
from tests.router.memory.test_forecast import Engine

A4000 = "gpu 16384 512 0 NVIDIA RTX A4000"
HEADROOM = 512 * MIB


class Bench:
    """A gate, and the caller's side of it: who is there."""

    def __init__(self, memory: StubMemory | Figures, forecaster: Forecaster) -> None:
        self.forecasts = LaunchForecasts(forecaster)
        self.there: list[Occupant] = []
        self.published = 0
        self.headroom = HEADROOM
        self.store = StateStore()
        sizing = Sizing(self.forecasts, self.store, dict)
        self.gate = MemoryGate(self.forecasts, sizing, memory, lambda: self.headroom, self._publish)

    def _publish(self) -> None:
        self.published += 1

    async def load(self, slot: str, wanted: Model, *, force: bool = False) -> Verdict:
        """Ask, and note the promise as the supervisor does."""
        verdict = await self.gate.judge(slot, wanted, lambda: self.there, force=force)
        self.there = [o for o in self.there if o.slot not in verdict.evict]
        self.there.append(Occupant(slot, wanted.placed(verdict.placement), context=verdict.context))
        return verdict

    async def refusal(self, slot: str, wanted: Model) -> MemoryInsufficient:
        with pytest.raises(MemoryInsufficient) as caught:
            await self.gate.judge(slot, wanted, lambda: self.there)
        return caught.value


Make = Callable[[Rules], Bench]


@pytest.fixture
def stubbed(reader: Reader) -> Make:
    """A gate over the stub driver's two GPUs."""
    return lambda rules: Bench(StubMemory(reader), rules)


def says(driver: StubDriver, used: int, *more: str) -> None:
    """The first GPU, of 24 GiB, has `used` MiB in use."""
    driver.say(f"gpu 24576 {used} 0 NVIDIA GeForce RTX 3090", A4000, *more)


async def test_two_loads_at_once_cannot_both_pass(driver: StubDriver, stubbed: Make) -> None:
    says(driver, 1024)
    bench = stubbed(Rules(big=on_gpu(14 * GIB)))
    outcomes = await asyncio.gather(
        *(bench.load(slot, model("big", 4096)) for slot in ("a", "b", "c")), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [Verdict, MemoryInsufficient, MemoryInsufficient]
    assert [o.slot for o in bench.there] == ["a"]


async def test_a_promise_counts_until_the_memory_is_held(driver: StubDriver, stubbed: Make) -> None:
    says(driver, 1024)
    bench = stubbed(Rules(a=on_gpu(14 * GIB), b=on_gpu(9 * GIB)))
    await bench.load("first", model("a", 4096))
    refused = await bench.refusal("second", model("b", 4096))
    assert refused.details["pools"][0]["free"] == (23 - 14) * GIB
    # It has touched 4 GiB so far.
    bench.there = [Occupant("first", model("a", 4096), pid=77)]
    says(driver, 1024 + 4096, "compute 0 77 4096")
    refused = await bench.refusal("second", model("b", 4096))
    assert refused.details["pools"][0]["free"] == (23 - 14) * GIB
    assert refused.details["pools"][0]["keeps"] == {"first": 14 * GIB}
    # It holds more than was forecast.
    says(driver, 1024 + 15 * 1024, f"compute 0 77 {15 * 1024}")
    refused = await bench.refusal("second", model("b", 4096))
    assert refused.details["pools"][0]["free"] == (23 - 15) * GIB


async def test_beside_instead_or_after_evicting(driver: StubDriver, stubbed: Make) -> None:
    says(driver, 1024 + 6144, "compute 0 7 4096", "compute 0 8 2048")
    bench = stubbed(Rules(old=on_gpu(4 * GIB), aux=on_gpu(2 * GIB), new=on_gpu(1 * GIB)))
    bench.there = [
        Occupant("primary", model("old", 4096), pid=7, evictable=True),
        Occupant("aux", model("aux", 4096), pid=8, evictable=True),
    ]
    judged = []
    for weights in (16 * GIB, 20 * GIB, 22 * GIB):
        bench.forecasts.forecaster = Rules(**{**rules_of(bench), "new": on_gpu(weights)})
        judged.append(await bench.gate.judge("primary", model("new", 4096), lambda: bench.there))
    assert judged == [Verdict(beside=True), Verdict(), Verdict(evict=("aux",))]
    bench.there[1] = replace(bench.there[1], evictable=False)
    assert (
        "aux is in use or pinned and keeps 2 GiB"
        in (await bench.refusal("primary", model("new", 4096))).message
    )
    forced = await bench.gate.judge("primary", model("new", 4096), lambda: bench.there, force=True)
    assert forced == Verdict(beside=False)


def rules_of(bench: Bench) -> dict[str, Rule]:
    assert isinstance(bench.forecasts.forecaster, Rules)
    return dict(bench.forecasts.forecaster.rules)


async def test_the_arithmetic_is_told_in_words_and_numbers(driver: StubDriver, stubbed: Make) -> None:
    used = round((24 - 6.1) * 1024)
    says(driver, used, "compute 0 7 4096")
    bench = stubbed(Rules(big=on_gpu(round(6.2 * GIB), 96 * MIB), small=on_gpu(4 * GIB)))
    bench.there = [Occupant("primary", model("small", 4096), pid=7, evictable=True)]
    refused = await bench.refusal("primary", model("big", 131_072))
    assert refused.status == 507 and refused.code == "memory.insufficient"
    assert refused.message == (
        'Model "big" does not fit: it needs 18.2 GiB of NVIDIA GeForce RTX 3090; 6.1 GiB is free, primary '
        "would give back 4 GiB, 512 MiB is kept free: 8.6 GiB short; it would fit with ctx-size 36864."
    )
    (pool,) = refused.details["pools"]
    assert pool["needs"] + pool["headroom"] - pool["free"] - 4 * GIB == pool["short"] > 8 * GIB
    assert pool["gives_back"] == {"primary": 4 * GIB}
    assert refused.details["suggestion"] == {"ctx_size": 36_864, "cache_type": None}
    assert bench.there[0].pid == 7 and bench.published == 0, "nothing was touched"


async def test_a_smaller_cache_is_suggested_where_that_is_enough(driver: StubDriver, stubbed: Make) -> None:
    says(driver, 1024)
    bench = stubbed(Rules(big=on_gpu(10 * GIB, 128 * MIB)))
    refused = await bench.refusal("a", model("big", 131_072))
    assert refused.details["suggestion"] == {"ctx_size": 102_400, "cache_type": "q8_0"}
    assert refused.message.endswith(
        "it would fit with ctx-size 102400, or with an 8-bit KV cache (cache-type-k/v q8_0)."
    )
    refused = await bench.refusal("a", model("big", 131_072, flash_attn="off"))
    assert refused.details["suggestion"] == {"ctx_size": 102_400, "cache_type": None}
    bench = stubbed(Rules(big=on_gpu(40 * GIB, 128 * MIB)))
    refused = await bench.refusal("a", model("big", 131_072))
    assert "suggestion" not in refused.details
    assert refused.message.endswith("unload another slot, choose a smaller model, or force it.")


async def test_an_open_context_is_what_fits_and_is_told_before_the_load(
    driver: StubDriver, stubbed: Make
) -> None:
    says(driver, 1024)
    bench = stubbed(Rules(open=on_gpu(10 * GIB, 120 * MIB), aux=on_gpu(4 * GIB)))
    assert await bench.load("a", model("open")) == Verdict(beside=True, context=98_304)
    assert bench.published == 1 and bench.forecasts.chosen(model("open")) == 98_304
    bench.there = [Occupant("b", model("aux", 4096), pid=8)]
    says(driver, 1024 + 4096, "compute 0 8 4096")
    assert await bench.load("a", model("open")) == Verdict(beside=True, context=65_536)
    assert bench.published == 2
    says(driver, 20 * 1024, "compute 0 8 4096")
    bench.there.pop()
    refused = await bench.refusal("a", model("open"))
    assert refused.details["pools"][0]["needs"] == 10 * GIB + 4 * 120 * MIB, "with as little as is of use"
    assert bench.published == 2
    forced = await bench.gate.judge("a", model("open"), lambda: bench.there, force=True)
    assert forced.context == 4096


async def test_who_needs_ram_is_judged_by_ram_also_beside_gpus(driver: StubDriver, stubbed: Make) -> None:
    says(driver, 24_000)
    bench = stubbed(Rules(cpu=on_gpu(0, 0, host=100 * MIB), vast=on_gpu(0, 0, host=1 << 50)))
    assert await bench.gate.judge("a", model("cpu", 4096), lambda: []) == Verdict(beside=True)
    refused = await bench.refusal("a", model("vast", 4096))
    assert [pool["name"] for pool in refused.details["pools"]] == ["RAM"]


async def test_what_nobody_can_forecast_goes_in_the_old_one_s_place(driver: StubDriver, stubbed: Make) -> None:
    says(driver, 24_000)
    whisper = Model("whisper", Kind.STT, "Whisper", command="whisper --port {port}")
    assert await stubbed(Rules()).gate.judge("stt", whisper, lambda: []) == Verdict()
    assert await OpenGate().judge("stt", whisper, lambda: []) == Verdict()


async def test_windows_does_not_tell_so_the_promise_is_charged(driver: StubDriver, stubbed: Make) -> None:
    says(driver, 1024)
    bench = stubbed(Rules(a=on_gpu(10 * GIB), b=on_gpu(12 * GIB)))
    await bench.load("first", model("a", 4096))
    bench.there = [replace(bench.there[0], pid=77, evictable=True)]
    says(driver, 1024 + 10 * 1024, "compute 0 77 -1")
    verdict = await bench.gate.judge("second", model("b", 4096), lambda: bench.there)
    assert verdict == Verdict(beside=True)
    bench.forecasts.forecaster = Rules(a=on_gpu(10 * GIB), b=on_gpu(20 * GIB))
    verdict = await bench.gate.judge("second", model("b", 4096), lambda: bench.there)
    assert verdict == Verdict(evict=("first",))


# -- after a stop --------------------------------------------------------------------------------------------


async def test_memory_that_comes_back_late_is_waited_for(driver: StubDriver, stubbed: Make) -> None:
    says(driver, 20_000, "compute 0 7 18000")
    bench = stubbed(Rules(new=on_gpu(16 * GIB)))
    promised = [Occupant("primary", model("new", 4096))]
    waiting = spawn(
        bench.gate.wait_for_room("primary", model("new", 4096), None, lambda: promised), name="wait"
    )
    for _ in range(3):
        await asyncio.sleep(0.05)
        assert not waiting.done()
    says(driver, 2000)
    await asyncio.wait_for(waiting, 2)


async def test_nobody_else_is_evicted_while_memory_comes_back(driver: StubDriver, stubbed: Make) -> None:
    says(driver, 22_000, "compute 0 7 18000", "compute 0 8 2000")
    bench = stubbed(Rules(new=on_gpu(16 * GIB), old=on_gpu(17 * GIB), aux=on_gpu(2 * GIB)))
    aux = Occupant("aux", model("aux", 4096), pid=8, evictable=True)
    bench.there = [Occupant("other", model("old", 4096), pid=7, evictable=True, priority=-1), aux]
    verdict = await bench.gate.judge("primary", model("new", 4096), lambda: bench.there)
    assert verdict.evict == ("other",)
    bench.there = [aux]  # it is stopped, the driver still counts it
    judging = spawn(bench.gate.judge("primary", model("new", 4096), lambda: bench.there), name="judge")
    await asyncio.sleep(0.1)
    assert not judging.done()
    says(driver, 4_000, "compute 0 8 2000")
    assert await soon(judging) == Verdict(beside=True)
    # Somebody else takes it: nothing comes back, so who may go goes, and at last it is refused.
    says(driver, 22_000, "compute 0 8 2000")
    assert "short" in (await bench.refusal("primary", model("new", 4096))).message


async def test_memory_of_an_engine_that_was_unloaded_just_now_is_waited_for(
    driver: StubDriver, stubbed: Make
) -> None:
    """It was loaded with room to spare, so no judgement has looked at it since."""
    says(driver, 20_000)
    bench = stubbed(Rules(new=on_gpu(16 * GIB)))
    bench.gate.saw([7])
    bench.gate.saw([])
    judging = spawn(bench.gate.judge("primary", model("new", 4096), lambda: bench.there), name="judge")
    await asyncio.sleep(0.1)
    assert not judging.done()
    says(driver, 2000)
    assert await soon(judging) == Verdict(beside=True)


async def test_memory_that_does_not_come_back_is_said_to_be_whose(
    driver: StubDriver, stubbed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "RETURN_SECONDS", 0.3)
    own = os.getpid()
    says(driver, 20_000, f"compute 0 {own} 12288", "compute 0 7 2048", "graphics 0 1 100")
    bench = stubbed(Rules(new=on_gpu(16 * GIB), aux=on_gpu(2 * GIB)))
    there = [Occupant("primary", model("new", 4096)), Occupant("aux", model("aux", 4096), pid=7)]
    began = time.monotonic()
    with pytest.raises(MemoryInsufficient) as caught:
        await bench.gate.wait_for_room("primary", model("new", 4096), None, lambda: there)
    assert time.monotonic() - began >= 0.3
    assert f"(pid {own}) with 12 GiB, slot aux with 2 GiB and " in caught.value.message
    assert "needs 16 GiB of NVIDIA GeForce RTX 3090 and 4.5 GiB is free" in caught.value.message
    await bench.gate.wait_for_room("primary", model("new", 4096), None, lambda: there, force=True)


# -- real memory, a real engine ------------------------------------------------------------------------------


@pytest.fixture
def real(llama_server: Path, tmp_path: Path) -> Bench:
    """This computer's own memory, and a llama-server that is asked."""
    meter = Meter(find_source())
    bench = Bench(Figures(), Forecaster(tmp_path / "cache", Engine(llama_server, tmp_path)))
    sizing = Sizing(bench.forecasts, bench.store, dict)
    bench.gate = MemoryGate(bench.forecasts, sizing, meter.measure, lambda: bench.headroom, bench._publish)
    return bench


def demo(context: int | None = None) -> Model:
    flags = {} if context is None else {"ctx-size": str(context)}
    return Model("demo", Kind.CHAT, "demo", file=demo_model(), flags=flags, context_trained=65_536)


async def test_where_everything_is_known_and_fits_judging_costs_one_look(
    real: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long one takes is measured in benchmarks/."""
    real.there = [Occupant("other", demo(4096), pid=os.getpid())]
    assert await real.load("a", demo()) == Verdict(beside=True, context=65_536)
    measure, looks = real.gate._measure, 0

    async def counted(pids: Collection[int]) -> Measured:
        nonlocal looks
        looks += 1
        return await measure(pids)

    monkeypatch.setattr(real.gate, "_measure", counted)
    for _ in range(50):
        await real.gate.judge("a", demo(), lambda: real.there)
    assert looks == 50


async def test_real_ram_and_a_real_forecast_refuse_what_is_too_large(real: Bench) -> None:
    real.headroom = 1 << 50
    refused = await real.refusal("a", demo(65_536))
    (pool,) = refused.details["pools"]
    assert pool["name"] == "RAM" and 17 * MIB < pool["needs"] < 200 * MIB
    assert pool["short"] == pool["needs"] + pool["headroom"] - pool["free"]


async def test_a_suggestion_is_what_the_engine_itself_says_fits(llama_server: Path, tmp_path: Path) -> None:
    file = build(tmp_path / "wide.gguf", Shape(layers=8))
    wide = Model("wide", Kind.CHAT, "wide", file=file, flags={"ctx-size": "65536"}, context_trained=131_072)
    forecaster = Forecaster(tmp_path / "cache", Engine(llama_server, tmp_path))
    whole = await forecaster.forecast(wide)
    half = await forecaster.forecast(wide.with_context(32_768))
    assert whole is not None and half is not None
    ram = Pool("RAM", False, 64 * GIB, 64 * GIB - HEADROOM - (whole.total + half.total) // 2)
    bench = Bench(Figures(ram), forecaster)
    suggestion = (await bench.refusal("a", wide)).details["suggestion"]
    assert 40_960 <= suggestion["ctx_size"] < 52_000 and suggestion["ctx_size"] % 1024 == 0
    assert suggestion["cache_type"] == "q8_0"
    small = {"cache-type-k": "q8_0", "cache-type-v": "q8_0"}
    for fits in (wide.with_context(suggestion["ctx_size"]), replace(wide, flags={**wide.flags, **small})):
        assert await bench.gate.judge("a", fits, lambda: []) == Verdict(beside=True)
    larger = wide.with_context(suggestion["ctx_size"] + 2048)
    assert "short" in (await bench.refusal("a", larger)).message
    left_open = replace(wide, flags={})
    verdict = await bench.gate.judge("a", left_open, lambda: [])
    assert verdict == Verdict(beside=True, context=32_768), "49152 would fit with nothing to spare"


async def test_a_slow_engine_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch_forecasts, "ASK_SECONDS", 0.05)
    monkeypatch.setattr(suggest, "LIMIT_SECONDS", 0.2)
    rules = Rules(big=on_gpu(0, 0, host=10 * GIB))
    rules.delay = 60
    bench = Bench(Figures(Pool("RAM", False, 8 * GIB, 1 * GIB)), rules)
    began = time.monotonic()
    assert (await bench.refusal("a", model("big", 8192))).details["pools"][0]["needs"] == 10 * GIB
    assert time.monotonic() - began < rules.delay
