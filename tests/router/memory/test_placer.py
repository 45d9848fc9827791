"""The gate on a computer with several GPUs: the stub driver's, and an engine that divides models as told."""

from __future__ import annotations

import os
import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from router.base.errors import MemoryInsufficient
from router.catalog.model import Model
from router.catalog.placement import VISIBLE, Placement, placed_by_flags
from router.config.flags import flag_name
from router.config.schema import Kind
from router.engine.environment import engine_environment
from router.memory.admit import placer
from router.memory.admit.gate import Occupant
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.admit.ledger import spread
from router.memory.forecast.companions import Companions
from router.memory.forecast.dryrun import Told
from router.memory.forecast.forecaster import Forecaster, _renumbered, _together
from router.memory.forecast.needs import DeviceNeed, Forecast, Source
from router.memory.measure.pools import Pool
from router.reload.published import model_status
from router.state import DeviceMemory, SlotState, SlotStatus
from tests.router.memory.figures import GIB, MIB, Figures, Rules, StubMemory, model
from tests.router.memory.stub import Reader, StubDriver
from tests.router.memory.test_judge import HEADROOM, Bench

LAYERS = 41


def uuid(number: int) -> str:
    return f"GPU-00000000-0000-0000-0000-{number:012}"


def says(driver: StubDriver, *gibs: int, display: int | None = None) -> None:
    """GPUs of these sizes, on each of which 512 MiB are in use."""
    gpus = [f"gpu {gib * 1024} 512 0 GPU of {gib}" for gib in gibs]
    about = [f"about {n} {uuid(n)} {int(n == display)} 384 {9000 + n}" for n in range(len(gibs))]
    driver.say(*gpus, *about)


