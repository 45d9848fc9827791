"""The scheduler alone, told every event by hand; random interleavings are in test_scheduler_properties."""

from __future__ import annotations

from typing import TypeVar

import pytest

from router.base.errors import (
    BadModel,
    EngineFailed,
    MemoryInsufficient,
    ModelNotLoaded,
    QueueFull,
    ShuttingDown,
    SwitchCancelled,
    WaitTimeout,
)
from router.config.schema import Kind, LimitsConfig, SlotConfig, SwitchPolicy
from router.slots.effects import AbortLeases, CheckModel, Done, Effect, Grant, Refuse, StartEngine, StopEngine
from router.slots.failures import MAX_FAILURES, backoff
from router.slots.scheduler import SlotScheduler
from router.state import SlotState

E = TypeVar("E")


def make(
    selected: str | None = "a", queue: int = 10, wait: float = 120.0, limit: int = 0, **slot: object
) -> SlotScheduler:
    """A scheduler in which models of one first letter share a process (`a`, `a-hot`); `limit`: of `a`."""
    config = SlotConfig("primary", Kind.CHAT, **slot)  # type: ignore[arg-type]
    limits = {"a": limit}
    return SlotScheduler(
        config, LimitsConfig(queue, wait), lambda model: model[0], selected, lambda model: limits.get(model, 0)
    )


def one(effects: list[Effect], kind: type[E]) -> E:
    found = [e for e in effects if isinstance(e, kind)]
    assert len(found) == 1, effects
    return found[0]


def bring_up(s: SlotScheduler, effects: list[Effect], now: float = 0.0) -> list[Effect]:
    """Carry a switch through from its check to ready; returns the effects of becoming ready."""
    effects = s.checked(one(effects, CheckModel).check, now)
    if s.phase is SlotState.STOPPING:
        effects = s.engine_stopped(one(effects, StopEngine).generation, now)
    return s.engine_ready(one(effects, StartEngine).generation, now)


def loaded(model: str = "a", **kw: object) -> SlotScheduler:
    s = make(selected=model, **kw)  # type: ignore[arg-type]
    assert bring_up(s, s.load(900, model, 0.0)) == [Done(900)]
    return s


def test_a_cold_request_loads_the_model_and_is_granted() -> None:
    s = make()
    effects = s.acquire(1, "a", 0.0)
    assert effects == [CheckModel(1, "a")] and s.phase is SlotState.QUEUED
    assert bring_up(s, effects) == [Grant(1, "a", 1)]
    assert s.phase is SlotState.READY and s.in_flight == 1


def test_requests_for_one_model_join_one_load() -> None:
    s = make()
    effects = s.acquire(1, "a", 0.0)
    assert [s.acquire(n, "a", 0.0) for n in range(2, 30)] == [[]] * 28
    granted = [e.ticket for e in bring_up(s, effects) if isinstance(e, Grant)]
    assert granted == list(range(1, 30))


def test_a_running_model_is_granted_at_once() -> None:
    s = loaded()
    assert s.acquire(1, "a", 0.0) == [Grant(1, "a", 1)]
    assert s.acquire(2, None, 0.0) == [Grant(2, "a", 1)]


def test_models_that_share_a_process_need_no_switch() -> None:
    s = loaded()
    assert s.acquire(1, "a-hot", 0.0) == [Grant(1, "a-hot", 1)]
    assert s.selected == "a", "a request does not change what the slot's name means"
    assert s.load(2, "a-hot", 0.0) == [Done(2)] and s.selected == "a-hot"


def test_six_requests_for_three_models_are_three_loads() -> None:
    s = loaded("z")
    effects: list[Effect] = []
    for number, model in enumerate("abcabc", start=1):
        effects += s.acquire(number, model, 0.0)
    order = []
    for model in "abc":
        effects = bring_up(s, effects)
        grants = [e for e in effects if isinstance(e, Grant)]
        assert {g.model for g in grants} == {model} and len(grants) == 2
        order += [g.ticket for g in grants]
        for grant in grants:
            effects += s.release(grant.ticket, 0.0)
        effects = [e for e in effects if isinstance(e, CheckModel | StopEngine)]
    assert order == [1, 4, 2, 5, 3, 6]


