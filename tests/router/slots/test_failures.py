"""A slot's breaker, beside each model's own back-off (those are in test_scheduler)."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from router.base.errors import BadModel, EngineFailed, EngineMissing, MemoryInsufficient, RouterError
from router.slots.failures import FORGET_AFTER, MAX_FAILURES, OPEN_AFTER, STABLE_AFTER, Failures, backoff

DIED = EngineFailed("It died.", details={"why": "oom"})


GONE = EngineMissing("No llama-server was found.", details={"why": "gone"})


def failed_switches(count: int, error: RouterError = DIED, at: float = 0.0) -> Failures:
    """Each of another model, so that none of them is kept away by itself."""
    failures = Failures()
    for number in range(count):
        failures.failed(f"m{number}", error, at)
    return failures


def test_after_three_failed_switches_none_of_the_models_is_tried_for_a_while() -> None:
    assert failed_switches(OPEN_AFTER - 1).refusal("m0", 0.0) is None
    refusal = failed_switches(OPEN_AFTER).refusal("m0", 1.0)
    assert isinstance(refusal, EngineFailed) and refusal.details == {"why": "oom"}
    assert refusal.retry_after == backoff(OPEN_AFTER) - 1.0
    assert "The last 3 switches of this slot failed" in refusal.message and "It died." in refusal.message


def test_a_model_that_never_failed_is_not_to_blame_for_others() -> None:
    """Debatable: three failing models put the next good one off for 4 s, with another model's error."""
    assert failed_switches(9).refusal("new", 0.0) is None


def test_each_is_told_its_own_error() -> None:
    failures = failed_switches(OPEN_AFTER - 1)
    failures.failed("cracked", EngineFailed("It is cracked."), 0.0)
    refusal = failures.refusal("m0", 1.0)
    assert refusal is not None and "It died." in refusal.message and "cracked" not in refusal.message


def test_where_llama_server_itself_is_broken_nobody_is_tried() -> None:
    refusal = failed_switches(OPEN_AFTER, GONE).refusal("new", 1.0)
    assert isinstance(refusal, EngineMissing) and refusal.details == {"why": "gone"}
    failures = failed_switches(OPEN_AFTER, GONE)
    failures.failed("x", DIED, 0.0)
    assert failures.refusal("new", 1.0) is None, "an engine was started since"


def test_then_one_may_try_and_its_failure_opens_it_for_longer() -> None:
    failures = failed_switches(OPEN_AFTER)
    opened = backoff(OPEN_AFTER)
    assert failures.refusal("m0", opened) is None
    failures.failed("probe", DIED, opened)
    assert failures.refusal("m0", opened + opened) is not None
    assert failures.refusal("m0", opened + backoff(OPEN_AFTER + 1)) is None


def test_one_success_closes_it_and_a_restored_model_is_none() -> None:
    failures = failed_switches(OPEN_AFTER)
    failures.loaded("old", restored=True)
    assert failures.refusal("m0", 0.0) is not None
    failures.loaded("m9")
    assert failures.refusal("m0", 0.0) is None


def test_a_persons_command_closes_it() -> None:
    failures = failed_switches(OPEN_AFTER)
    failures.forget("anything")
    assert failures.refusal("m0", 0.0) is None


# -- a success in between ----------------------------------------------------------------------------------

EVENTS = st.lists(
    st.tuples(st.sampled_from(["failed", "crashed", "loaded"]), st.floats(0, 100), st.floats(0, 20)),
    max_size=30,
)


def played(events: list[tuple[str, float, float]]) -> tuple[Failures, float]:
    failures, now = Failures(), 0.0
    for event, pause, ready_for in events:
        now += pause
        match event:
            case "failed":
                failures.failed("a", DIED, now)
            case "crashed":
                failures.crashed("a", DIED, now, ready_for)
            case _:
                failures.loaded("a")
    return failures, now


@given(EVENTS, st.sampled_from(["an answer", "a person", "stable"]))
def test_whatever_was_before_a_success_the_next_crash_is_the_first(
    events: list[tuple[str, float, float]], success: str
) -> None:
    """Row 27: it kept the model away for 2 s, though it had served in between."""
    failures, now = played(events)
    match success:
        case "an answer":
            failures.loaded("a")
            failures.answered("a")
        case "a person":
            failures.forget("a")
            failures.loaded("a")
        case _:
            failures.loaded("a")
    failures.crashed("a", DIED, now, ready_for=STABLE_AFTER if success == "stable" else 0.1)
    assert failures.refusal("a", now) is None and failures.restart_at("a") == now


@given(EVENTS)
def test_whatever_was_before_the_next_load_after_a_failed_one_closes_the_case(
    events: list[tuple[str, float, float]],
) -> None:
    failures, now = played(events)
    failures.failed("a", DIED, now)
    failures.loaded("a")
    assert failures.refusal("a", now) is None


def test_who_dies_of_every_request_is_parked_though_it_gets_ready_each_time() -> None:
    failures, now = Failures(), 0.0
    for crashes in range(1, MAX_FAILURES + 1):
        failures.crashed("a", DIED, now, ready_for=1.0)
        refusal = failures.refusal("a", now)
        expected = FORGET_AFTER if crashes == MAX_FAILURES else backoff(crashes)
        assert (refusal.retry_after if refusal else 0.0) == expected
        now += expected
        failures.loaded("a")
    assert failures.refusal("a", now) is None, "ten minutes later it may be tried"


def test_what_is_wrong_with_a_model_says_nothing_of_others() -> None:
    for error in (BadModel("No such file."), MemoryInsufficient("Too big.")):
        assert failed_switches(9, error).refusal("m0", 0.0) is None


def test_a_crash_is_no_failed_switch() -> None:
    failures = Failures()
    for number in range(9):
        failures.crashed(f"m{number}", DIED, 0.0, ready_for=1.0)
    assert failures.refusal("m0", 0.0) is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100)), max_size=40))
def test_it_never_sticks(events: list[tuple[str, float]]) -> None:
    """However many switches failed: a minute after the last one, a model that never failed may be tried."""
    failures, now = Failures(), 0.0
    for model, pause in events:
        now += pause
        failures.failed(model, GONE, now)
    assert failures.refusal("new", now + 60.0) is None
