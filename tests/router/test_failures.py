"""A slot's breaker, beside each model's own back-off (those are in test_scheduler)."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from router.errors import BadModel, EngineFailed, MemoryInsufficient, RouterError
from router.failures import MAX_FAILURES, OPEN_AFTER, Failures, backoff

DIED = EngineFailed("It died.", details={"why": "oom"})


def failed_switches(count: int, error: RouterError = DIED, at: float = 0.0) -> Failures:
    """Each of another model, so that none of them is kept away by itself."""
    failures = Failures()
    for number in range(count):
        failures.failed(f"m{number}", error, at)
    return failures


def test_after_three_failed_switches_none_of_them_is_tried_for_a_while() -> None:
    assert failed_switches(OPEN_AFTER - 1).refusal("m0", 0.0) is None
    refusal = failed_switches(OPEN_AFTER).refusal("m0", 1.0)
    assert isinstance(refusal, EngineFailed) and refusal.details == {"why": "oom"}
    assert refusal.retry_after == backoff(OPEN_AFTER) - 1.0
    assert "The last 3 switches of this slot failed" in refusal.message and "It died." in refusal.message


def test_then_one_may_try_and_its_failure_opens_it_for_longer() -> None:
    failures = failed_switches(OPEN_AFTER)
    opened = backoff(OPEN_AFTER)
    assert failures.refusal("probe", opened) is None
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


def test_a_model_that_never_failed_is_tried_at_once() -> None:
    """Three failing models used to put the next good one off for 4 s, with another model's error."""
    for count in range(9):
        assert failed_switches(count).refusal("new", 0.0) is None


def test_an_answer_closes_a_crash_and_being_ready_again_does_not() -> None:
    """Row 27: the rule, in one place."""
    failures = Failures()
    failures.crashed("a", DIED, 0.0, ready_for=1.0)
    failures.loaded("a")
    failures.crashed("a", DIED, 1.0, ready_for=1.0)
    assert failures.refusal("a", 1.0) is not None, "it dies at every request"
    assert failures.answered("a") and not failures.answered("a")
    failures.crashed("a", DIED, 2.0, ready_for=1.0)
    assert failures.refusal("a", 2.0) is None, "it had served in between"


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
    """However many switches failed: a minute after the last one, whatever is not parked may be tried."""
    failures, now = Failures(), 0.0
    for model, pause in events:
        now += pause
        failures.failed(model, DIED, now)
    assert failures.refusal("new", now) is None
    if all(sum(m == name for m, _ in events) < MAX_FAILURES for name in "abc"):
        assert all(failures.refusal(name, now + 60.0) is None for name in "abc")