def test_a_switch_waits_for_leases_then_stops_and_starts() -> None:
    s = loaded()
    s.acquire(1, "a", 0.0)
    assert s.checked(one(s.acquire(2, "b", 0.0), CheckModel).check, 1.0) == []
    assert s.phase is SlotState.DRAINING
    assert s.acquire(3, "a", 2.0) == [], "a later request for the old model waits: no starvation"
    stop = one(s.release(1, 3.0), StopEngine)
    start = one(s.engine_stopped(stop.generation, 3.0), StartEngine)
    effects = s.engine_ready(start.generation, 4.0)
    assert one(effects, Grant) == Grant(2, "b", 2)
    assert one(effects, CheckModel).model == "a", "the next in the queue has its turn"


def test_leases_are_aborted_when_the_drain_timeout_ends() -> None:
    s = loaded(drain_timeout=30.0)
    s.acquire(1, "a", 0.0)
    s.checked(one(s.acquire(2, "b", 0.0), CheckModel).check, 1.0)
    assert s.next_deadline() == 31.0
    assert s.tick(30.9) == []
    assert s.tick(31.0) == [AbortLeases(1), StopEngine(1)]
    assert s.release(1, 31.0) == []


def test_a_request_for_the_slot_follows_the_switch() -> None:
    """Lemonade #960: a message sent during a load must not reverse it."""
    s = loaded()
    effects = s.load(1, "b", 0.0)
    assert s.acquire(2, None, 0.0) == []
    assert bring_up(s, effects) == [Done(1), Grant(2, "b", 2)]


def test_a_failed_check_touches_nothing() -> None:
    s = loaded()
    s.acquire(1, "a", 0.0)
    effects = s.load(2, "b", 0.0)
    error = BadModel("no")
    assert s.check_failed(one(effects, CheckModel).check, error, 0.0) == [Refuse(2, error)]
    assert s.phase is SlotState.READY and s.in_flight == 1 and s.last_error == ("b", error)


def test_a_failed_switch_restores_the_model_before_and_releases_every_waiter() -> None:
    """Seed 004: "Always drain_queue() + complete_switch() after switch failure"."""
    s = loaded()
    effects = s.load(1, "b", 0.0)
    s.acquire(2, "b", 0.0)
    s.acquire(3, None, 0.0)
    stop = one(s.checked(one(effects, CheckModel).check, 0.0), StopEngine)
    start = one(s.engine_stopped(stop.generation, 0.0), StartEngine)
    error = EngineFailed("bad")
    effects = s.engine_failed(start.generation, error, 0.0)
    assert effects[:2] == [Refuse(1, error), Refuse(2, error)]
    restore = one(effects, StartEngine)
    assert restore.model == "a" and s.target == "a"
    assert s.engine_ready(restore.generation, 1.0) == [Grant(3, "a", 3)]
    assert s.last_error == ("b", error), "it stays visible"
    assert s.queued == 0


def test_a_failed_restore_ends_failed_and_keeps_the_first_error() -> None:
    s = loaded()
    effects = s.load(1, "b", 0.0)
    stop = one(s.checked(one(effects, CheckModel).check, 0.0), StopEngine)
    start = one(s.engine_stopped(stop.generation, 0.0), StartEngine)
    restore = one(s.engine_failed(start.generation, EngineFailed("first"), 0.0), StartEngine)
    s.acquire(2, None, 0.0)
    second = EngineFailed("second")
    assert s.engine_failed(restore.generation, second, 0.0) == [Refuse(2, second)]
    assert s.phase is SlotState.FAILED
    assert s.last_error is not None and s.last_error[1].message == "first"


