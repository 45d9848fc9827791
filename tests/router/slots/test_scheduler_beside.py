"""Two engines in one slot: the new one loads beside the old one, which leaves when it is ready."""

from __future__ import annotations

import pytest

from router.base.errors import EngineFailed, ModelNotLoaded, ShuttingDown, SwitchCancelled
from router.config.schema import SwitchPolicy
from router.slots.effects import AbortLeases, CheckModel, Done, Effect, Grant, Refuse, StartEngine, StopEngine
from router.slots.engines import Engine
from router.slots.scheduler import SlotScheduler
from router.state import SlotState
from tests.router.slots.test_scheduler import loaded, one


def beside(s: SlotScheduler, effects: list[Effect], now: float = 0.0) -> StartEngine:
    """Answer the check: both fit."""
    return one(s.checked(one(effects, CheckModel).check, now, beside=True), StartEngine)


def test_the_new_engine_starts_at_once_and_the_old_one_is_stopped_when_it_is_ready() -> None:
    s = loaded()
    effects = s.checked(one(s.load(1, "b", 0.0), CheckModel).check, 0.0, beside=True)
    assert effects == [StartEngine(2, "b")]
    assert (s.phase, s.running, s.target) == (SlotState.STARTING, "a", "b")
    s.engine_progress(2, SlotState.LOADING, 0.5)
    assert s.engine_ready(2, 5.0) == [Done(1), StopEngine(1)]
    assert (s.phase, s.running, s.selected) == (SlotState.READY, "b", "b")
    assert s.engine_stopped(1, 6.0) == [] and s.engines.leaving is None


def test_meanwhile_who_names_the_old_model_is_served_and_others_wait() -> None:
    s = loaded()
    beside(s, s.load(1, "b", 0.0))
    assert s.acquire(2, "a", 1.0) == [Grant(2, "a", 1)]
    assert s.acquire(3, "a-hot", 1.0) == [Grant(3, "a-hot", 1)]
    assert s.acquire(4, None, 1.0) == [] and s.acquire(5, "b", 1.0) == []
    assert s.next_deadline() is None, "a load that has begun is waited for"
    assert s.engine_ready(2, 5.0) == [Done(1), Grant(4, "b", 2), Grant(5, "b", 2)]


def test_a_manual_slot_serves_the_old_model_until_the_new_one_is_ready() -> None:
    s = loaded(switch=SwitchPolicy.MANUAL)
    beside(s, s.load(1, "b", 0.0))
    assert s.acquire(2, "a", 1.0) == [Grant(2, "a", 1)]
    s.engine_ready(2, 5.0)
    assert isinstance(one(s.acquire(3, "a", 6.0), Refuse).error, ModelNotLoaded)


def leaving(s: SlotScheduler) -> tuple[int, float | None]:
    """(requests that are waited for, until when)."""
    assert s.engines.draining is not None
    return s.engines.draining.requests, s.engines.draining.until


def replaced(s: SlotScheduler) -> SlotScheduler:
    """ "b" is ready at 100, and request 1 goes on in "a"."""
    s.acquire(1, "a", 0.0)
    beside(s, s.load(2, "b", 0.0))
    assert s.engine_ready(2, 100.0) == [Done(2)]
    return s


def test_requests_on_the_old_engine_end_in_their_own_time() -> None:
    """Row 40: they were cut after drain_timeout, though they held up nobody."""
    s = replaced(loaded(drain_timeout=30.0))
    assert s.engines.draining is not None and s.engines.draining.models == ("a",) and leaving(s) == (1, None)
    assert s.next_deadline() is None and s.tick(9_999.0) == []
    assert s.release(1, 10_000.0) == [StopEngine(1)]
    assert s.engines.draining is None and s.release(1, 10_000.0) == []


@pytest.mark.parametrize("need", ["a request", "an order", "an unload", "another slot"])
def test_when_their_place_is_needed_they_have_the_drain_timeout(need: str) -> None:
    """Row 40: a stream without end must not hold up the next switch for ever."""
    s = replaced(loaded(drain_timeout=30.0))
    s.acquire(3, "b", 100.0)
    match need:
        case "a request":
            s.acquire(4, "c", 500.0)
        case "an order":
            s.load(4, "c", 500.0)
        case "an unload":
            s.unload(4, 500.0)
        case _:
            s.hurry(500.0)
    assert s.engines.draining is not None and s.engines.draining.until == 530.0
    assert s.tick(529.9) == []
    effects = s.tick(530.0)
    assert effects[-2:] == [AbortLeases(1), StopEngine(1)], "only the old engine's, unless all are to go"
    assert (AbortLeases(2) in effects) is (need == "an unload")


