"""The speed of an answer while it streams."""

from __future__ import annotations

import asyncio

import pytest

from router.activity.usage import HEAD_BYTES, Heard
from router.server.request.live_speed import LiveSpeed

EVENT = b'data: {"choices":[{"delta":{"content":"data: \\n\\n"}}]}\n\n'


def test_events_are_counted_wherever_pieces_end() -> None:
    heard = Heard()
    for piece in (EVENT * 3, EVENT[:-5], EVENT[-5:], b"x" * HEAD_BYTES):
        heard.take(piece)
    assert heard.begun
    heard.more(EVENT * 2)
    assert heard.events == 6


async def test_the_speed_is_told_while_events_come() -> None:
    told: asyncio.Queue[float] = asyncio.Queue()
    heard, loop = Heard(), asyncio.get_running_loop()
    began = loop.time()
    with LiveSpeed(heard, told.put_nowait, seconds=0.01):
        async with asyncio.timeout(30):
            while told.empty():
                heard.take(EVENT)
                await asyncio.sleep(0)
    speed = told.get_nowait()
    assert 0 < speed <= heard.events / 0.01, "no more than all that came, in no less than one interval"
    assert loop.time() - began >= 0.02, "nothing is told of the first tokens: they come after the prompt"


async def test_nothing_is_told_of_an_answer_that_stands_still() -> None:

    heard = Heard()

    def fail(_speed: float) -> None:
        pytest.fail("nothing came")

    heard.take(EVENT)
    with LiveSpeed(heard, fail, seconds=0.0):
        for _turn in range(20):
            await asyncio.sleep(0)