def test_a_first_load_that_fails_leaves_failed_and_the_next_request_tries_again() -> None:
    s = make()
    effects = s.acquire(1, "a", 0.0)
    start = one(s.checked(one(effects, CheckModel).check, 0.0), StartEngine)
    error = EngineFailed("bad")
    assert s.engine_failed(start.generation, error, 0.0) == [Refuse(1, error)]
    assert s.phase is SlotState.FAILED
    assert bring_up(s, s.acquire(2, None, 0.0)) == [Grant(2, "a", 2)]
    assert s.last_error is None


def test_repeated_failures_back_off() -> None:
    assert [backoff(n) for n in (1, 2, 3, 9)] == [0.0, 2.0, 4.0, 60.0]
    s = make()
    for ticket in (1, 2):
        effects = s.acquire(ticket, "a", 0.0)
        start = one(s.checked(one(effects, CheckModel).check, 0.0), StartEngine)
        s.engine_failed(start.generation, EngineFailed("bad"), 0.0)
    assert one(s.acquire(3, "a", 1.0), Refuse).error.retry_after == 1.0
    assert one(s.acquire(4, "a", 2.0), CheckModel).model == "a"


def test_a_parked_model_is_refused_with_the_reason_until_a_person_loads_it() -> None:
    s = make()
    now = 0.0
    for count in range(1, MAX_FAILURES + 1):
        now += 61.0
        effects = s.acquire(count, "a", now)
        start = one(s.checked(one(effects, CheckModel).check, now), StartEngine)
        s.engine_failed(start.generation, EngineFailed("the engine's own line"), now)
    refusal = one(s.acquire(50, "a", now + 61.0), Refuse).error
    assert refusal.message == "the engine's own line" and (refusal.retry_after or 0) > 400
    assert bring_up(s, s.load(51, "a", now + 62.0)) == [Done(51)]


def test_an_idle_crash_is_restarted_and_the_next_request_is_answered() -> None:
    s = loaded()
    assert s.engine_exited(1, EngineFailed("crash"), 5.0) == []
    assert s.phase is SlotState.FAILED and s.next_deadline() == 5.0
    effects = s.tick(5.0)
    assert one(effects, CheckModel).model == "a"
    assert s.acquire(1, None, 5.0) == []
    assert bring_up(s, effects, 6.0) == [Grant(1, "a", 2)]
    assert s.last_error is not None, "that it crashed stays visible"


@pytest.mark.parametrize("answered", [True, False])
def test_an_answer_after_a_crash_closes_the_case(answered: bool) -> None:
    """Row 27: killed while idle, served, killed in a stream, asked again at once: 502 for 2 s."""
    s = loaded()
    first, second = EngineFailed("first"), EngineFailed("second")
    s.engine_exited(1, first, 5.0)
    bring_up(s, s.tick(5.0), 6.0)
    assert s.last_error == ("a", first) and s.recovered, "it is past, and still told"
    assert s.acquire(1, None, 7.0) == [Grant(1, "a", 2)]
    s.release(1, 8.0, answered=answered)
    assert (s.last_error is None) is answered
    s.acquire(2, None, 9.0)
    s.engine_exited(2, second, 10.0)
    assert s.last_error == ("a", second) and not s.recovered
    effects = s.acquire(3, "a", 10.0)
    if answered:
        assert not [e for e in effects if isinstance(e, Refuse)] and s.queued == 1
    else:
        assert (one(effects, Refuse).error.retry_after or 0) == 2.0


def test_an_answer_says_nothing_of_what_another_model_failed_by() -> None:
    s = loaded()
    error = EngineFailed("cracked")
    start = one(s.checked(one(s.load(1, "b", 0.0), CheckModel).check, 0.0, beside=True), StartEngine)
    s.engine_failed(start.generation, error, 1.0)
    s.acquire(2, "a", 2.0)
    s.release(2, 3.0, answered=True)
    assert s.last_error == ("b", error) and not s.recovered


def test_an_answer_of_the_old_process_says_nothing_of_a_restart_that_failed() -> None:
    s = loaded()
    error = EngineFailed("bad flags")
    start = one(s.checked(one(s.restart(1, 0.0), CheckModel).check, 0.0, beside=True), StartEngine)
    s.engine_failed(start.generation, error, 1.0)
    s.acquire(2, "a", 2.0)
    s.release(2, 3.0, answered=True)
    assert s.last_error == ("a", error)


