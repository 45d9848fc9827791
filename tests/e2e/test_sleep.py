"""hal0 and its engines stand still for a while in every phase at once, as when the computer sleeps, and go on.

SIGSTOP stands for the sleep: here the loop's clock goes on meanwhile, as it does on Windows. What a sleep looks
like to two clocks is in tests/router/base/test_resume.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import aiohttp
import psutil
import pytest

from router.base.resume import LATE_SECONDS, LOOK_SECONDS
from router.base.tasks import spawn
from tests.e2e.harness import Hal0
from tests.engines.running import PROGRAM, soon, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are stopped by a signal")

STAND_SECONDS = LATE_SECONDS + LOOK_SECONDS + 1.0


def stand_still(hal0: Hal0) -> list[psutil.Process]:
    """Stop hal0 first, as all stand still at once in a sleep."""
    assert hal0.process is not None
    itself = psutil.Process(hal0.process.pid)
    stopped = [itself, *itself.children(recursive=True)]
    for process in stopped:
        process.suspend()
    return stopped


async def asleep(hal0: Hal0, seconds: float = STAND_SECONDS) -> None:
    stopped = stand_still(hal0)
    woken_at = time.monotonic() + seconds
    await until(lambda: time.monotonic() >= woken_at, "the sleep to end", seconds + 5)
    for process in stopped:
        process.resume()


async def until_noticed(hal0: Hal0) -> None:
    await hal0.until_output("in which it did not")


async def streamed(hal0: Hal0, model: str, begun: asyncio.Event, most: int = 10_000) -> str:
    """The words of a streamed answer; `begun` is set with the first ones."""
    words = ""
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hello?"}]}
    async with hal0.session.post(hal0.url + "/v1/chat/completions", json=body) as answer:
        async for raw in answer.content:
            data = raw.decode().removeprefix("data: ").strip()
            if data.startswith("{") and (choices := json.loads(data).get("choices")):
                words += choices[0]["delta"].get("content") or ""
                begun.set()
            if len(words) > most:
                break
    return words


async def test_an_idle_engine_and_one_that_answers_go_on(make_hal0: Callable[[str], Hal0]) -> None:
    """Ready: its limit to be idle is as long as the sleep, and not over after it. Busy: the answer is whole."""
    hal0 = make_hal0(
        f"slots:\n  primary: {{model: alpha, autoload: true, idle_unload: {STAND_SECONDS:g}}}\n"
        "  busy: {models: [beta]}\n"
    )
    await hal0.start("serve", "--verbose")
    ready = await hal0.until_ready("alpha")
    await hal0.chat("busy")
    asked = spawn(hal0.chat("busy"), name="ask")
    await asleep(hal0)
    assert await soon(asked)
    await until_noticed(hal0)
    slot = await hal0.slot()
    assert (slot["state"], slot["pid"]) == ("ready", ready["pid"])
    assert time.time() - slot["idle_since"] < STAND_SECONDS, "the sleep is no idleness"
    assert await hal0.chat("primary")


async def test_an_engine_that_does_not_come_back_is_replaced(make_hal0: Callable[[str], Hal0]) -> None:
    """As one whose GPU was lost: it stays stopped. A request that comes meanwhile is answered all the same."""
    hal0 = make_hal0("slots:\n  primary: {model: alpha, autoload: true}\n")
    await hal0.start("serve", "--verbose")
    lost = (await hal0.until_ready("alpha"))["pid"]
    assert hal0.process is not None
    os.kill(lost, signal.SIGSTOP)
    os.kill(hal0.process.pid, signal.SIGSTOP)
    woken_at = time.monotonic() + STAND_SECONDS
    await until(lambda: time.monotonic() >= woken_at, "the sleep to end")
    os.kill(hal0.process.pid, signal.SIGCONT)
    await until_noticed(hal0)
    answered = await asyncio.wait_for(hal0.ask("primary"), 60)
    assert answered[0] == 200, answered
    slot = await hal0.slot()
    assert slot["state"] == "ready" and slot["pid"] not in (None, lost)
    assert not psutil.pid_exists(lost)


async def test_what_loads_and_what_is_drained_go_on(make_hal0: Callable[[str], Hal0], tmp_path: Path) -> None:
    """Loading: it takes until a file appears, after the sleep. Draining: the time that requests are given is
    shorter than the sleep, and is not over after it."""
    gate = tmp_path / "gate"
    script = tmp_path / "late.py"
    script.write_text(
        "import pathlib, runpy, sys, time\n"
        "gate, program = sys.argv[1:3]\n"
        "while not pathlib.Path(gate).exists():\n"
        "    time.sleep(0.05)\n"
        "sys.argv = sys.argv[2:]\n"
        "runpy.run_path(program, run_name='__main__')\n"
    )
    late = f"{sys.executable} -I -S {script} {gate} {PROGRAM} --port {{port}} --behaviour good"
    endless = f"{sys.executable} -I -S {PROGRAM} --port {{port}} --behaviour endless"
    hal0 = make_hal0(
        f"slots:\n  loading: {{command: '{late}'}}\n"
        f"  draining: {{command: '{endless}', drain_timeout: {STAND_SECONDS - 1:g}}}\n"
    )
    await hal0.start("serve", "--verbose")
    begun = asyncio.Event()
    stream = spawn(streamed(hal0, "draining", begun, 10**9), name="stream")
    await soon(begun.wait(), "the stream")
    restarting = spawn(hal0.post("/api/slots/draining/restart"), name="restart")
    await hal0.until_slot(lambda s: s["state"] == "draining", "draining", "draining")
    loading = spawn(hal0.post("/api/slots/loading/load", {"model": "loading"}), name="load")
    began = await hal0.until_slot(lambda s: s["pid"] is not None, "loading", "loading")
    await asleep(hal0)
    await until_noticed(hal0)
    draining = await hal0.slot("draining")
    assert draining["state"] == "draining" and not restarting.done() and not stream.done()
    assert draining["drain_deadline"] > time.time(), "what is shown is still to come"
    seen = await hal0.slot("loading")
    assert seen["pid"] == began["pid"] and seen["state"] in ("starting", "loading")
    assert seen["progress"]["elapsed_s"] < STAND_SECONDS, "the sleep is no loading"
    gate.touch()
    assert (await soon(loading))[0] == 200
    assert (await hal0.post("/api/slots/draining/cut"))[0] == 200
    assert (await soon(restarting))[0] == 200
    with suppress(aiohttp.ClientError):  # it was cut
        await soon(stream)
