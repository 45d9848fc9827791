"""From spawned to ready, with real processes: what is reported, and every reason to give up."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from router.base.errors import EngineFailed
from router.base.tasks import spawn
from router.engine import readiness as readiness_module
from router.engine.child import ChildState
from router.engine.process import EngineProcess
from router.engine.readiness import Readiness, Signs, answers
from router.state import SlotState
from tests.engines.running import soon, until
from tests.router.engine.conftest import StartEngine

MIB = 2**20
Report = tuple[SlotState, float | None]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        yield session


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness_module, "SAMPLE_SECONDS", 0.05)
    monkeypatch.setattr(readiness_module, "HTTP_TIMEOUT", aiohttp.ClientTimeout(total=0.2))


class Watched:
    """A Readiness with everything it reported."""

    def __init__(self, engine: EngineProcess, http: aiohttp.ClientSession, stall: float = 180.0) -> None:
        self.reports: list[Report] = []
        self.readiness = Readiness(engine, http, lambda *report: self.reports.append(report), stall)

    async def wait(self) -> int | None:
        return await soon(self.readiness.wait(), "ready")


async def test_the_child_protocol_is_followed_to_ready(
    start_engine: StartEngine, http: aiohttp.ClientSession
) -> None:
    watched = Watched(await start_engine("slow"), http)
    assert await watched.wait() == 4096, "the context length is the engine's own"
    fractions = [fraction for phase, fraction in watched.reports if phase is SlotState.LOADING]
    assert None not in fractions and fractions == sorted(set(fractions), key=lambda f: f or 0)
    assert fractions[0] == 0.0 and fractions[-1] == 0.9, "a fraction never goes back (to 0.3)"


async def test_a_mute_engine_is_asked_for_its_health(
    start_engine: StartEngine, http: aiohttp.ClientSession
) -> None:
    engine = await start_engine("mute")
    assert await Watched(engine, http).wait() == 4096
    assert engine.child_state is None


async def test_another_program_is_ready_when_its_health_path_answers_200(
    start_engine: StartEngine, http: aiohttp.ClientSession
) -> None:
    engine = await start_engine("no-health", child_mode=False, health="/v1/models")
    assert await Watched(engine, http).wait() is None


async def test_what_is_read_of_the_file_is_an_estimate(
    start_engine: StartEngine, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither protocol nor health tell anything: the process's memory does."""
    monkeypatch.setattr("router.engine.readiness.ESTIMATED_FROM", 2**24)
    engine = await start_engine("mute+no-health", file_size=2**24)
    watched = Watched(engine, http, stall=0.3)
    with pytest.raises(EngineFailed):
        await watched.wait()
    phase, fraction = watched.reports[-1]
    assert phase is SlotState.LOADING and fraction is not None and 0.05 < fraction <= 0.99


@pytest.mark.parametrize(
    ("change", "seconds", "works"),
    [
        ({}, 1.0, False),
        ({"cpu": 10.02}, 1.0, False),
        ({"cpu": 10.2}, 1.0, True),
        ({"cpu": 10.2}, 180.0, False),
        ({"read": 2 * MIB}, 180.0, True),
        ({"resident": 101 * MIB}, 180.0, False),
        ({"resident": 120 * MIB}, 180.0, True),
        ({"resident": 80 * MIB}, 180.0, True),
        ({"shared": 20 * MIB}, 180.0, True),
        ({"last_line": "a new line"}, 180.0, True),
        ({"child_state": ChildState("loading", 0.5)}, 180.0, True),
    ],
)
def test_work_is_more_than_answering_polls(change: dict[str, Any], seconds: float, works: bool) -> None:
    before = Signs(0.0, 0.0, 100 * MIB, 10.0, "a line", ChildState("loading", 0.4))
    assert replace(before, **change).show_work_since(before, seconds) is works


@pytest.mark.parametrize("behaviour", ["hang", "mute+hang", "mute+no-health"])
async def test_an_engine_that_stands_still_is_given_up(
    start_engine: StartEngine, http: aiohttp.ClientSession, behaviour: str
) -> None:
    watched = Watched(await start_engine(behaviour), http, stall=0.4)
    with pytest.raises(EngineFailed, match=r"stood still .* while loading .*see its log, then try again"):
        await watched.wait()


async def test_an_engine_that_works_is_waited_for_longer_than_a_stall(
    start_engine: StartEngine, http: aiohttp.ClientSession
) -> None:
    code = "import time\nwhile True: sum(range(100000)); time.sleep(0.001)"
    engine = await start_engine("", argv=[sys.executable, "-I", "-S", "-c", code])
    waiting = spawn(Watched(engine, http, stall=0.4).wait(), name="wait")
    done, _ = await asyncio.wait([waiting], timeout=1.2)
    assert not done
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_a_launcher_whose_child_works_does_not_stand_still(
    start_engine: StartEngine, http: aiohttp.ClientSession
) -> None:
    work = "import time\nwhile True: sum(range(100000)); time.sleep(0.001)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-I', '-S', '-c', {work!r}])"
    engine = await start_engine("", child_mode=False, argv=[sys.executable, "-I", "-S", "-c", code])
    waiting = spawn(Watched(engine, http, stall=0.4).wait(), name="wait")
    done, _ = await asyncio.wait([waiting], timeout=1.2)
    assert not done
    waiting.cancel()
    await asyncio.wait([waiting])


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("crash", "failed to open GGUF file"),
        ("mute+crash", "failed to open GGUF file"),
        ("oom", "no memory left" if sys.platform == "win32" else "ran out of memory"),
        ("orphan", "the parent of a helper gave up"),
    ],
)
async def test_an_engine_that_dies_while_loading_is_quoted(
    start_engine: StartEngine, http: aiohttp.ClientSession, behaviour: str, words: str
) -> None:
    with pytest.raises(EngineFailed, match=words):
        await Watched(await start_engine(behaviour), http).wait()