@pytest.mark.parametrize("order", [True, False])
def test_the_old_model_is_taken_back_instead_of_cut_and_started_again(order: bool) -> None:
    """Row 40: who asks for it while it ends a stream must not cost that stream, nor wait for a load."""
    s = replaced(loaded(drain_timeout=30.0))
    s.acquire(3, "b", 100.0)
    if order:
        assert s.load(4, "a", 101.0) == [Done(4)]
    else:
        assert s.acquire(4, "a-hot", 101.0) == [Grant(4, "a-hot", 1)]
    assert (s.phase, s.running, s.selected) == (SlotState.READY, "a", "a")
    assert s.engines.draining is not None and s.engines.draining.models == ("b",)
    assert s.release(3, 102.0) == [StopEngine(2)] and s.engine_stopped(2, 103.0) == []
    assert s.release(1, 104.0) == [] and s.running == "a", "it stays"
    start = beside(s, s.load(5, "b", 105.0))
    assert start == StartEngine(3, "b") and one(s.engine_ready(3, 106.0), Done) == Done(5)


def test_what_would_be_launched_differently_now_is_not_taken_back() -> None:
    s = replaced(loaded())
    s.forget_failures(["a"])
    assert s.load(4, "a", 101.0) == [] and s.phase is SlotState.QUEUED


def test_a_restart_takes_no_old_process_back() -> None:
    s = loaded()
    s.acquire(1, "a", 0.0)
    beside(s, s.restart(2, 0.0))
    s.engine_ready(2, 1.0)
    assert s.restart(3, 2.0) == [] and s.phase is SlotState.QUEUED and s.engines.running == Engine(2, "a")


def test_a_switch_that_is_given_up_gives_them_their_time_back() -> None:
    s = replaced(loaded(drain_timeout=30.0))
    s.load(4, "c", 500.0)
    assert leaving(s) == (1, 530.0)
    s.cancel(510.0)
    assert leaving(s) == (1, None) and s.tick(9_999.0) == []


def test_a_person_cuts_them() -> None:
    """Row 40: "Switch now"."""
    s = replaced(loaded())
    assert s.cut(101.0) == [AbortLeases(1), StopEngine(1)]
    assert s.engines.draining is None and s.cut(102.0) == [], "once is enough"
    assert s.engine_stopped(1, 103.0) == [] and s.cut(104.0) == [], "nor is there anything to cut then"
    assert s.running == "b"


def test_a_person_cuts_those_that_a_switch_waits_for_or_lets_it_wait() -> None:
    """Row 40: where both models do not fit, the old one's requests hold up the switch."""
    s = loaded(drain_timeout=30.0)
    s.acquire(1, "a", 0.0)
    s.checked(one(s.load(2, "b", 0.0), CheckModel).check, 0.0)
    assert s.phase is SlotState.DRAINING and leaving(s) == (1, 30.0)
    assert s.wait(10.0) == [] and leaving(s) == (1, None)
    assert s.next_deadline() is None and s.tick(9_999.0) == []
    assert s.cut(10_000.0) == [AbortLeases(1), StopEngine(1)]
    assert one(s.engine_stopped(1, 10_001.0), StartEngine) == StartEngine(2, "b")


def test_a_switch_waits_for_who_leaves_where_a_person_said_so() -> None:
    s = replaced(loaded(drain_timeout=30.0))
    s.wait(101.0)
    s.load(4, "c", 500.0)
    assert leaving(s) == (1, None) and s.tick(9_999.0) == []
    assert s.release(1, 10_000.0) == [StopEngine(1)]
    assert one(s.engine_stopped(1, 10_001.0), CheckModel).model == "c"


def test_nothing_is_cut_where_nothing_is_waited_for() -> None:
    s = loaded()
    s.acquire(1, "a", 0.0)
    assert s.cut(1.0) == [] and s.wait(1.0) == [] and s.engines.draining is None
    s.load(2, "b", 2.0)
    assert s.cut(3.0) == [] and s.phase is SlotState.QUEUED, "it is not known yet whether it must be waited for"


@pytest.mark.parametrize("how", ["fails", "is cancelled"])
def test_when_the_switch_comes_to_nothing_the_old_engine_was_never_touched(how: str) -> None:
    s = loaded()
    s.acquire(1, "a", 0.0)
    beside(s, s.load(2, "b", 0.0))
    s.acquire(3, "b", 0.0)
    s.acquire(4, None, 0.0)
    if how == "fails":
        error = EngineFailed("bad")
        effects = s.engine_failed(2, error, 1.0)
        assert effects == [Refuse(2, error), Refuse(3, error), Grant(4, "a", 1)]
        assert s.last_error == ("b", error)
    else:
        effects = s.cancel(1.0)
        assert [type(e) for e in effects] == [Refuse, Refuse, StopEngine, Grant]
        assert one(effects, StopEngine).generation == 2
        s.engine_stopped(2, 2.0)
    assert (s.phase, s.running, s.in_flight, s.engines.leaving) == (SlotState.READY, "a", 2, None)