def test_a_crash_loop_is_parked() -> None:
    s = loaded()
    now, starts = 0.0, 0
    while (deadline := s.next_deadline()) is not None or s.running:
        if s.running:
            s.engine_exited(s.engines.generation, EngineFailed("crash"), now)
            continue
        now = max(now, deadline or now)
        bring_up(s, s.tick(now), now)
        starts += 1
        assert starts < 20
    assert starts == MAX_FAILURES - 1 and s.phase is SlotState.FAILED


def test_the_queue_for_other_models_is_bounded() -> None:
    s = loaded(queue=2)
    s.acquire(1, "a", 0.0)
    for number, model in ((2, "b"), (3, "c"), (4, "d")):
        s.acquire(number, model, 0.0)
    error = one(s.acquire(5, "e", 0.0), Refuse).error
    assert isinstance(error, QueueFull) and error.retry_after
    assert s.acquire(6, "b", 0.0) == [], "who joins the switch under way takes no place"


def test_waiting_for_a_turn_is_bounded_but_a_load_is_waited_for() -> None:
    s = loaded(wait=10.0, drain_timeout=60.0)
    s.acquire(1, "a", 0.0)
    s.checked(one(s.acquire(2, "b", 0.0), CheckModel).check, 0.0)
    error = one(s.tick(10.0), Refuse).error
    assert isinstance(error, WaitTimeout)
    assert s.phase is SlotState.READY, "nobody waits for b any more: nothing is stopped"
    cold = make(wait=10.0)
    effects = cold.acquire(1, "a", 0.0)
    cold.checked(one(effects, CheckModel).check, 0.0)
    assert cold.next_deadline() is None and cold.tick(1000.0) == []


def test_a_queued_client_that_leaves_causes_no_load() -> None:
    s = loaded()
    s.acquire(1, "a", 0.0)
    s.checked(one(s.acquire(2, "b", 0.0), CheckModel).check, 0.0)
    assert s.phase is SlotState.DRAINING
    assert s.release(2, 1.0) == [] and s.phase is SlotState.READY
    assert s.release(1, 2.0) == []


def test_a_load_goes_on_when_its_client_leaves() -> None:
    s = make()
    start = one(s.checked(one(s.acquire(1, "a", 0.0), CheckModel).check, 0.0), StartEngine)
    assert s.release(1, 1.0) == []
    assert s.engine_ready(start.generation, 2.0) == [] and s.running == "a"


@pytest.mark.parametrize("policy", [{"switch": SwitchPolicy.MANUAL}, {"pinned": True}])
def test_a_manual_or_pinned_slot_never_switches_by_request(policy: dict[str, object]) -> None:
    s = loaded(**policy)
    assert isinstance(one(s.acquire(1, "b", 0.0), Refuse).error, ModelNotLoaded)
    assert bring_up(s, s.load(2, "b", 0.0)) == [Done(2)]


def test_a_manual_slot_refuses_who_waited_for_the_model_it_left() -> None:
    s = loaded(switch=SwitchPolicy.MANUAL)
    s.acquire(1, "a", 0.0)
    s.checked(one(s.load(2, "b", 0.0), CheckModel).check, 0.0)
    assert s.acquire(3, "a", 0.0) == []
    stop = one(s.release(1, 0.0), StopEngine)
    start = one(s.engine_stopped(stop.generation, 0.0), StartEngine)
    effects = s.engine_ready(start.generation, 0.0)
    assert one(effects, Done) == Done(2)
    assert isinstance(one(effects, Refuse).error, ModelNotLoaded)


