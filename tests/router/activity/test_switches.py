"""Loads and switches, told from snapshots alone."""

from __future__ import annotations

from dataclasses import replace

from router.activity.switches import CANCELLED, FAILED, LOADED, Switches
from router.config.schema import Kind
from router.state import SlotError, SlotState, SlotStatus, Snapshot

EMPTY = SlotStatus("primary", Kind.CHAT)
LOADING = replace(EMPTY, state=SlotState.LOADING, target="alpha")
READY = replace(EMPTY, state=SlotState.READY, model="alpha", loaded=("alpha",))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def seen(*slots: SlotStatus) -> Switches:
    clock = Clock()
    switches = Switches(clock)
    for slot in slots:
        switches.see(Snapshot(slots=(slot,)))
        clock.now += 2.0
    return switches


def test_a_load_is_counted_with_its_time() -> None:
    switches = seen(EMPTY, replace(LOADING, state=SlotState.QUEUED), LOADING, READY, READY)
    assert switches.loads == {("primary", LOADED): 1} and switches.switches == {}
    assert switches.seconds["primary"].total == 4.0


def test_a_load_in_another_s_place_is_a_switch() -> None:
    beta = replace(READY, model="beta", loaded=("beta",))
    switches = seen(READY, replace(READY, state=SlotState.DRAINING, target="beta"), beta)
    assert switches.loads == {("primary", LOADED): 1} and switches.switches == {"primary": 1}


def test_a_load_that_fails_or_is_given_up_is_told_apart() -> None:
    error = SlotError("engine.failed", "It died.", "alpha", 1.0)
    failed = seen(EMPTY, LOADING, replace(EMPTY, state=SlotState.FAILED, last_error=error))
    assert failed.loads == {("primary", FAILED): 1}
    assert seen(EMPTY, LOADING, EMPTY).loads == {("primary", CANCELLED): 1}


def test_a_change_of_mind_is_two_loads() -> None:
    switches = seen(
        EMPTY, LOADING, replace(LOADING, target="beta"), replace(READY, model="beta", loaded=("beta",))
    )
    assert switches.loads == {("primary", CANCELLED): 1, ("primary", LOADED): 1}


def test_evictions_are_of_the_slot_that_was_emptied() -> None:
    evicting = replace(LOADING, evicting=("embed",))
    switches = seen(EMPTY, evicting, replace(evicting, evicting=("embed", "rank")), READY, evicting)
    assert switches.evictions == {"embed": 2, "rank": 1}