def test_a_command_for_the_old_model_just_drops_the_new_one() -> None:
    s = loaded()
    beside(s, s.load(1, "b", 0.0))
    effects = s.load(2, "a", 1.0)
    assert isinstance(one(effects, Refuse).error, SwitchCancelled)
    assert one(effects, StopEngine) == StopEngine(2) and one(effects, Done) == Done(2)
    assert s.phase is SlotState.READY and s.running == "a"


def test_a_command_for_a_third_model_waits_until_the_second_is_gone() -> None:
    """Two engines at most, and what leaves must not count against what comes."""
    s = loaded()
    beside(s, s.load(1, "b", 0.0))
    effects = s.load(2, "c", 1.0)
    assert [type(e) for e in effects] == [Refuse, StopEngine]
    assert (s.phase, s.target) == (SlotState.QUEUED, "c")
    assert s.acquire(3, "a", 1.0) == [Grant(3, "a", 1)], "the first one serves on"
    start = beside(s, s.engine_stopped(2, 2.0))
    assert start == StartEngine(3, "c")
    assert s.engine_ready(3, 3.0) == [Done(2)]


def test_the_next_switch_is_checked_when_nobody_leaves_any_more() -> None:
    s = loaded(drain_timeout=30.0)
    s.acquire(1, "a", 0.0)
    beside(s, s.load(2, "b", 0.0))
    s.engine_ready(2, 1.0)
    assert s.acquire(3, "c", 2.0) == [] and s.phase is SlotState.QUEUED
    assert s.acquire(4, "b", 2.0) == [Grant(4, "b", 2)]
    assert s.tick(32.0) == [AbortLeases(1), StopEngine(1)]
    assert one(s.engine_stopped(1, 33.0), CheckModel).model == "c"


def test_an_old_engine_that_dies_while_the_new_one_loads_changes_nothing_for_the_switch() -> None:
    s = loaded()
    s.acquire(1, "a", 0.0)
    beside(s, s.load(2, "b", 0.0))
    crash = EngineFailed("crash")
    assert s.engine_exited(1, crash, 40.0) == []
    assert (s.phase, s.running, s.target, s.last_error) == (SlotState.STARTING, None, "b", ("a", crash))
    assert s.acquire(3, "a", 41.0) == [], "it waits for its turn"
    effects = s.engine_ready(2, 42.0)
    assert effects[0] == Done(2) and one(effects, CheckModel).model == "a"
    assert s.engines.leaving is None and s.last_error is None


def test_both_die_and_the_old_model_is_started_again() -> None:
    s = loaded()
    beside(s, s.load(2, "b", 0.0))
    s.engine_exited(1, EngineFailed("crash"), 40.0)
    effects = s.engine_failed(2, EngineFailed("bad"), 41.0)
    assert one(effects, StartEngine) == StartEngine(3, "a", force=True)


def test_an_old_engine_that_dies_while_it_leaves_is_simply_gone() -> None:
    s = loaded()
    s.acquire(1, "a", 0.0)
    beside(s, s.load(2, "b", 0.0))
    s.engine_ready(2, 1.0)
    assert s.engine_exited(1, EngineFailed("crash"), 2.0) == []
    assert s.engines.leaving is None and s.last_error is None and s.phase is SlotState.READY


def test_unloading_stops_both_and_is_done_when_both_are_gone() -> None:
    s = loaded()
    beside(s, s.load(1, "b", 0.0))
    effects = s.unload(2, 1.0)
    assert {e.generation for e in effects if isinstance(e, StopEngine)} == {1, 2}
    assert s.engine_stopped(1, 2.0) == [] and s.phase is SlotState.STOPPING
    assert s.engine_stopped(2, 3.0) == [Done(2)] and s.phase is SlotState.UNLOADED


def test_unloading_waits_for_the_requests_of_both() -> None:
    s = loaded(drain_timeout=30.0)
    s.acquire(1, "a", 0.0)
    beside(s, s.load(2, "b", 0.0))
    s.engine_ready(2, 1.0)
    s.acquire(3, "b", 1.0)
    assert s.unload(4, 10.0) == [] and s.phase is SlotState.DRAINING
    assert s.release(3, 11.0) == [StopEngine(2)]
    assert s.engine_stopped(2, 12.0) == [] and s.next_deadline() == 40.0
    assert s.release(1, 13.0) == [StopEngine(1)]
    assert s.engine_stopped(1, 14.0) == [Done(4)]


