"""Which slots must leave by `together:`, before bytes are counted."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import given

from router.config.together import may_be_together
from router.memory.admit.apart import Apart, Standing, apart
from router.memory.admit.model_fits import ModelFit, model_fits
from router.memory.admit.plan import Go, Holder, Short, plan
from router.memory.forecast.needs import Fit
from tests.router.memory.test_model_fits import AUX, PRIMARY, changed

SETS = [("a", "b"), ("b", "c"), ("a", "c")]


def idle(slot: str, **more: object) -> Standing:
    return replace(Standing(slot, evictable=True), **more)  # type: ignore[arg-type]


def test_the_set_is_chosen_for_which_the_least_must_leave() -> None:
    a, b, free = idle("a", idle_since=9.0), idle("b", idle_since=5.0), idle("free")
    assert apart("c", [a, b, free], SETS) == Apart(("b",)), "idle for longer"
    assert apart("c", [a, replace(b, priority=1)], SETS) == Apart(("a",))
    assert apart("c", [a, replace(b, evictable=False)], SETS) == Apart(("a",))
    pinned, busy = replace(a, evictable=False, pinned=True), replace(b, evictable=False)
    assert apart("c", [pinned, busy], SETS) == Apart(("b",), in_use=("b",)), "a busy one is waited for"
    assert apart("c", [pinned], [("a",), ("c",)]) == Apart(("a",), pinned=("a",))
    assert apart("free", [a, b], SETS) == apart("c", [free], SETS) == apart("c", [a], ()) == Apart()


STANDINGS = st.lists(
    st.builds(Standing, st.sampled_from("abcde"), st.booleans(), st.booleans(), st.integers(-1, 1)),
    unique_by=lambda standing: standing.slot,
)
NAMED = st.lists(st.frozensets(st.sampled_from("abcde"), min_size=1), max_size=4)


@given(STANDINGS, NAMED)
def test_what_stays_may_be_beside_it_and_nobody_leaves_for_nothing(
    loaded: list[Standing], sets: list[frozenset[str]]
) -> None:
    found = apart("a", loaded, sets)
    stays = {"a", *(s.slot for s in loaded)} - set(found.slots)
    assert "a" in stays and set(found.in_use) | set(found.pinned) <= set(found.slots)
    if any("a" in one for one in sets):
        assert may_be_together(stays, sets)
    if may_be_together({"a", *(s.slot for s in loaded)}, sets):
        assert found == Apart()


def test_those_that_leave_anyhow_give_their_memory_and_no_other_leaves_for_it() -> None:
    others = [Holder("apart", (5,), evictable=False, apart=True), Holder("idle", (9,))]
    assert plan((4,), (0,), 1, (0,), others) == Go(True, ("apart",))
    assert plan((9,), (0,), 1, (5,), others) == Go(False, ("apart",))
    assert plan((12,), (0,), 1, (0,), others) == Go(False, ("apart", "idle"))
    assert plan((1,), (5,), 1, (0,), others) == Go(True, ("apart",)), "also where there is room"
    assert plan((20,), (0,), 1, (0,), others) == Short((7,))


def test_a_menu_names_them_before_one_chooses() -> None:
    sets = (("primary",), ("aux",))
    found = model_fits(changed(together=sets)).of("primary", "small")
    assert found == ModelFit(Fit.FITS, 5, ("aux",), beside=True)
    assert model_fits(changed(together=sets)).of("aux", "large") == ModelFit(Fit.FITS, 2, ("primary",))
    assert model_fits(changed(PRIMARY, AUX, together=sets, memory=())).of("aux", "x") == ModelFit(
        evict=("primary",)
    )
