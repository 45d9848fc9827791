"""Time that passes unseen, told by two clocks: here they are the test's."""

from __future__ import annotations

import asyncio
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.base.resume import (
    LATE_SECONDS,
    LOOK_SECONDS,
    Clocks,
    Resumed,
    ResumeWatch,
    read_clocks,
    resumed_between,
)
from router.base.tasks import spawn
from tests.engines.running import until

BEGIN = Clocks(50_000.0, 100.0)
HOURS = 8 * 3600.0


def after(always: float, loop: float) -> Resumed | None:
    return resumed_between(BEGIN, Clocks(BEGIN.always + always, BEGIN.loop + loop))


def test_looks_that_come_as_they_should_tell_nothing() -> None:
    assert after(LOOK_SECONDS, LOOK_SECONDS) is None
    assert after(0.0, 0.0) is None, "twice at once"
    busy = LOOK_SECONDS + LATE_SECONDS - 0.1
    assert after(busy, busy) is None, "a loop that was busy did not sleep"


def test_a_sleep_that_the_loops_clock_did_not_count() -> None:
    assert after(HOURS + LOOK_SECONDS, LOOK_SECONDS) == Resumed(HOURS, 0.0), "Linux"


def test_a_stop_that_the_loops_clock_counted() -> None:
    assert after(HOURS + LOOK_SECONDS, HOURS + LOOK_SECONDS) == Resumed(HOURS, HOURS), "Windows, SIGSTOP"


def test_clocks_that_tick_a_little_apart_are_no_sleep() -> None:
    assert after(LOOK_SECONDS - 0.2, LOOK_SECONDS) is None
    assert after(LOOK_SECONDS + 0.2, LOOK_SECONDS) is None


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_what_counts_for_nothing_is_never_more_than_what_passed(slept: float, counted: float) -> None:
    found = after(slept + counted, counted)
    assert found is None or 0 <= found.counted <= found.seconds <= slept + counted + 1e-3


async def test_everyone_is_told_once_and_one_who_fails_keeps_nobody_from_hearing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = BEGIN
    watch, heard = ResumeWatch(lambda: now), list[Resumed]()

    def broken(_event: Resumed) -> None:
        raise ValueError("a bug")

    watch.subscribe(broken)
    watch.subscribe(heard.append)
    watch.look()
    assert heard == []
    now = Clocks(BEGIN.always + 60.0, BEGIN.loop)
    with caplog.at_level(logging.ERROR):
        watch.look()
    watch.look()
    assert heard == [Resumed(60.0, 0.0)]
    assert "a bug" in caplog.text


async def test_it_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.base.resume.LOOK_SECONDS", 0.01)
    clocks = iter([BEGIN, BEGIN, Clocks(BEGIN.always + HOURS, BEGIN.loop)])
    last = Clocks(BEGIN.always + HOURS, BEGIN.loop)
    watch, heard = ResumeWatch(lambda: next(clocks, last)), list[Resumed]()
    watch.subscribe(heard.append)
    running = spawn(watch.run(), name="watch")
    await until(lambda: len(heard) == 1, "the jump to be noticed")
    running.cancel()
    await asyncio.wait({running})


async def test_the_real_clocks_go_on_together() -> None:
    before = read_clocks()
    assert resumed_between(before, read_clocks()) is None