def test_a_command_replaces_the_switch_under_way() -> None:
    s = loaded()
    stop = one(s.checked(one(s.load(1, "b", 0.0), CheckModel).check, 0.0), StopEngine)
    start = one(s.engine_stopped(stop.generation, 0.0), StartEngine)
    effects = s.load(2, "c", 1.0)
    assert isinstance(one(effects, Refuse).error, SwitchCancelled)
    assert one(effects, StopEngine).generation == start.generation
    check = one(s.engine_stopped(start.generation, 2.0), CheckModel)
    start = one(s.checked(check.check, 2.0), StartEngine)
    assert start.model == "c" and s.engine_ready(start.generation, 3.0) == [Done(2)]


def test_a_command_that_replaces_a_load_and_cannot_be_launched_brings_the_first_model_back() -> None:
    s = loaded()
    stop = one(s.checked(one(s.load(1, "b", 0.0), CheckModel).check, 0.0), StopEngine)
    start = one(s.engine_stopped(stop.generation, 0.0), StartEngine)
    s.load(2, "c", 1.0)
    check = one(s.engine_stopped(start.generation, 2.0), CheckModel)
    error = BadModel("no")
    effects = s.check_failed(check.check, error, 2.0)
    assert one(effects, Refuse) == Refuse(2, error)
    restore = one(effects, StartEngine)
    assert (restore.model, restore.force) == ("a", True), "it was there: whatever the memory says"
    s.engine_ready(restore.generation, 3.0)
    assert s.running == "a" and s.last_error == ("c", error)


@pytest.mark.parametrize("order", ["cancel", "unload", "other"])
def test_orders_while_a_replaced_load_is_checked_with_nothing_running(order: str) -> None:
    s = loaded()
    stop = one(s.checked(one(s.load(1, "b", 0.0), CheckModel).check, 0.0), StopEngine)
    start = one(s.engine_stopped(stop.generation, 0.0), StartEngine)
    s.load(2, "c", 1.0)
    s.engine_stopped(start.generation, 2.0)
    assert s.phase is SlotState.QUEUED and s.running is None
    if order == "cancel":
        assert one(s.cancel(3.0), StartEngine).model == "a"
    elif order == "unload":
        assert one(s.unload(3, 3.0), Done) == Done(3) and s.phase is SlotState.UNLOADED
    else:
        assert one(s.load(3, "d", 3.0), CheckModel).model == "d"
        assert s.switch is not None and s.switch.previous == "a"


@pytest.mark.parametrize("phase", ["queued", "draining", "stopping", "loading"])
def test_cancel_brings_the_previous_model_back_from_every_phase(phase: str) -> None:
    s = loaded()
    if phase == "draining":
        s.acquire(1, "a", 0.0)
    effects = s.load(2, "b", 0.0)
    if phase != "queued":
        effects = s.checked(one(effects, CheckModel).check, 0.0)
    if phase == "loading":
        start = one(s.engine_stopped(one(effects, StopEngine).generation, 0.0), StartEngine)
        s.engine_progress(start.generation, SlotState.LOADING, 0.4)
    assert s.phase == phase
    effects = s.cancel(1.0)
    assert isinstance(one(effects, Refuse).error, SwitchCancelled)
    if phase in ("stopping", "loading"):
        start = one(s.engine_stopped(s.engines.generation, 2.0), StartEngine)
        assert start.model == "a"
        s.engine_ready(start.generation, 3.0)
    assert s.phase is SlotState.READY and s.running == s.selected == "a"


def test_cancelling_a_first_load_leaves_the_slot_empty() -> None:
    s = make()
    s.checked(one(s.load(1, "a", 0.0), CheckModel).check, 0.0)
    one(s.cancel(1.0), StopEngine)
    assert s.engine_stopped(1, 2.0) == [] and s.phase is SlotState.UNLOADED


def test_unload_drains_and_is_idempotent() -> None:
    s = loaded()
    s.acquire(1, "a", 0.0)
    assert s.unload(2, 0.0) == [] and s.phase is SlotState.DRAINING
    one(s.release(1, 1.0), StopEngine)
    assert s.engine_stopped(1, 2.0) == [Done(2)] and s.phase is SlotState.UNLOADED
    assert s.unload(3, 3.0) == [Done(3)]


