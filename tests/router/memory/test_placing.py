"""One to eight GPUs of any sizes: where a model goes.

At 10,000 cases: `pytest --timeout=0 --hypothesis-profile=thorough tests/router/memory/test_placing.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from router.catalog.model import Model
from router.catalog.placement import BY_HAND_FLAGS, BY_HAND_VARIABLES, VISIBLE, Placement
from router.config.schema import Kind
from router.memory.admit.gate import Occupant
from router.memory.admit.ledger import Claim
from router.memory.admit.model_fits import ModelFits
from router.memory.admit.placer import Space
from router.memory.admit.placing import Parts, Proposal, may_place, split, whole
from router.memory.admit.plan import Amounts
from router.memory.admit.view import View
from router.memory.forecast.needs import DeviceNeed, Fit, Forecast, Source
from router.memory.measure.pools import Measured, Pool
from router.state import DeviceMemory, ModelStatus, SlotState, SlotStatus, Snapshot
from tests.router.memory.figures import GIB, MIB

SIZES = (4, 6, 8, 11, 12, 16, 20, 24, 32, 48, 80, 96)


@dataclass(frozen=True)
class Case:
    """A computer, what runs there, and a model of `layers` layers that is to go into the slot `wanted`."""

    view: View
    forecast: Forecast
    layers: int

    @property
    def pools(self) -> Sequence[Pool]:
        return self.view.measured.pools

    def proposals(self) -> tuple[list[Proposal], list[Proposal]]:
        space = Space.of(self.view)
        alone = whole(self.forecast, space.pools, space.rooms[0], space.plan)
        return alone, split(self.forecast, self.layers, space.pools, space.rooms, space.plan)


def gpu(number: int, gib: int, used: int = 0, *, display: bool = False, bandwidth: int = 0) -> Pool:
    return Pool(
        f"GPU of {gib}", True, gib * GIB, used, uuid=f"GPU-{number}", display=display, bandwidth=bandwidth
    )


def forecast(model: int, context: int = 0, compute: int = 0, gpus: int = 1, host: int = 0) -> Forecast:
    """As the engine tells it, having divided the model among `gpus` by itself."""
    devices = [
        DeviceNeed(f"CUDA{n}", model // gpus, context // gpus, compute, is_gpu=True) for n in range(gpus)
    ]
    return Forecast((*devices, DeviceNeed("Host", host, 0, 0)), Source.ENGINE)


def view(*pools: Pool, engines: Sequence[tuple[Occupant, Amounts]] = (), headroom: int = 512 * MIB) -> View:
    ram = Pool("RAM", False, 256 * GIB, 16 * GIB)
    charged = [(occupant, Claim(occupant.slot, gives)) for occupant, gives in engines]
    measured = Measured((*pools, ram), tuple({} for _ in (*pools, ram)))
    return View("wanted", measured, headroom, charged)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    count = draw(st.integers(1, 8))
    sizes = draw(st.lists(st.sampled_from(SIZES), min_size=count, max_size=count))
    held = [[0] * (count + 1) for _ in range(draw(st.integers(0, 4)))]
    used = [draw(st.integers(0, size * GIB // 2)) for size in sizes]
    for amounts in held:
        for index in sorted(draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=count))):
            amounts[index] = draw(st.integers(0, sizes[index] * GIB - used[index]))
            used[index] += amounts[index]
    pools = [
        gpu(number, size, used[number], display=draw(st.booleans()), bandwidth=draw(st.sampled_from((0, 1, 2))))
        for number, size in enumerate(sizes)
    ]
    engines = [
        (
            Occupant(
                draw(st.sampled_from(("wanted", f"other{n}"))),
                Model(f"m{n}", Kind.CHAT, f"m{n}"),
                evictable=draw(st.booleans()),
                idle_since=float(draw(st.integers(0, 9))),
            ),
            tuple(amounts),
        )
        for n, amounts in enumerate(held)
    ]
    told = forecast(
        draw(st.integers(1, 2 * max(sizes) * GIB)),
        draw(st.integers(0, 16 * GIB)),
        draw(st.integers(0, 2 * GIB)),
        gpus=draw(st.integers(1, count)),
        host=draw(st.integers(0, 8 * GIB)),
    )
    computer = view(*pools, engines=engines, headroom=draw(st.sampled_from((0, 512 * MIB, 2 * GIB))))
    return Case(computer, told, draw(st.integers(2, 120)))


@given(cases())
def test_no_device_is_promised_more_than_it_has_and_nothing_is_split_that_fits_whole(case: Case) -> None:
    alone, apart = case.proposals()
    parts = Parts.of(case.forecast)
    capacity, room = case.view.capacity, case.view.room
    for found in (*alone, *apart):
        gone = [h.gives for h in case.view.holders if h.slot in found.outcome.evict]
        there = room if found.outcome.beside else tuple(map(sum, zip(case.view.free, *gone, strict=True)))
        for need, has, most, pool in zip(found.need, there, capacity, case.pools, strict=True):
            assert not need or need + case.view.headroom <= has, "beyond what that device has then"
            assert has <= most and (not need or need <= pool.total)
        assert {case.pools[int(uuid.removeprefix("GPU-"))].is_gpu for uuid in found.placement.gpus} == {True}
        on_gpus = sum(found.need[:-1])
        assert on_gpus >= parts.layers + parts.work * len(found.placement.gpus), "all of the model is somewhere"
    for found in apart:
        counts = found.placement.layers
        assert sum(counts) == case.layers and len(counts) == len(found.placement.gpus) >= 2 and min(counts) > 0
    fits_whole = [
        index
        for index, pool in enumerate(case.pools)
        if pool.is_gpu and takes(case, index, parts.layers + parts.work, parts.host)
    ]
    told = [int(found.placement.gpus[0].removeprefix("GPU-")) for found in alone]
    assert sorted(told) == fits_whole, "wherever it fits whole, and only there"
    assert all(not found.placement.flags for found in alone)
    again = case.proposals()
    assert again == (alone, apart), "the same question has the same answer"


def takes(case: Case, index: int, need: int, host: int) -> bool:
    """Whether all of it goes there once everything that may has made room: worked out without the planner."""
    kept = case.view.headroom
    enough = need + kept <= case.view.capacity[index]
    return enough and (not host or host + kept <= case.view.capacity[-1])


@given(
    st.dictionaries(st.sampled_from(sorted(BY_HAND_FLAGS)), st.sampled_from(["0", "1,1", "CUDA1"]), max_size=3),
    st.dictionaries(st.sampled_from(sorted(BY_HAND_VARIABLES)), st.just("1"), max_size=2),
    st.dictionaries(st.sampled_from(["ctx-size", "n-gpu-layers", "n-cpu-moe"]), st.just("8"), max_size=2),
    cases(),
)
def test_what_a_person_has_said_of_gpus_is_left_alone(
    flags: dict[str, str], variables: dict[str, str], others: dict[str, str], case: Case
) -> None:
    model = Model("m", Kind.CHAT, "m", file=Path("/m.gguf"), flags={**others, **flags}, env=variables)
    several = sum(pool.is_gpu for pool in case.pools) > 1
    assert may_place(model, case.forecast, case.pools) is (several and not flags and not variables)
    for found in itertools.chain(*case.proposals()):
        placed = model.placed(found.placement)
        assert {name: placed.flags[name] for name in others} == others
    assert model.placed(None) is model


@given(cases())
def test_people_are_told_beforehand_of_the_gpu_that_the_load_takes(case: Case) -> None:
    engines = case.view.charged
    assume(sum(occupant.slot == "wanted" for occupant, _claim in engines) <= 1)
    gpus = [pool for pool in case.pools if pool.is_gpu]
    assume(len(gpus) > 1)
    parts = Parts.of(case.forecast)
    takes = (parts.layers + parts.work, *[0] * (len(gpus) - 1))
    assume(takes[0])
    slots = [
        SlotStatus(
            occupant.slot,
            Kind.CHAT,
            SlotState.READY,
            model=occupant.model.id,
            pid=number,
            memory_by_device=claim.held[: len(gpus)],
            in_flight=0 if occupant.evictable else 1,
            idle_since=occupant.idle_since,
        )
        for number, (occupant, claim) in enumerate(engines)
    ]
    snapshot = Snapshot(
        slots=tuple(slots),
        models=(ModelStatus("new", "new", Kind.CHAT, needs_by_device=takes, gpu_auto=True),),
        memory=tuple(
            DeviceMemory(p.name, True, p.total, p.used, display=p.display, bandwidth=p.bandwidth) for p in gpus
        ),
        headroom=case.view.headroom,
    )
    told, (alone, _apart) = ModelFits(snapshot).of("wanted", "new"), case.proposals()
    assert (told.fit is Fit.FITS) is bool(alone)
    if alone:
        chosen = alone[0].outcome
        assert [f"GPU-{number}" for number in told.gpus] == list(alone[0].placement.gpus)
        assert (told.evict, told.beside) == (chosen.evict, chosen.beside)


TWO_24 = (gpu(0, 24), gpu(1, 24))


@pytest.mark.parametrize(
    ("pools", "weights", "gpus"),
    [
        pytest.param((gpu(0, 24), gpu(1, 12)), 8, ["GPU-1"], id="the large gap stays for a large model"),
        pytest.param((gpu(0, 24), gpu(1, 12)), 14, ["GPU-0"], id="the one that has room"),
        pytest.param((gpu(0, 12, display=True), gpu(1, 24)), 8, ["GPU-1"], id="not where the screen is"),
        pytest.param(
            (gpu(0, 24, bandwidth=1), gpu(1, 24, bandwidth=2)), 8, ["GPU-1"], id="the faster of equals"
        ),
        pytest.param(TWO_24, 8, ["GPU-0"], id="the first of equals"),
        pytest.param(TWO_24, 40, ["GPU-0", "GPU-1"], id="over two where it must"),
        pytest.param((gpu(0, 8), gpu(1, 24), gpu(2, 24)), 40, ["GPU-1", "GPU-2"], id="over the fewest that do"),
    ],
)
def test_the_best_place(pools: tuple[Pool, ...], weights: int, gpus: list[str]) -> None:
    alone, apart = Case(view(*pools), forecast(weights * GIB, gpus=len(pools)), 41).proposals()
    assert list((alone or apart)[0].placement.gpus) == gpus


def test_an_idle_model_makes_room_for_a_whole_one_before_that_is_split() -> None:
    idle = Occupant("other", Model("old", Kind.CHAT, "old"), evictable=True)
    engines = [(idle, (12 * GIB, 0, 0))]
    computer = view(gpu(0, 24, 12 * GIB), gpu(1, 12), engines=engines)
    alone, apart = Case(computer, forecast(20 * GIB), 41).proposals()
    assert alone[0].placement == Placement(("GPU-0",)) and alone[0].outcome.evict == ("other",)
    assert apart, "it could have been split"


def test_layers_go_by_the_room_there_is_and_the_largest_share_is_the_main_gpu() -> None:
    computer = view(gpu(0, 12), gpu(1, 24))
    _alone, apart = Case(computer, forecast(30 * GIB, compute=256 * MIB), 31).proposals()
    placement = apart[0].placement
    assert placement.flags == {
        "split-mode": "layer",
        "tensor-split": ",".join(map(str, placement.layers)),
        "main-gpu": "1",
    }
    assert placement.variables == {VISIBLE: "GPU-0,GPU-1"}
    assert placement.layers[0] < placement.layers[1]
