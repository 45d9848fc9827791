from __future__ import annotations

import asyncio

import pytest

from router.activity.record import Record
from router.server.request.decisions import GATHER_SECONDS, DecisionLog, decision_line
from tests.router.activity.records import record


def decision(request: str, asked: str = "alpha") -> Record:
    return record(at=1_700_000_000.5, request=request, asked=asked, resolution_path="loaded", slot="primary")


async def test_the_first_line_is_written_at_once_and_the_next_ones_together(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    decisions = DecisionLog()
    for request in ("one", "two", "three"):
        decisions.add(decision(request))
    assert len(caplog.messages) == 1 and "request=one" in caplog.messages[0]
    await asyncio.sleep(GATHER_SECONDS * 1.5)
    assert len(caplog.messages) == 2
    assert [line.split()[2] for line in caplog.messages[1].splitlines()] == ["request=two", "request=three"]


async def test_what_is_left_is_written_in_the_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    decisions = DecisionLog()
    decisions.add(decision("one"))
    decisions.add(decision("two"))
    decisions.flush()
    assert "request=two" in caplog.text


def test_a_name_with_a_line_break_forges_no_line() -> None:
    assert "\n" not in decision_line(decision("one", "x\ndispatch.decision request=forged"))
