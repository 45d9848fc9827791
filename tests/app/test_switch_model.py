from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.views.switch import PHASES, LoadClock, Mark, Sample, fraction, marks, seconds_left
from router.state import Progress, SlotState, SlotStatus, Snapshot
from tests.app.scenes import CODER, GEMMA


def loading(share: float | None, began: float = 0.0) -> SlotStatus:
    progress = Progress(SlotState.LOADING, share, began)
    return replace(CODER, state=SlotState.LOADING, target=GEMMA.id, progress=progress)


def moment(share: float | None, began: float = 0.0) -> Snapshot:
    return Snapshot(slots=(loading(share, began),))


def test_phases_before_are_done_and_phases_after_lie_ahead() -> None:
    assert marks(loading(0.4)) == (Mark.DONE, Mark.DONE, Mark.DONE, Mark.NOW, Mark.AHEAD)
    assert set(marks(replace(CODER, state=SlotState.QUEUED))) == {Mark.AHEAD}
    assert len(marks(CODER)) == len(PHASES)


def test_a_share_is_only_shown_where_the_engine_told_one() -> None:
    assert fraction(loading(0.45)) == 0.45
    assert fraction(loading(None)) is None
    assert fraction(replace(loading(0.45), state=SlotState.WARMING)) is None


def test_time_left_follows_the_pace_so_far() -> None:
    assert seconds_left(Sample(0, 0.0), Sample(10, 0.5), 10) == pytest.approx(10)
    assert seconds_left(Sample(0, 0.5), Sample(10, 0.75), 10) == pytest.approx(10)


def test_too_little_is_no_ground_for_a_guess() -> None:
    assert seconds_left(Sample(0, 0.0), Sample(0.5, 0.5), 0.5) is None
    assert seconds_left(Sample(0, 0.0), Sample(10, 0.01), 10) is None


def test_a_load_that_stands_still_takes_longer_and_longer() -> None:
    first, last = Sample(0, 0.0), Sample(10, 0.5)
    assert seconds_left(first, last, 30) == pytest.approx(30)


@given(st.floats(0, 0.9), st.floats(0.02, 0.1), st.floats(1, 1000))
def test_time_left_is_never_negative(start: float, more: float, seconds: float) -> None:
    left = seconds_left(Sample(0, start), Sample(seconds, start + more), seconds)
    assert left is None or left >= 0


def test_the_clock_learns_from_snapshots() -> None:
    clock = LoadClock()
    clock.note(moment(0.1), 100)
    assert clock.left("coder", 100) is None
    clock.note(moment(0.3), 102)
    assert clock.left("coder", 102) == pytest.approx(7)


def test_what_was_learnt_of_one_load_is_not_used_for_the_next() -> None:
    clock = LoadClock()
    clock.note(moment(0.1, began=1), 100)
    clock.note(moment(0.5, began=1), 110)
    clock.note(moment(0.6, began=2), 111)
    assert clock.left("coder", 111) is None
    clock.note(moment(0.2, began=2), 112)
    assert clock.left("coder", 112) is None


def test_a_load_that_ended_is_forgotten() -> None:
    clock = LoadClock()
    clock.note(moment(0.1), 100)
    clock.note(moment(0.5), 110)
    clock.note(moment(None), 111)
    assert clock.left("coder", 111) is None
