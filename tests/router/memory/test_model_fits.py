"""What people are told beforehand is what the plan would say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from router.config.schema import Kind
from router.memory.admit.model_fits import ModelFit, model_fits
from router.memory.forecast.needs import Fit
from router.server.routes.model_fits import models_json
from router.state import DeviceMemory, ModelStatus, SlotState, SlotStatus, Snapshot

GPU = DeviceMemory("GPU", True, 24, 10)


def model(name: str, *needs: int) -> ModelStatus:
    return ModelStatus(name, name, Kind.CHAT, needs=sum(needs), needs_source="engine", needs_by_device=needs)


def slot(name: str, held: int, **more: Any) -> SlotStatus:
    ready = SlotStatus(
        name, Kind.CHAT, SlotState.READY, model=f"{name}-model", loaded=(f"{name}-model",), pid=1,
        memory_by_device=(held,), choices=("small", "large", "vast"),
    )  # fmt: skip
    return replace(ready, **more)


PRIMARY, AUX = slot("primary", 4), slot("aux", 3, idle_since=5.0)
NEEDS = {"small": 12, "large": 19, "vast": 30, "tiny": 2, "primary-model": 4, "aux-model": 3}
MODELS = tuple(model(name, needs) for name, needs in NEEDS.items())
SNAPSHOT = Snapshot(slots=(PRIMARY, AUX), models=MODELS, memory=(GPU,), headroom=2)


def changed(*slots: SlotStatus, **more: Any) -> Snapshot:
    return replace(SNAPSHOT, slots=slots or SNAPSHOT.slots, **more)


def test_fits_beside_instead_or_by_eviction_or_not() -> None:
    assert model_fits(SNAPSHOT).of("primary", "small") == ModelFit(Fit.FITS, 2, beside=True)
    small = replace(SNAPSHOT, models=(model("small", 16), *MODELS[1:]))
    assert model_fits(small).of("primary", "small") == ModelFit(Fit.FITS, 2)
    assert model_fits(SNAPSHOT).of("primary", "large") == ModelFit(Fit.FITS, 2, evict=("aux",))
    assert model_fits(SNAPSHOT).of("aux", "large") == ModelFit(Fit.FITS, 2, evict=("primary",))
    assert model_fits(SNAPSHOT).of("primary", "vast") == ModelFit(Fit.SHORT, 30 + 2 - 21)


def test_into_the_headroom_only_by_force() -> None:
    busy = changed(PRIMARY, replace(AUX, in_flight=1))
    tight = replace(busy, models=(model("small", 17), *MODELS[1:]))
    assert model_fits(tight).of("primary", "small") == ModelFit(Fit.TIGHT, 1)


def test_who_works_is_waited_for_or_pinned_makes_no_room() -> None:
    for why in ({"in_flight": 1}, {"queued": 1}, {"pinned": True}, {"state": SlotState.DRAINING}):
        found = model_fits(changed(PRIMARY, replace(AUX, **why))).of("primary", "large")
        assert found == ModelFit(Fit.SHORT, 3), why


def test_what_is_loaded_already_need_not_find_its_memory_again() -> None:
    assert model_fits(SNAPSHOT).of("primary", "primary-model") == ModelFit(Fit.FITS, 14)
    assert model_fits(replace(SNAPSHOT, memory=(replace(GPU, used=24),))).best("primary-model") == ModelFit(
        Fit.TIGHT, 0
    )


def test_a_load_under_way_is_charged_with_what_it_was_promised() -> None:
    loading = replace(PRIMARY, state=SlotState.LOADING, target="small", memory_by_device=(5,))
    assert model_fits(changed(loading, AUX)).of("aux", "tiny") == ModelFit(Fit.FITS, 14 - 7 - 2, beside=True)


def test_priority_comes_before_idleness() -> None:
    third = slot("third", 3, idle_since=1.0, priority=1)
    assert model_fits(changed(PRIMARY, AUX, third)).of("primary", "large").evict == ("aux",)


def test_nothing_is_said_without_figures() -> None:
    for unknown in (
        replace(SNAPSHOT, memory=()),
        replace(SNAPSHOT, memory=(GPU, GPU)),
        replace(SNAPSHOT, models=(model("small", 0),)),
        replace(SNAPSHOT, models=()),
    ):
        assert model_fits(unknown).of("primary", "small") == ModelFit()


def test_the_best_slot_speaks_for_a_model() -> None:
    pinned = changed(PRIMARY, replace(AUX, pinned=True))
    assert model_fits(pinned).of("primary", "large").fit is Fit.SHORT
    assert model_fits(pinned).best("large") == ModelFit(Fit.FITS, 2, evict=("primary",))
    nowhere = changed(replace(PRIMARY, choices=()), replace(AUX, choices=()))
    assert model_fits(nowhere).best("small") == ModelFit(Fit.FITS, 2, beside=True)


def test_the_api_tells_of_every_slot_that_may_hold_it() -> None:
    told = models_json(changed(PRIMARY, replace(AUX, pinned=True)))
    assert told["memory"] == {"is_gpu": True, "total": 24, "free": 14, "headroom": 2}
    large = next(m for m in told["models"] if m["id"] == "large")
    assert (large["fit"], large["margin"], large["needs_by_device"]) == ("fits", 2, (19,))
    assert large["slots"] == {
        "primary": {"fit": "short", "margin": 3, "evict": (), "beside": False},
        "aux": {"fit": "fits", "margin": 2, "evict": ("primary",), "beside": False},
    }
    unknown = models_json(replace(SNAPSHOT, memory=()))["models"][0]
    assert (unknown["fit"], unknown["margin"]) == (None, None)


CARDS = (DeviceMemory("A", True, 24, 0), DeviceMemory("B", True, 24, 0))


def placed(name: str, *needs: int) -> ModelStatus:
    return replace(model(name, *needs), gpu_auto=True)


def holds(name: str, *held: int, **more: Any) -> SlotStatus:
    return slot(name, 0, memory_by_device=held, **more)


def test_of_several_gpus_it_is_the_one_that_the_load_will_choose() -> None:
    """All were placed as if everything else could leave: on the first one."""
    models = (placed("primary-model", 16, 0), placed("aux-model", 9, 0), placed("small", 12, 0))
    used = (replace(CARDS[0], used=16), CARDS[1])
    there = Snapshot(slots=(holds("primary", 16, 0),), models=models, memory=used, headroom=2)
    assert model_fits(there).of("other", "small") == ModelFit(Fit.FITS, 12, beside=True, gpus=(1,))
    full = replace(
        there,
        slots=(holds("primary", 16, 0, priority=9), holds("aux", 0, 20, priority=1)),
        memory=(used[0], replace(CARDS[1], used=20)),
    )
    assert model_fits(full).of("other", "small") == ModelFit(Fit.FITS, 12, evict=("aux",), gpus=(1,))


def test_a_model_on_another_gpu_than_was_told_is_charged_there_alone() -> None:
    models = (placed("primary-model", 16, 0), placed("small", 20, 0))
    there = Snapshot(
        slots=(holds("primary", 0, 16, pinned=True),),
        models=models,
        memory=(CARDS[0], replace(CARDS[1], used=16)),
        headroom=2,
    )
    assert model_fits(there).of("other", "small") == ModelFit(Fit.FITS, 4, beside=True, gpus=(0,))
    assert model_fits(there).of("primary", "primary-model") == ModelFit(Fit.FITS, 8, gpus=(1,))


def test_no_screen_then_the_smallest_gap_then_the_faster_one() -> None:
    models = (placed("small", 4 << 30, 0, 0),)
    gib = 1 << 30

    def goes(*cards: DeviceMemory) -> tuple[int, ...]:
        return model_fits(Snapshot(models=models, memory=cards, headroom=0)).of("new", "small").gpus

    small, large = DeviceMemory("S", True, 8 * gib, 0), DeviceMemory("L", True, 24 * gib, 0)
    assert goes(large, small, large) == (1,)
    assert goes(large, replace(small, display=True), large) == (0,)
    assert goes(large, replace(large, bandwidth=9), replace(large, bandwidth=8)) == (1,)


def test_what_a_person_has_placed_stays_where_it_is_told() -> None:
    models = (model("small", 12, 0), model("split", 12, 12))
    used = (replace(CARDS[0], used=16), CARDS[1])
    there = model_fits(Snapshot(models=models, memory=used, headroom=2))
    assert there.of("new", "small") == ModelFit(Fit.SHORT, 6)
    assert model_fits(Snapshot(models=models, memory=CARDS, headroom=2)).of("new", "split").gpus == (0, 1)
