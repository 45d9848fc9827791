from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.memory.measure.estimate import Estimator, spread
from router.memory.measure.pools import Pool

GIB = 1 << 30


def gpu(used: int, **held: int | None) -> Pool:
    """`held` by names such as p7."""
    return Pool("GPU", True, 24 * GIB, used * GIB, held={int(n[1:]): a for n, a in held.items()})


def test_what_the_driver_tells_is_kept() -> None:
    assert Estimator().fill([gpu(5, p7=3 * GIB, p8=0), gpu(1)]) == [{7: 3 * GIB, 8: 0}, {}]


def test_a_process_holds_what_the_use_grew_by_since_it_came() -> None:
    estimator = Estimator()
    looks = [gpu(2), gpu(2, p7=None), gpu(9, p7=None), gpu(12, p7=None, p8=None), gpu(5, p8=None), gpu(2)]
    found = [estimator.fill([look])[0] for look in looks]
    assert found == [{}, {7: 0}, {7: 7 * GIB}, {7: 7 * GIB, 8: 3 * GIB}, {8: 3 * GIB}, {}]


def test_memory_that_comes_back_late_is_not_the_next_engines_for_long() -> None:
    estimator = Estimator()
    looks = [gpu(2), gpu(9, p7=None), gpu(9, p8=None), gpu(2, p8=None), gpu(6, p8=None)]
    assert [estimator.fill([look])[0] for look in looks][-1] == {8: 4 * GIB}


def test_without_a_look_before_it_nothing_is_claimed() -> None:
    assert Estimator().fill([gpu(9, p7=None)]) == [{7: 0}]


def test_known_amounts_are_not_guessed_a_second_time() -> None:
    estimator = Estimator()
    estimator.fill([gpu(2)])
    assert estimator.fill([gpu(9, p7=4 * GIB, p8=None)]) == [{7: 4 * GIB, 8: 3 * GIB}]


amounts = st.integers(0, 1 << 40)


@given(st.dictionaries(st.integers(1, 9), amounts), st.sets(st.integers(1, 9)), amounts)
def test_a_guess_is_never_negative_and_all_together_are_the_growth(
    before: dict[int, int], pids: set[int], amount: int
) -> None:
    guesses = spread(before, pids, amount)
    assert guesses.keys() == pids
    assert all(held >= 0 for held in guesses.values())
    assert not pids or sum(guesses.values()) == amount