class Cuda(Rules):
    """Answers as llama-server on CUDA does: for the GPUs that are visible, divided by `tensor-split`, else
    evenly. `weights` are in bytes by model id; each GPU has `work` besides."""

    def __init__(self, count: int, work: int = 256 * MIB, **weights: int) -> None:
        super().__init__()
        self.count, self.work, self.weights = count, work, weights

    async def _find(self, model: Model, *_: Any) -> tuple[Forecast | None, str | None, bool]:
        self.asked.append((model.id, model.context_length or 0))
        listed = model.env.get(VISIBLE, "")
        gpus = [int(one[-12:]) for one in listed.split(",")] if listed else list(range(self.count))
        shares = [int(part) for part in str(model.flags.get("tensor-split", "")).split(",") if part]
        shares = shares or [1] * len(gpus)
        weights = self.weights[model.id] + (model.context_length or 0) * 1024
        devices = [
            DeviceNeed(f"CUDA{gpu}", weights * share // sum(shares), 0, self.work, is_gpu=True)
            for gpu, share in zip(gpus, shares, strict=True)
        ]
        return Forecast((*devices, DeviceNeed("Host", 64 * MIB, 0, 0)), Source.ENGINE), None, True

    async def computed(self, model: Model) -> Forecast | None:
        raise AssertionError("the engine answers")


class Growing(Cuda):
    """What each takes grows with its context by `per_1024` bytes for 1,024 tokens."""

    def __init__(self, count: int, per_1024: int, **weights: int) -> None:
        super().__init__(count, **weights)
        self.per_1024, self.least = per_1024, weights

    async def _find(self, model: Model, *rest: Any) -> tuple[Forecast | None, str | None, bool]:
        cache = (model.context_length or 0) * self.per_1024 // 1024
        self.weights = {name: weights + cache for name, weights in self.least.items()}
        return await super()._find(model, *rest)


@pytest.fixture(autouse=True)
def of_many_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are not there."""
    monkeypatch.setattr(placer, "_layers", lambda _model: LAYERS)


@pytest.fixture
def stubbed(reader: Reader) -> StubMemory:
    return StubMemory(reader)


async def test_the_driver_tells_what_a_gpu_is_called_and_how_fast_it_is(
    driver: StubDriver, reader: Reader
) -> None:
    says(driver, 24, 12, display=1)
    first, second = reader.look()
    assert (first["uuid"], first["display"], second["display"]) == (uuid(0), False, True)
    assert (first["bandwidth"], second["bandwidth"]) == (864_000_000_000, 864_096_000_000)


async def test_whole_where_it_fits_best_then_where_there_is_room_then_over_two(
    driver: StubDriver, stubbed: StubMemory
) -> None:
    says(driver, 24, 12)
    bench = Bench(stubbed, Cuda(2, small=8 * GIB, medium=9 * GIB, large=20 * GIB))
    assert (await bench.load("a", model("small", 4096))).placement == Placement((uuid(1),))
    assert (await bench.load("b", model("medium", 4096))).placement == Placement((uuid(0),))
    bench.there.clear()
    await bench.load("c", model("large", 4096))
    assert bench.there[-1].model.env == {VISIBLE: uuid(0)}
    bench.there.clear()
    bench.forecasts.forecaster = Cuda(2, huge=30 * GIB)
    verdict = await bench.load("d", model("huge", 4096))
    assert verdict.placement is not None and verdict.placement.gpus == (uuid(0), uuid(1))
    assert sum(verdict.placement.layers) == LAYERS
    assert verdict.placement.layers[0] > verdict.placement.layers[1]


async def test_what_it_takes_of_each_gpu_is_known_before_the_load(
    driver: StubDriver, stubbed: StubMemory
) -> None:
    says(driver, 24, 12)
    bench = Bench(stubbed, Cuda(2, small=8 * GIB))
    measured = await stubbed(())
    wanted = model("small", 4096)
    sizing = bench.gate._sizing
    await bench.forecasts.forecast(wanted)
    assert await sizing.size(wanted, measured), "that is news"
    assert not await sizing.size(wanted, measured)
    memory = [DeviceMemory(pool.name, True, pool.total, pool.used) for pool in measured.pools[:2]]
    assert model_status(wanted, bench.forecasts, memory).needs_by_device == (0, 8 * GIB + 260 * MIB)


async def test_of_two_that_must_make_room_the_one_of_low_priority_does(
    driver: StubDriver, stubbed: StubMemory
) -> None:
    """Whichever GPU it is on."""
    says(driver, 24, 24)
    bench = Bench(stubbed, Cuda(2, held=20 * GIB, wanted=18 * GIB))
    bench.forecasts.forecaster.use_devices((await stubbed(())).pools)
    for dear, cheap in ((0, 1), (1, 0)):
        bench.there = []
        for slot, gpu, priority in (("dear", dear, 5), ("cheap", cheap, 1)):
            held = model("held", 4096).placed(Placement((uuid(gpu),)))
            await bench.forecasts.forecast(held)
            bench.there.append(Occupant(slot, held, evictable=True, priority=priority))
        verdict = await bench.gate.judge("a", model("wanted", 4096), lambda: bench.there)
        assert (verdict.evict, verdict.placement) == (("cheap",), Placement((uuid(cheap),)))


async def test_a_loaded_model_is_told_where_it_is(driver: StubDriver, stubbed: StubMemory) -> None:
    """Not where it would go if everybody else left."""
    says(driver, 24, 24)
    bench = Bench(stubbed, Cuda(2, first=20 * GIB, second=18 * GIB))
    await bench.load("a", model("first", 4096))
    there = model("second", 4096)
    assert (await bench.load("b", there)).placement == Placement((uuid(0),)), "the first has the faster one"
    loaded = SlotStatus("b", Kind.CHAT, SlotState.READY, model="second", loaded=("second",), pid=7)
    bench.store.update(slots=(loaded,))
    await bench.gate._sizing.size(there, await stubbed(()))
    assert bench.forecasts.as_placed(there).env == {VISIBLE: uuid(0)}
    bench.store.update(slots=(replace(loaded, state=SlotState.UNLOADED, loaded=(), pid=None),))
    await bench.gate._sizing.size(there, await stubbed(()))
    assert bench.forecasts.as_placed(there).env == {VISIBLE: uuid(1)}


async def test_a_refusal_names_each_gpu(driver: StubDriver, stubbed: StubMemory) -> None:
    says(driver, 24, 12)
    bench = Bench(stubbed, Cuda(2, huge=50 * GIB))
    refused = await bench.refusal("a", model("huge", 4096))
    assert (
        "on one GPU it would take 50.3 GiB, and GPU 0 (GPU of 24) has 23 GiB and GPU 1 (GPU of 12) has 11 GiB "
        "for it, also together"
    ) in refused.message
    assert [(one["gpu"], one["name"]) for one in refused.details["alone"]] == [
        (0, "GPU of 24"),
        (1, "GPU of 12"),
    ]
    assert refused.details["alone"][0]["short"] == 50 * GIB + 260 * MIB - 23 * GIB


async def test_a_refusal_suggests_what_would_go_by_the_division_of_the_load(
    driver: StubDriver, stubbed: StubMemory
) -> None:
    """Divided evenly, as the engine would, there is room for 22 GiB; divided by their room, for 33."""
    says(driver, 24, 12)
    bench = Bench(stubbed, Growing(2, per_1024=GIB // 4, large=8 * GIB))
    wanted = model("large", 131_072)
    refused = await bench.refusal("a", wanted)
    told = refused.details["suggestion"]["ctx_size"]
    assert told > 90_000 and f"with ctx-size {told}" in refused.message
    verdict = await bench.gate.judge("a", wanted.with_context(told), list)
    assert verdict.placement is not None and len(verdict.placement.gpus) == 2
    with pytest.raises(MemoryInsufficient):
        await bench.gate.judge("a", wanted.with_context(told + 1024), list)


async def test_gpus_of_one_make_are_told_apart(driver: StubDriver, stubbed: StubMemory) -> None:
    says(driver, 24, 24)
    bench = Bench(stubbed, Cuda(2, huge=32 * GIB))
    by_hand = model("huge", 4096, tensor_split="3,1")
    refused = await bench.refusal("a", by_hand)
    assert "24.3 GiB of GPU 0 (GPU of 24)" in refused.message
    assert (
        "; as llama-server divides it GPU 1 (GPU of 24) would hold 8.3 GiB and has 23 GiB for it;"
        in refused.message
    )


async def test_an_engine_that_says_a_gpu_would_hold_more_is_believed(
    driver: StubDriver, stubbed: StubMemory
) -> None:
    """Alone on a GPU it takes 6 GiB more than the answer for two lets one expect."""

    class Larger(Cuda):
        async def _find(self, model: Model, *rest: Any) -> tuple[Forecast | None, str | None, bool]:
            self.work = 6 * GIB if VISIBLE in model.env else 256 * MIB
            return await super()._find(model, *rest)

    says(driver, 24, 12)
    bench = Bench(stubbed, Larger(2, small=8 * GIB))
    assert (await bench.load("a", model("small", 4096))).placement == Placement((uuid(0),))


@pytest.mark.parametrize(
    ("flags", "variables"),
    [
        ({"device": "CUDA1"}, {}),
        ({"tensor_split": "1,1"}, {}),
        ({"main_gpu": "1"}, {}),
        ({"split_mode": "none"}, {}),
        ({"override_tensor": "exps=CPU"}, {}),
        ({"mmproj_device": "CUDA1"}, {}),
        ({"spec_draft_device": "CUDA1"}, {}),
        ({"spec_draft_override_tensor": ".*=CUDA1"}, {}),
        ({"fit_target": "1024,4096"}, {}),
        ({}, {VISIBLE: uuid(0)}),
        ({}, {VISIBLE.lower(): uuid(0)}),
        ({}, {"MTMD_BACKEND_DEVICE": "CUDA1"}),
        ({}, {"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}),
    ],
    ids=" ".join,
)
async def test_what_a_person_has_said_wins(
    driver: StubDriver, stubbed: StubMemory, flags: dict[str, str], variables: dict[str, str]
) -> None:
    says(driver, 24, 12)
    bench = Bench(stubbed, Cuda(2, small=2 * GIB))
    wanted = replace(model("small", 4096, **flags), env=variables)
    assert wanted.placed_by_hand
    assert (await bench.load("a", wanted)).placement is None


@pytest.mark.parametrize("raw", ["dev", "ts", "mg", "sm", "ot", "mmdev", "devd", "otd", "device-draft"])
@pytest.mark.parametrize("spelled", ["{}", "-{}", "--{}"])
def test_in_every_spelling(raw: str, spelled: str) -> None:
    assert placed_by_flags({flag_name(spelled.format(raw)): "1"})


@pytest.mark.parametrize("raw", ["tensor_split", "TENSOR_SPLIT", "tensorSplit", "LLAMA_ARG_TENSOR_SPLIT"])
def test_in_every_case(raw: str) -> None:
    assert placed_by_flags({flag_name(raw): "1"})


@pytest.mark.parametrize(
    ("flags", "variables"),
    [
        ({"n_gpu_layers": "99"}, {}),
        ({"n_cpu_moe": "4"}, {}),
        ({"fit_target": "2048"}, {}),
        ({}, {"NVIDIA_VISIBLE_DEVICES": "all"}),
        ({}, {"GGML_CUDA_ENABLE_UNIFIED_MEMORY": "1"}),
    ],
    ids=" ".join,
)
def test_what_says_nothing_of_where_leaves_it_to_hal0(flags: dict[str, str], variables: dict[str, str]) -> None:
    assert not replace(model("small", 4096, **flags), env=variables).placed_by_hand


async def test_hal0s_own_variable_is_what_the_person_has_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, VISIBLE, "0")
    assert LaunchForecasts(Cuda(2)).placed_by_hand


@pytest.mark.parametrize("count", range(1, 9))
async def test_one_to_eight_unequal_gpus_are_filled_and_never_beyond_what_they_have(
    driver: StubDriver, stubbed: StubMemory, count: int
) -> None:
    dice = random.Random(count)
    gibs = [dice.choice((6, 8, 12, 16, 24, 48)) for _ in range(count)]
    says(driver, *gibs)
    weights = {f"m{n}": dice.randint(1, 30) * GIB for n in range(12)}
    bench = Bench(stubbed, Cuda(count, **weights))
    measured = await stubbed(())
    free = [pool.free for pool in measured.pools]
    for number, name in enumerate(weights):
        wanted = model(name, 4096)
        largest = max(free[:-1]) - HEADROOM
        alone = weights[name] + (wanted.context_length or 0) * 1024 + 256 * MIB
        try:
            verdict = await bench.load(f"slot{number}", wanted)
        except MemoryInsufficient:
            assert alone > largest, "it would have gone whole on one"
            continue
        assert (verdict.placement is None) is (count == 1)
        occupant = bench.there[-1]
        if count > 1:
            assert (len(occupant.model.env[VISIBLE].split(",")) == 1) is (alone <= largest)
        takes = bench.forecasts.known(occupant.model)
        assert takes is not None
        free = [left - amount for left, amount in zip(free, spread(takes, measured.pools), strict=True)]
        assert min(free[:-1]) >= 0 and all(
            left >= HEADROOM for left, amount in zip(free, spread(takes, measured.pools), strict=True) if amount
        )


async def test_a_context_is_chosen_by_what_fits_somewhere_not_by_the_engines_own_division() -> None:
    """Divided evenly by the engine half of it would go where there is no room."""
    pools = (
        Pool("full", True, 24 * GIB, 23 * GIB, uuid=uuid(0)),
        Pool("empty", True, 24 * GIB, GIB, uuid=uuid(1)),
        Pool("RAM", False, 64 * GIB, GIB),
    )
    memory = Figures(*pools)
    bench = Bench(memory, Cuda(2, small=8 * GIB))
    verdict = await bench.load("a", model("small"))
    assert (verdict.context, verdict.placement) == (131_072, Placement((uuid(1),)))


async def test_the_engines_answer_for_gpus_by_uuid_is_told_by_the_drivers_numbers(tmp_path: Path) -> None:
    """A process that answers as llama-server does, about the GPUs that it is shown."""
    lines = (
        '{"type": "fit_memory_breakdown", "data": {"unit": "MiB", "rows": ['
        '{"kind": "device", "name": "CUDA0", "model": 866, "context": 1536, "compute": 54, "self": 2457},'
        '{"kind": "host", "name": "Host", "model": 10, "context": 0, "compute": 1, "self": 12}]}}'
    )

    class Engine:
        async def dry_run(self, model: Model) -> tuple[list[str], dict[str, str]]:
            env = engine_environment({}, api_key="", private_config=tmp_path, child_mode=False, more=model.env)
            return [sys.executable, "-I", "-S", "-c", f"print('''{lines}''')"], env

    forecaster = Forecaster(tmp_path, Engine())
    forecaster.use_devices([Pool("A", True, 9, 0, uuid=uuid(0)), Pool("B", True, 9, 0, uuid=uuid(1))])
    wanted = replace(model("m", 4096), file=tmp_path / "m.gguf")
    (tmp_path / "m.gguf").touch()
    for number in (0, 1):
        told = await forecaster.forecast(wanted.placed(Placement((uuid(number),))))
        assert told is not None and told.per_device[0].name == f"CUDA{number}"


@pytest.mark.parametrize("listed", [uuid(1), f"{uuid(1)} ", "1", " 1"])
def test_a_gpu_may_be_named_by_number_or_uuid(listed: str) -> None:
    need = (DeviceNeed("CUDA0", 9, 0, 0, is_gpu=True),)
    assert _renumbered(need, {VISIBLE: listed}, {uuid(0): 0, uuid(1): 1})[0].name == "CUDA1"


def test_a_gpu_may_be_named_by_how_its_uuid_begins() -> None:
    known = {"GPU-1a2b3c4d-0000": 0, "GPU-1a9f0000-0000": 1}
    need = (DeviceNeed("CUDA0", 9, 0, 0, is_gpu=True),)
    assert _renumbered(need, {VISIBLE: "GPU-1a9f"}, known)[0].name == "CUDA1"
    assert _renumbered(need, {VISIBLE: "GPU-1a"}, known)[0].name == "CUDA0", "it might be either"


def test_a_projector_is_counted_where_its_flag_puts_it() -> None:
    told = Told(((DeviceNeed("CUDA0", GIB, 0, 0, is_gpu=True), DeviceNeed("CUDA1", GIB, 0, 0, is_gpu=True)),))
    beside = Companions(projector=MIB, projector_device="cuda1")
    found = _together(model("seeing", 4096), told, beside)
    assert [(need.name, need.total) for need in found] == [("CUDA0", GIB), ("CUDA1", GIB + MIB)]