def test_closing_stops_both() -> None:
    s = loaded()
    s.acquire(1, "a", 0.0)
    beside(s, s.load(2, "b", 0.0))
    effects = s.close(1.0)
    assert isinstance(one(effects, Refuse).error, ShuttingDown)
    assert one(effects, AbortLeases) == AbortLeases(1)
    assert {e.generation for e in effects if isinstance(e, StopEngine)} == {1, 2}
    s.engine_stopped(2, 2.0)
    assert s.phase is SlotState.STOPPING
    s.engine_stopped(1, 2.0)
    assert s.phase is SlotState.UNLOADED


def test_closing_while_one_leaves() -> None:
    s = loaded()
    s.acquire(1, "a", 0.0)
    beside(s, s.load(2, "b", 0.0))
    s.engine_ready(2, 1.0)
    s.acquire(3, "b", 1.0)
    effects = s.close(2.0)
    assert {e.generation for e in effects if isinstance(e, AbortLeases)} == {1, 2}
    assert {e.generation for e in effects if isinstance(e, StopEngine)} == {1, 2}
    s.engine_stopped(1, 3.0)
    s.engine_stopped(2, 3.0)
    assert s.phase is SlotState.UNLOADED


def test_retiring_stops_both() -> None:
    s = loaded()
    beside(s, s.load(1, "b", 0.0))
    gone = EngineFailed("the slot is gone")
    effects = s.retire(2, gone, 1.0)
    assert one(effects, Refuse) == Refuse(1, gone)
    assert {e.generation for e in effects if isinstance(e, StopEngine)} == {1, 2}
    s.engine_stopped(2, 2.0)
    assert one(s.engine_stopped(1, 3.0), Done) == Done(2)


def test_a_restart_beside_leaves_no_gap() -> None:
    s = loaded()
    s.acquire(1, "a", 0.0)
    start = beside(s, s.restart(2, 0.0))
    assert start == StartEngine(2, "a")
    assert s.acquire(3, "a", 1.0) == [Grant(3, "a", 1)]
    assert s.acquire(4, None, 1.0) == [Grant(4, "a", 1)], "the target is what answers already"
    assert s.engine_ready(2, 2.0) == [Done(2)]
    assert s.acquire(5, "a", 3.0) == [Grant(5, "a", 2)]
    for ticket in (1, 3):
        assert s.release(ticket, 4.0) == []
    assert s.release(4, 4.0) == [StopEngine(1)]


def test_a_restart_beside_that_fails_keeps_the_old_process() -> None:
    s = loaded()
    beside(s, s.restart(1, 0.0))
    error = EngineFailed("bad")
    assert s.engine_failed(2, error, 1.0) == [Refuse(1, error)]
    assert s.running == "a" and s.acquire(2, None, 2.0) == [Grant(2, "a", 1)]


def test_neither_idle_unload_nor_eviction_while_one_leaves() -> None:
    s = loaded(idle_unload=5.0, drain_timeout=60.0)
    s.acquire(1, "a", 0.0)
    beside(s, s.load(2, "b", 0.0))
    s.engine_ready(2, 1.0)
    assert not s.evictable and s.next_deadline() is None
    s.release(1, 20.0)
    s.engine_stopped(1, 21.0)
    assert s.next_deadline() == 6.0 and s.tick(21.0) == [StopEngine(2)]


def test_an_old_engine_that_cannot_be_stopped_is_told_and_the_new_one_serves() -> None:
    s = loaded()
    beside(s, s.load(1, "b", 0.0))
    s.engine_ready(2, 1.0)
    stuck = EngineFailed("process 7 lives on")
    assert s.engine_stopped(1, 31.0, stuck) == []
    assert s.phase is SlotState.READY and s.last_error == ("a", stuck)
    assert s.acquire(2, None, 32.0) == [Grant(2, "b", 2)]


def test_who_asks_for_the_slot_follows_an_order_that_replaces_another() -> None:
    """Even where the order is served in the same moment, by the engine that was leaving."""
    s = replaced(loaded())
    s.acquire(3, None, 101.0)
    s.unload(4, 101.0)
    assert s.acquire(5, None, 102.0) == [], "it waits for the slot to be emptied"
    effects = s.load(6, "a", 103.0)
    assert [e for e in effects if isinstance(e, Grant | Done)] == [Done(6), Grant(5, "a", 1)]
    assert s.selected == "a" and isinstance(one(effects, Refuse).error, SwitchCancelled)