def test_a_request_during_stopping_waits_and_loads_again() -> None:
    s = loaded()
    one(s.unload(1, 0.0), StopEngine)
    assert s.acquire(2, None, 0.0) == []
    effects = s.engine_stopped(1, 1.0)
    assert one(effects, Done) == Done(1)
    assert bring_up(s, [e for e in effects if isinstance(e, CheckModel)]) == [Grant(2, "a", 2)]


def test_a_load_afresh_takes_an_engine_that_is_still_to_be_started() -> None:
    s = loaded("a")
    assert s.load(1, "a", 0.0) == [Done(1)], "it runs already"
    assert bring_up(s, s.load(2, "a", 0.0, afresh=True)) == [Done(2)]
    assert s.engines.generation == 2


def test_a_load_afresh_is_not_done_with_the_engine_that_was_loading_before_it() -> None:
    s = make(selected="a")
    start = one(s.checked(one(s.load(1, "a", 0.0), CheckModel).check, 0.0), StartEngine)
    replaced = s.load(2, "a", 0.0, afresh=True)
    assert one(replaced, Refuse).ticket == 1
    effects = s.engine_ready(start.generation, 0.0)
    assert not [e for e in effects if isinstance(e, Done)]
    assert bring_up(s, effects) == [Done(2)]


def test_restart_gives_the_same_model_a_new_process() -> None:
    s = loaded()
    assert bring_up(s, s.restart(1, 0.0)) == [Done(1)]
    assert s.engines.generation == 2 and s.running == "a"


def test_idle_unload_counts_from_the_last_lease_and_never_during_one() -> None:
    s = loaded(idle_unload=60.0)
    assert s.next_deadline() == 60.0, "not at once after a load"
    s.acquire(1, "a", 50.0)
    assert s.next_deadline() is None and s.tick(500.0) == []
    s.release(1, 500.0)
    assert s.next_deadline() == 560.0
    assert s.tick(560.0) == [StopEngine(1)]
    s.engine_stopped(1, 561.0)
    assert bring_up(s, s.acquire(2, None, 600.0)) == [Grant(2, "a", 2)]


def test_close_refuses_aborts_and_stops() -> None:
    s = loaded()
    s.acquire(1, "a", 0.0)
    s.acquire(2, "b", 0.0)
    effects = s.close(1.0)
    assert isinstance(one(effects, Refuse).error, ShuttingDown)
    assert one(effects, AbortLeases) and one(effects, StopEngine)
    assert s.engine_stopped(1, 2.0) == [] and s.phase is SlotState.UNLOADED
    assert isinstance(one(s.acquire(3, "a", 3.0), Refuse).error, ShuttingDown)


def test_a_slot_without_a_model_says_so() -> None:
    s = make(selected=None)
    assert isinstance(one(s.acquire(1, None, 0.0), Refuse).error, ModelNotLoaded)


def test_force_is_passed_on_to_the_check_and_the_start() -> None:
    s = loaded()
    check = one(s.load(1, "b", 0.0, force=True), CheckModel)
    assert check.force
    stop = one(s.checked(check.check, 0.0), StopEngine)
    assert one(s.engine_stopped(stop.generation, 0.0), StartEngine).force


def test_force_overtakes_a_check_without_it() -> None:
    s = loaded()
    first = one(s.acquire(1, "b", 0.0), CheckModel)
    again = one(s.load(2, "b", 0.0, force=True), CheckModel)
    assert not first.force and again.force
    assert s.check_failed(first.check, MemoryInsufficient("short"), 0.0) == [], "nobody asks that any more"
    stop = one(s.checked(again.check, 0.0), StopEngine)
    start = one(s.engine_stopped(stop.generation, 0.0), StartEngine)
    assert s.engine_ready(start.generation, 0.0) == [Done(2), Grant(1, "b", 2)]


def test_force_also_counts_once_it_drains() -> None:
    s = loaded()
    s.acquire(1, "a", 0.0)
    s.checked(one(s.acquire(2, "b", 0.0), CheckModel).check, 0.0)
    assert s.load(3, "b", 0.0, force=True) == []
    stop = one(s.release(1, 0.0), StopEngine)
    assert one(s.engine_stopped(stop.generation, 0.0), StartEngine).force


