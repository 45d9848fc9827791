from __future__ import annotations

import asyncio

import pytest

from router.server.request.decisions import GATHER_SECONDS, Decision, DecisionLog


def decision(request: str, asked: str | None = "alpha") -> Decision:
    return Decision(1_700_000_000.5, request, asked, "loaded", "primary", "alpha", 0.1, 0.02)


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
    assert "\n" not in decision("one", "x\ndispatch.decision request=forged").line()
