"""Where a forecast lies among the pools there are, and what engines are charged with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.memory.admit.contexts import SMALLEST, ladder, largest
from router.memory.admit.ledger import Claim, claim, published, room, spread
from router.memory.forecast.needs import DeviceNeed, Forecast, Source
from router.memory.measure.pools import Measured, Pool
from router.state import DeviceMemory

RAM = Pool("RAM", False, 64, 24)
GPUS = (Pool("A", True, 24, 4, held={7: 3}), Pool("B", True, 8, 1))
UNIFIED = Pool("Apple unified memory", True, 64, 24)


def forecast(**needs: int) -> Forecast:
    devices = tuple(DeviceNeed(name, amount, 0, 0, name != "Host") for name, amount in needs.items())
    return Forecast(devices, Source.ENGINE)


@pytest.mark.parametrize(
    ("needs", "pools", "amounts"),
    [
        ({"CUDA0": 5, "CUDA1": 2, "Host": 1}, (*GPUS, RAM), (5, 2, 1)),
        ({"Vulkan1": 2, "Host": 1}, (*GPUS, RAM), (0, 2, 1)),
        ({"CUDA0": 5, "CUDA7": 2}, (*GPUS, RAM), (5, 0, 2)),
        ({"SYCL": 5}, (*GPUS, RAM), (5, 0, 0)),
        ({"Host": 9}, (*GPUS, RAM), (0, 0, 9)),
        ({"CUDA0": 5, "Host": 1}, (RAM,), (6,)),
        ({"MTL0": 5, "Host": 1}, (UNIFIED,), (6,)),
        ({"CUDA0": 5, "CUDA1": 2, "Host": 1}, (GPUS[0], UNIFIED), (5, 3)),
    ],
)
def test_each_need_goes_to_its_own_pool_or_to_the_ram(
    needs: dict[str, int], pools: tuple[Pool, ...], amounts: tuple[int, ...]
) -> None:
    assert spread(forecast(**needs), pools) == amounts


def test_what_the_formula_cannot_place_goes_to_the_gpus_by_their_size() -> None:
    computed = Forecast((DeviceNeed("", 16, 0, 0),), Source.FORMULA)
    assert spread(computed, (*GPUS, RAM)) == (12, 4, 0)
    assert spread(computed, (RAM,)) == (16,)


def test_published_are_the_pools_that_are_shown() -> None:
    shown = [DeviceMemory(pool.name, pool.is_gpu, pool.total, pool.used) for pool in (*GPUS, RAM, UNIFIED)]
    needs = forecast(CUDA0=5, CUDA1=2, Host=1)
    assert published(needs, shown[:2], 64) == (5, 2), "of the RAM beside GPUs nothing is shown"
    assert published(needs, shown[2:3], 64) == (8,)
    assert published(needs, shown[3:], 64) == (8,)
    assert published(needs, [], 64) == ()


def test_an_engine_is_charged_with_what_it_holds_or_was_promised() -> None:
    measured = Measured((*GPUS, RAM), ({7: 3}, {}, {7: 9}))
    loading = claim("a", 7, forecast(CUDA0=10, Host=2), measured)
    assert (loading.held, loading.gives, loading.rest) == ((3, 0, 9), (10, 0, 9), (7, 0, 0))
    promised = claim("b", None, forecast(CUDA1=4), measured)
    assert (promised.held, promised.gives) == ((0, 0, 0), (0, 4, 0))
    other = claim("c", 7, None, measured)
    assert other == Claim("c", (3, 0, 9)) and other.gives == other.held
    assert room(measured, [loading, promised]) == (13, 3, 40)
    assert room(measured, [promised, promised]) == (20, -1, 40)


@pytest.mark.parametrize(
    ("trained", "rungs"),
    [
        (16_384, (16_384, 12_288, 8192, 6144, 4096)),
        (10_000, (10_000, 8192, 6144, 4096)),
        (4096, (4096,)),
        (512, (512,)),
    ],
)
def test_the_ladder_of_contexts(trained: int, rungs: tuple[int, ...]) -> None:
    assert ladder(trained) == rungs


@given(st.integers(1, 4_000_000), st.integers(0, 4_000_000))
async def test_the_largest_rung_that_fits_is_found_with_few_questions(trained: int, limit: int) -> None:
    asked = []

    async def fits(context: int) -> bool:
        asked.append(context)
        return context <= limit

    rungs = ladder(trained)
    assert await largest(rungs, fits) == next((rung for rung in rungs if rung <= limit), None)
    assert asked[0] == trained and len(asked) <= 6
    assert min(rungs) >= min(trained, SMALLEST)