def test_a_request_without_room_is_refused_each_time_it_is_judged() -> None:
    """Room may come back at any moment, so there is no back-off; and what runs goes on."""
    s = loaded()
    error = MemoryInsufficient("short")
    for ticket in range(2, 2 + 2 * MAX_FAILURES):
        check = one(s.acquire(ticket, "b", 0.0), CheckModel)
        assert s.check_failed(check.check, error, 0.0) == [Refuse(ticket, error)]
    assert s.running == "a" and s.phase is SlotState.READY


def test_a_crashed_model_without_room_is_not_tried_for_ever() -> None:
    s = loaded()
    s.engine_exited(1, EngineFailed("crash"), 0.0)
    tries, now = 0, 0.0
    while (deadline := s.next_deadline()) is not None:
        now, tries = max(now, deadline), tries + 1
        s.check_failed(one(s.tick(now), CheckModel).check, MemoryInsufficient("short"), now)
    assert tries == MAX_FAILURES - 1


def test_an_engine_that_cannot_be_stopped_fails_its_slot() -> None:
    s = loaded()
    stop = one(s.checked(one(s.load(1, "b", 0.0), CheckModel).check, 0.0), StopEngine)
    s.acquire(2, None, 0.0)
    stuck = EngineFailed("process 7 lives on")
    assert s.engine_stopped(stop.generation, 30.0, stuck) == [Refuse(1, stuck), Refuse(2, stuck)]
    assert s.phase is SlotState.FAILED and s.last_error == ("a", stuck)
    assert bring_up(s, s.acquire(3, "a", 31.0)) == [Grant(3, "a", 2)], "the next request tries again"


def test_who_cannot_be_stopped_is_named_whatever_the_switch_turned_to() -> None:
    s = make()
    s.checked(one(s.load(1, "b", 0.0), CheckModel).check, 0.0)
    stop = one(s.load(2, "c", 1.0), StopEngine)
    stuck = EngineFailed("process 7 lives on")
    assert s.engine_stopped(stop.generation, 30.0, stuck) == [Refuse(2, stuck)]
    assert s.last_error == ("b", stuck), "c was never started"


def test_closing_does_not_wait_for_an_engine_that_cannot_be_stopped() -> None:
    s = loaded()
    stop = one(s.close(0.0), StopEngine)
    assert s.engine_stopped(stop.generation, 30.0, EngineFailed("lives on")) == []
    assert s.phase is SlotState.UNLOADED


def test_an_idle_slot_can_be_evicted() -> None:
    s = loaded()
    assert s.evictable
    stop = one(s.evict(1, 0.0), StopEngine)
    assert not s.evictable
    assert s.acquire(2, None, 0.0) == [], "who comes now waits"
    effects = s.engine_stopped(stop.generation, 1.0)
    assert one(effects, Done) == Done(1) and one(effects, CheckModel).model == "a"
    assert s.selected == "a"


@pytest.mark.parametrize("why", ["busy", "pinned", "queued for", "switching", "retired", "closed"])
def test_who_is_needed_is_not_evicted(why: str) -> None:
    s = loaded(pinned=why == "pinned")
    if why in ("busy", "queued for"):
        s.acquire(1, "a", 0.0)
    if why == "queued for":
        s.checked(one(s.acquire(2, "b", 0.0), CheckModel).check, 0.0)
    elif why == "switching":
        s.load(3, "b", 0.0)
    elif why == "retired":
        s.retire(3, EngineFailed("gone"), 0.0)
    elif why == "closed":
        s.close(0.0)
    assert not s.evictable
    before = (s.phase, s.running, s.in_flight, s.queued)
    assert isinstance(one(s.evict(9, 0.0), Refuse).error, SwitchCancelled)
    assert (s.phase, s.running, s.in_flight, s.queued) == before


