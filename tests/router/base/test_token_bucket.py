"""How often something may be done."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.base.token_bucket import TokenBucket


def test_a_burst_comes_at_once_and_the_rest_evenly() -> None:
    bucket = TokenBucket(10.0, burst=3)

    waits = [bucket.take(100.0) for _ in range(6)]

    assert waits == pytest.approx([0.0, 0.0, 0.0, 0.1, 0.2, 0.3])


def test_a_pause_gives_back_what_was_taken() -> None:
    bucket = TokenBucket(10.0, burst=3)
    for _ in range(6):
        bucket.take(100.0)

    waits = [bucket.take(101.0) for _ in range(4)]

    assert waits == pytest.approx([0.0, 0.0, 0.0, 0.1])


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60), st.integers(1, 5))
def test_no_second_sees_more_than_the_rate_and_one_burst(pauses: list[float], burst: int) -> None:
    bucket, now, done = TokenBucket(10.0, burst), 50.0, []
    for pause in pauses:
        now += pause
        done.append(now + bucket.take(now))

    assert done == sorted(done)
    assert all(sum(at <= other < at + 1.0 for other in done) <= 10 + burst for at in done)
