"""What would make a model fit: layers and experts on the processor, a smaller cache, another quantisation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from router.catalog.context import number
from router.catalog.model import Model
from router.config.schema import Kind
from router.memory.admit import ways as ways_module
from router.memory.admit.judge import MemoryGate
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.admit.sizing import Sizing
from router.memory.forecast.needs import DeviceNeed, Forecast, Source
from router.memory.measure.pools import Pool
from router.state import StateStore
from router.wire.fit_ways import FitWays
from tests.router.catalog.files import write_gguf
from tests.router.memory.figures import GIB, MIB, Figures, Rule, Rules

LAYERS = 40
CARD = Pool("card", True, 24 * GIB, 4 * GIB)
RAM = Pool("RAM", False, 64 * GIB, 8 * GIB)
SMALL = ("cache-type-k=q8_0", "cache-type-v=q8_0")


def offloads(weights: int, cache: int, experts: int = 0) -> Rule:
    """`weights` in equal layers, of which `experts` are those of the experts; `cache` GiB, all of it with the
    layers on the GPU."""

    def rule(model: Model, _context: int) -> Forecast:
        on_gpu = min(LAYERS, number(model.flags, "n-gpu-layers") or 0) / LAYERS
        if "n-gpu-layers" not in model.flags:
            on_gpu = 1.0
        moved = experts * (number(model.flags, "n-cpu-moe") or 0) // LAYERS
        kept = cache // (2 if "cache-type-k" in model.flags else 1)
        gpu = int((weights - moved + kept) * on_gpu)
        host = weights + kept - gpu
        return Forecast(
            (DeviceNeed("CUDA0", gpu, 0, 0, is_gpu=True), DeviceNeed("Host", host, 0, 0)), Source.ENGINE
        )

    return rule


def made(
    folder: Path, name: str, *, experts: int = 0, size: int = 30, quant: str = "Q8_0", **flags: str
) -> Model:
    keys = {"ARCH__expert_count": experts} if experts else {}
    file = write_gguf(folder / f"{name}-{quant}.gguf", ARCH__block_count=LAYERS, **keys)
    given = {"ctx-size": "8192", **{flag.replace("_", "-"): value for flag, value in flags.items()}}
    return Model(
        f"{name}-{quant}", Kind.CHAT, name, file, flags=given, size_bytes=size * GIB, context_trained=8192,
        quantisation=quant,
    )  # fmt: skip


async def ask(model: Model, *pools: Pool, others: tuple[Model, ...] = (), **rules: Rule) -> FitWays:
    forecaster = Rules()
    forecaster.rules = {name.replace("_q", "-Q"): rule for name, rule in rules.items()}
    forecasts = LaunchForecasts(forecaster)
    sizing = Sizing(forecasts, StateStore(), dict)
    gate = MemoryGate(forecasts, sizing, Figures(*pools), lambda: 512 * MIB, lambda: None)
    return await gate.ways("primary", model, list, others)


async def test_what_fits_needs_no_way(tmp_path: Path) -> None:
    model = made(tmp_path, "m")
    assert await ask(model, CARD, RAM, m_q8_0=offloads(10 * GIB, GIB)) == FitWays(True)


async def test_as_many_layers_stay_on_the_gpu_as_fit(tmp_path: Path) -> None:
    model = made(tmp_path, "m")
    found = await ask(model, CARD, RAM, m_q8_0=offloads(38 * GIB, 2 * GIB))
    (way,) = found.ways
    # 40 GiB in 40 layers; 20 GiB are free, half a GiB stays so.
    assert way.flags == ("n-gpu-layers=19",) and (way.needs, way.host) == (19 * GIB, 21 * GIB)
    assert not found.fits


async def test_of_a_mixture_of_experts_the_experts_go_first(tmp_path: Path) -> None:
    model = made(tmp_path, "m", experts=128)
    found = await ask(model, CARD, RAM, m_q8_0=offloads(38 * GIB, 0, experts=36 * GIB))
    assert [way.flags for way in found.ways] == [("n-cpu-moe=21",), ("n-gpu-layers=20",)]
    assert found.ways[0].needs == 38 * GIB - 36 * GIB * 21 // LAYERS


async def test_a_smaller_cache_comes_before_and_with_them(tmp_path: Path) -> None:
    model = made(tmp_path, "m")
    found = await ask(model, CARD, RAM, m_q8_0=offloads(15 * GIB, 8 * GIB))
    assert found.ways[0].flags == SMALL and found.ways[0].needs == 19 * GIB
    assert found.ways[1].flags == ("n-gpu-layers=33",)
    # With all of it on the processor the RAM is too little, unless the cache is smaller, too.
    tight = replace(RAM, total=38 * GIB, used=0)
    found = await ask(model, replace(CARD, used=24 * GIB), tight, m_q8_0=offloads(30 * GIB, 8 * GIB))
    assert [way.flags for way in found.ways] == [("n-gpu-layers=0", *SMALL)]


async def test_another_quantisation_on_this_computer_is_named(tmp_path: Path) -> None:
    model = made(tmp_path, "m")
    small, smaller = made(tmp_path, "m", size=18, quant="Q4_K_M"), made(tmp_path, "m", size=9, quant="Q2_K")
    other = made(tmp_path, "x", size=9, quant="Q4_K_M")
    rules = {
        "m_q8_0": offloads(38 * GIB, 0),
        "m_q4_K_M": offloads(18 * GIB, 0),
        "m_q2_K": offloads(9 * GIB, 0),
        "x_q4_K_M": offloads(9 * GIB, 0),
    }
    found = await ask(model, CARD, RAM, others=(model, other, smaller, small), **rules)
    assert [way.model for way in found.ways] == ["m-Q4_K_M", None], "the largest that fits"


@pytest.mark.parametrize("flags", [{"n_gpu_layers": "40"}, {"cpu_moe": "true"}, {"device": "CUDA0"}])
async def test_who_has_said_where_it_goes_is_not_told_otherwise(tmp_path: Path, flags: dict[str, str]) -> None:
    model = made(tmp_path, "m", experts=8, **flags)
    assert (await ask(model, CARD, RAM, m_q8_0=offloads(38 * GIB, 0))).ways == ()


async def test_without_a_gpu_nothing_can_go_elsewhere(tmp_path: Path) -> None:
    model = made(tmp_path, "m", experts=8)
    assert (await ask(model, replace(RAM, used=40 * GIB), m_q8_0=offloads(38 * GIB, 0))).ways == ()


async def test_a_slow_engine_is_not_waited_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = made(tmp_path, "m")
    monkeypatch.setattr(ways_module, "LIMIT_SECONDS", 0.0)
    assert (await ask(model, CARD, RAM, m_q8_0=offloads(38 * GIB, 0))) == FitWays(False)