def test_an_empty_slot_has_nothing_to_evict() -> None:
    s = make()
    assert not s.evictable and s.evict(1, 0.0) == [Done(1)] and s.phase is SlotState.UNLOADED


def test_one_success_closes_the_breaker() -> None:
    """Seed 004: "The circuit breaker opened after MAX_RECOVERY_ATTEMPTS failures but was never reset"."""
    s = make()
    for ticket in (1, 2):
        start = one(s.checked(one(s.acquire(ticket, "a", 0.0), CheckModel).check, 0.0), StartEngine)
        s.engine_failed(start.generation, EngineFailed("bad"), 0.0)
    assert isinstance(one(s.acquire(3, "a", 1.0), Refuse).error, EngineFailed), "open"
    bring_up(s, s.acquire(4, "a", 2.0), 2.0)
    assert s.acquire(5, "a", 2.0) == [Grant(5, "a", 3)], "running: used directly"
    s.tick(2.0)
    s.release(4, 2.0)
    s.release(5, 2.0)
    stop = one(s.unload(6, 3.0), StopEngine)
    s.engine_stopped(stop.generation, 3.0)
    start = one(s.checked(one(s.acquire(7, "a", 3.0), CheckModel).check, 3.0), StartEngine)
    s.engine_failed(start.generation, EngineFailed("bad"), 3.0)
    assert one(s.acquire(8, "a", 3.0), CheckModel), "a first failure again"


# -- a model's limit ----------------------------------------------------------------------------------------


def test_who_finds_no_place_waits_in_order() -> None:
    s = loaded(limit=2)
    assert [s.acquire(n, "a", 0.0) for n in (1, 2)] == [[Grant(1, "a", 1)], [Grant(2, "a", 1)]]
    assert [s.acquire(n, name, 0.0) for n, name in ((3, "a"), (4, None), (5, "a"))] == [[], [], []]
    assert (s.phase, s.in_flight, s.queued) == (SlotState.READY, 2, 3)
    assert s.acquire(6, "a-hot", 0.0) == [Grant(6, "a-hot", 1)], "another model of the same process has none"
    assert s.release(2, 1.0) == [Grant(3, "a", 1)]
    assert s.release(4, 1.0) == [], "it has left the queue"
    assert s.release(1, 1.0) == [Grant(5, "a", 1)] and s.queued == 0


def test_who_waits_for_another_model_keeps_its_place_among_them() -> None:
    s = loaded(limit=1)
    s.acquire(1, "a", 0.0)
    assert s.acquire(2, "a", 0.0) == s.acquire(3, "b", 0.0) == s.acquire(4, "a", 0.0) == []
    effects = s.release(1, 1.0)
    assert one(effects, Grant) == Grant(2, "a", 1)
    check = one(effects, CheckModel)
    assert check.model == "b", "its turn has come: all who came before are served"
    assert s.checked(check.check, 1.0) == [] and s.phase is SlotState.DRAINING
    stop = one(s.release(2, 2.0), StopEngine)
    start = one(s.engine_stopped(stop.generation, 2.0), StartEngine)
    effects = s.engine_ready(start.generation, 3.0)
    assert one(effects, Grant).ticket == 3 and one(effects, CheckModel).model == "a"


def test_limits_of_the_queue_hold_for_them_too() -> None:
    s = loaded(limit=1, queue=1, wait=10.0)
    s.acquire(1, "a", 0.0)
    s.acquire(2, "a", 0.0)
    assert isinstance(one(s.acquire(3, "a", 0.0), Refuse).error, QueueFull)
    assert s.next_deadline() == 10.0
    assert isinstance(one(s.tick(10.0), Refuse).error, WaitTimeout)


def test_a_long_load_is_no_part_of_the_wait_for_a_place() -> None:
    s = make(limit=1, wait=10.0)
    effects = s.acquire(1, "a", 0.0)
    s.acquire(2, "a", 0.0)
    assert bring_up(s, effects, now=50.0) == [Grant(1, "a", 1)]
    assert s.next_deadline() == 60.0
    assert s.release(1, 51.0) == [Grant(2, "a", 1)]