async def test_an_engine_that_says_ready_and_dies_is_told_as_dead(
    start_engine: StartEngine, http: aiohttp.ClientSession
) -> None:
    code = (
        'import os, sys; print(\'cmd_child_to_router:state:{"state": "ready"}\', flush=True); '
        "print('0.1 E main: too early', file=sys.stderr, flush=True); os._exit(4)"
    )
    engine = await start_engine("", argv=[sys.executable, "-I", "-S", "-c", code])
    with pytest.raises(EngineFailed, match=r"too early \(exit code 4\)"):
        await Watched(engine, http).wait()


@pytest.fixture
async def foreign() -> AsyncIterator[int]:
    """The port of another program's server that answers 200 to everything."""

    async def fine(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application()
    app.router.add_get("/{path:.*}", fine)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def test_another_programs_answer_is_not_taken_for_the_engines(
    start_engine: StartEngine, http: aiohttp.ClientSession, foreign: int
) -> None:
    engine = await start_engine("mute+hang", port=foreign)
    with pytest.raises(EngineFailed, match=rf"Another program answers on port {foreign}.*engine\.ports"):
        await Watched(engine, http).wait()


async def test_errors_of_the_start_are_forgotten_once_it_is_ready(
    start_engine: StartEngine, http: aiohttp.ClientSession
) -> None:
    engine = await start_engine("complaining")
    await Watched(engine, http).wait()
    assert any("no GPU" in line for line in engine.log.ring)
    assert engine.log.explanation() is None


async def test_waiting_that_is_cancelled_leaves_no_task(
    start_engine: StartEngine, http: aiohttp.ClientSession
) -> None:
    engine = await start_engine("hang")
    await soon(engine.changed.wait())
    before = asyncio.all_tasks()
    waiting = spawn(Watched(engine, http).readiness.wait(), name="wait")
    await asyncio.wait([waiting], timeout=0.1)
    waiting.cancel()
    await asyncio.wait([waiting])
    left = asyncio.all_tasks() - before
    if left:
        await soon(asyncio.wait(left))
    assert waiting.cancelled() and asyncio.all_tasks() <= before


async def test_of_a_small_file_nothing_is_estimated(
    start_engine: StartEngine, http: aiohttp.ClientSession
) -> None:
    """The program itself weighs more: "99 %" within a second would be a lie."""
    engine = await start_engine("mute+no-health", file_size=2**20)
    watched = Watched(engine, http, stall=0.3)
    with pytest.raises(EngineFailed):
        await watched.wait()
    assert all(fraction is None for _, fraction in watched.reports)


async def test_a_ready_engine_that_is_asked_again_answers(
    start_engine: StartEngine, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness_module, "HTTP_TIMEOUT", aiohttp.ClientTimeout(total=5))
    engine = await start_engine("mute")
    await Watched(engine, http).wait()
    assert await soon(answers(engine, http))


@pytest.mark.skipif(sys.platform == "win32", reason="a process can be stopped by a signal")
async def test_an_engine_that_stands_still_does_not_answer_and_says_why_it_was_ended(
    start_engine: StartEngine, http: aiohttp.ClientSession
) -> None:
    engine = await start_engine("mute")
    await Watched(engine, http).wait()
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGSTOP)
    assert not await soon(answers(engine, http))
    engine.kill("it did not answer")
    await soon(asyncio.shield(engine.exited))
    assert engine.failure().message == "The engine was ended: it did not answer."


async def test_one_that_has_ended_needs_no_asking(
    start_engine: StartEngine, http: aiohttp.ClientSession
) -> None:
    engine = await start_engine("mute")
    await Watched(engine, http).wait()
    await engine.stop()
    assert await soon(answers(engine, http))


async def test_time_in_which_nothing_ran_is_no_stall(
    start_engine: StartEngine, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop's clock jumps, as it does for a process that was stopped."""
    loop, jumped, looks = asyncio.get_running_loop(), 0.0, 0
    clock = loop.time
    monkeypatch.setattr(loop, "time", lambda: clock() + jumped)

    def looked(*_: object) -> tuple[float, float, float, float]:
        nonlocal looks
        looks += 1
        return (0.0, 0.0, 0.0, 0.0)

    monkeypatch.setattr(readiness_module, "_signs_of_life", looked)
    engine = await start_engine("mute+no-health")
    waiting = spawn(Watched(engine, http, stall=180.0).readiness.wait(), name="wait")
    await until(lambda: looks > 3, "looks")
    jumped, before = 600.0, looks
    await until(lambda: looks > before + 3, "looks after the jump")
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait({waiting})
