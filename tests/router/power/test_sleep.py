"""A system that tells of sleep in threads of its own; here one that the test speaks for."""

from __future__ import annotations

import asyncio

import pytest

from router.base.tasks import spawn
from router.power.sleep import Tell, follow_with
from tests.engines.running import until


class Spoken:
    """A Subscription."""

    def __init__(self) -> None:
        self.tell: Tell | None = None
        self.closed = False

    def subscribe(self, tell: Tell) -> Spoken:
        self.tell = tell
        return self

    def close(self) -> None:
        self.closed = True


async def test_what_other_threads_tell_arrives_on_the_loop_in_its_order() -> None:
    system, heard = Spoken(), []
    loop = asyncio.get_running_loop()

    def note(word: str) -> None:
        assert asyncio.get_running_loop() is loop
        heard.append(word)

    following = spawn(
        follow_with(system.subscribe, lambda: note("sleeps"), lambda: note("woke")), name="follow"
    )
    await until(lambda: system.tell is not None, "it to listen")
    assert system.tell is not None
    for before in (True, False):
        await asyncio.to_thread(system.tell, before)
    await until(lambda: len(heard) == 2, "both")
    assert heard == ["sleeps", "woke"]
    following.cancel()
    await asyncio.wait({following})
    assert system.closed


async def test_a_system_that_does_not_tell_costs_one_line(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_tell: Tell) -> Spoken:
        raise OSError("no such call")

    caplog.set_level("INFO", "router.power")
    await follow_with(refuse, lambda: None, lambda: None)
    assert caplog.messages == ["this system does not tell of sleep: no such call"]
