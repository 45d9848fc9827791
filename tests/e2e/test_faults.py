"""What happens when engines, clients and hal0 itself die: a real `hal0 serve` over misbehaving engines.

Models are named for how their engine behaves; the name is what the router must cope with.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import yaml

from router.base.tasks import spawn
from tests.e2e.harness import Hal0
from tests.engines.running import PROGRAM, gone, make_server, soon
from tests.engines.slow import slow_server
from tests.fixtures_models import SpeakingModel

SLOT = "slots:\n  primary: {model: good}\n"
HELLO = [{"role": "user", "content": "Hello?"}]

# Windows refuses memory, and kills nobody for it.
NO_MEMORY, KILLED = (
    ("it was killed, most likely because the computer ran out of memory; try a smaller model",) * 2
    if sys.platform != "win32"
    else ("Windows had no memory left for it; try a smaller model", "exit code 15")
)
PYTHON = Path(sys.executable).as_posix()  # YAML reads a backslash its own way

Make = Callable[..., Any]


@pytest.fixture
async def make(tmp_path: Path, speaking_model: SpeakingModel) -> AsyncIterator[Make]:
    """`await make("crash", config)`: serving, with the models `good` and `crash`."""
    made: list[Hal0] = []

    async def build(*behaviours: str, config: str = SLOT) -> Hal0:
        (tmp_path / "models").mkdir()
        for name in {"good", *behaviours}:
            shutil.copy(speaking_model("It is the engine that speaks."), tmp_path / "models" / f"{name}.gguf")
        hal0 = Hal0.prepare(tmp_path, make_server(tmp_path / "llama-server"), config)
        made.append(hal0)
        await hal0.start()
        return hal0

    yield build
    for hal0 in made:
        await hal0.close()


async def load(hal0: Hal0, model: str, slot: str = "primary") -> tuple[int, Any]:
    return await hal0.post(f"/api/slots/{slot}/load", {"model": model})


async def ready(hal0: Hal0, model: str) -> psutil.Process:
    """Load it; its engine."""
    status, body = await load(hal0, model)
    assert status == 200, body
    return psutil.Process(body["slot"]["pid"])


class Stream:
    """A streamed chat, read event by event."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def event(self) -> Any:
        """The next event's data, None at the end."""
        while line := await soon(self.answer.content.readline(), "an event"):
            if line.startswith(b"data: "):
                text = line.removeprefix(b"data: ").strip()
                return text if text == b"[DONE]" else json.loads(text)
        return None

    async def rest(self) -> list[Any]:
        events = []
        while (event := await self.event()) is not None:
            events.append(event)
        return events


@asynccontextmanager
async def streaming(hal0: Hal0, model: str = "primary") -> AsyncIterator[Stream]:
    body = {"model": model, "messages": HELLO, "stream": True}
    async with hal0.session.post(hal0.url + "/v1/chat/completions", json=body) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        yield Stream(answer)


async def until_idle(hal0: Hal0) -> dict[str, Any]:
    return await hal0.until_slot(lambda s: s["in_flight"] == s["queued"] == 0, "no request in flight")


# -- engines that do not start -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("crash", "failed to open GGUF file 'x.gguf' (No such file or directory) (exit code 1)"),
        ("oom", NO_MEMORY),
        ("orphan", "the parent of a helper gave up (exit code 1)"),
        ("mute+crash", "failed to open GGUF file"),
    ],
)
async def test_an_engine_that_ends_early_is_quoted_and_the_model_before_restored(
    make: Make, behaviour: str, words: str
) -> None:
    hal0 = await make(behaviour)
    await ready(hal0, "good")
    status, body = await load(hal0, behaviour)
    assert (status, body["error"]["code"]) == (502, "engine.failed")
    assert words in body["error"]["message"] and "\n" not in body["error"]["message"]
    assert await hal0.chat("primary") == "I am good"
    error = (await hal0.slot())["last_error"]
    assert (error["model"], error["message"]) == (behaviour, body["error"]["message"])
    _status, body = await hal0.ask(behaviour)  # 502, or 200 if it took so long that the answer had begun
    assert words in body["error"]["message"], "a request is told the same"


async def test_an_engine_killed_while_it_loads_brings_the_model_before_back(make: Make) -> None:
    hal0 = await make("hang")
    await ready(hal0, "good")
    loading = spawn(load(hal0, "hang"), name="load")
    await hal0.until_slot(
        lambda s: s["state"] == "loading" and s["progress"]["fraction"] == 0.3, "the load to hang"
    )
    next(engine for engine in hal0.engines() if "hang" in engine.cmdline()).kill()
    status, body = await soon(loading)
    assert status == 502 and KILLED in body["error"]["message"]
    await hal0.until_ready("good")
    assert await hal0.chat("primary") == "I am good"


async def test_a_slow_engine_shows_how_far_it_is(make: Make) -> None:
    hal0 = await make("slow")
    loading = spawn(load(hal0, "slow"), name="load")
    slots = [slot async for slot in _slots_until_ready(hal0)]
    fractions = [s["progress"]["fraction"] for s in slots if s["progress"] and s["progress"]["fraction"]]
    assert (await soon(loading))[0] == 200
    assert fractions == sorted(fractions) and len(set(fractions)) >= 5


async def _slots_until_ready(hal0: Hal0) -> AsyncIterator[dict[str, Any]]:
    async for _name, data in hal0.events():
        for slot in data.get("slots", []):
            yield slot
            if slot["state"] == "ready":
                return


async def test_an_engine_that_floods_its_log_loads_and_fills_no_memory(make: Make) -> None:
    hal0 = await make("flood")
    assert hal0.process is not None
    router = psutil.Process(hal0.process.pid)
    before = router.memory_info().rss
    await ready(hal0, "flood")
    assert router.memory_info().rss - before < 40e6
    assert await hal0.chat("primary") == "I am flood"
    sizes = [file.stat().st_size for file in hal0.home.rglob("engine-primary.log*")]
    assert sizes and sum(sizes) < 16e6


# -- engines that die in service -----------------------------------------------------------------------


async def test_an_engine_that_dies_before_it_answers_is_a_502(make: Make) -> None:
    hal0 = await make("exit-on-request")
    await ready(hal0, "exit-on-request")
    status, body = await hal0.ask("primary")
    assert (status, body["error"]["code"]) == (502, "engine.failed")
    assert "exit-on-request" in body["error"]["message"] or "too much" in body["error"]["message"]
    await until_idle(hal0)


async def test_an_engine_that_dies_mid_stream_is_told_in_the_stream(make: Make) -> None:
    hal0 = await make("die-mid-stream")
    await ready(hal0, "die-mid-stream")
    async with streaming(hal0) as stream:
        *chunks, error = await stream.rest()
    assert [chunk["choices"][0]["delta"]["content"] for chunk in chunks] == ["I ", "am ", "die-mid-stream"]
    assert error["error"]["code"] == "model_not_available"
    assert error["error"]["details"]["code"] == "engine.failed"
    await until_idle(hal0)


async def test_a_stream_that_a_person_cuts_is_aborted_with_an_error(make: Make) -> None:
    """Row 40."""
    hal0 = await make("endless", config="slots:\n  primary: {model: endless, drain_timeout: 0.3}\n")
    engine = await ready(hal0, "endless")
    async with streaming(hal0) as stream:
        assert (await stream.event())["choices"]
        status, body = await load(hal0, "good")
        assert status == 200 and body["slot"]["model"] == "good"
        assert (await stream.event())["choices"], "it has all the time it needs"
        assert (await hal0.post("/api/slots/primary/cut"))[0] == 200
        error = (await stream.rest())[-1]
    assert error["error"]["code"] == "model_not_available"
    assert error["error"]["details"]["code"] == "slot.aborted"
    await gone([engine])
    assert await hal0.chat("primary") == "I am good"


async def test_a_stream_that_ends_in_time_is_waited_for(make: Make) -> None:
    hal0 = await make()
    await ready(hal0, "good")
    async with streaming(hal0) as stream:
        await stream.event()
        assert (await hal0.post("/api/slots/primary/restart"))[0] == 200
        assert (await stream.rest())[-1] == b"[DONE]"


# -- clients that leave --------------------------------------------------------------------------------


async def test_a_client_that_leaves_mid_stream_gives_its_lease_back(make: Make) -> None:
    hal0 = await make("endless")
    await ready(hal0, "endless")
    async with streaming(hal0) as stream:
        await stream.event()
        assert (await hal0.slot())["in_flight"] == 1
    await until_idle(hal0)
    left = spawn(_until_logged(hal0, "the client left"), name="log")
    await soon(left, "the engine to notice")
    assert (await hal0.slot())["state"] == "ready"


async def _until_logged(hal0: Hal0, words: str) -> None:
    while not any(words in line for line in (await hal0.get("/api/slots/primary/logs"))["lines"]):
        await asyncio.sleep(0.02)


async def test_a_client_that_leaves_before_the_answer_gives_its_lease_back(make: Make) -> None:
    hal0 = await make("silent")
    await ready(hal0, "silent")
    asking = spawn(hal0.ask("primary"), name="ask")
    await hal0.until_slot(lambda s: s["in_flight"] == 1, "the request")
    asking.cancel()
    await asyncio.wait([asking])
    await until_idle(hal0)


async def test_a_client_that_leaves_while_it_waits_leaves_the_load_to_others(make: Make) -> None:
    hal0 = await make("hang")
    asking = spawn(hal0.ask("hang"), name="ask")
    await hal0.until_slot(lambda s: s["state"] == "loading", "the load")
    assert (await hal0.slot())["queued"] == 1
    asking.cancel()
    await asyncio.wait([asking])
    slot = await until_idle(hal0)
    assert (slot["state"], slot["target"]) == ("loading", "hang")


# -- nothing is left over ------------------------------------------------------------------------------


async def test_a_helper_of_the_engine_ends_with_an_unload(make: Make) -> None:
    hal0 = await make("grandchild")
    engine = await ready(hal0, "grandchild")
    helpers = engine.children()
    assert len(helpers) == 1
    assert (await hal0.post("/api/slots/primary/unload"))[0] == 200
    await gone([engine, *helpers])


async def test_quitting_ends_a_deaf_engine_and_its_stream(make: Make) -> None:
    """The longest way down: an order, two SIGTERM and a SIGKILL, 8 seconds."""
    hal0 = await make("deaf+endless+grandchild")
    engine = await ready(hal0, "deaf+endless+grandchild")
    family = [engine, *engine.children()]
    async with streaming(hal0) as stream:
        await stream.event()
        assert await hal0.stop() == 0
        error = (await stream.rest())[-1]
        assert error["error"]["code"] == "model_not_available"
    await gone(family)


@pytest.mark.parametrize("behaviour", ["hang", "mute+hang", "deaf+hang"])
async def test_a_hal0_that_is_killed_while_an_engine_loads_leaves_nothing(make: Make, behaviour: str) -> None:
    hal0 = await make(behaviour)
    await hal0.post("/api/slots/primary/load", {"model": behaviour, "wait": False})
    slot = await hal0.until_slot(lambda s: s["pid"] is not None, "the engine")
    engine = psutil.Process(slot["pid"])
    await hal0.kill()
    await gone([engine])


@pytest.mark.parametrize("behaviour", ["hang", "mute+hang", "deaf+hang"])
async def test_quitting_while_an_engine_loads_leaves_nothing(make: Make, behaviour: str) -> None:
    hal0 = await make(behaviour)
    await hal0.post("/api/slots/primary/load", {"model": behaviour, "wait": False})
    slot = await hal0.until_slot(lambda s: s["pid"] is not None, "the engine")
    engine = psutil.Process(slot["pid"])
    assert await hal0.stop() == 0
    await gone([engine])


# -- other programs as engines -------------------------------------------------------------------------


def command(behaviour: str) -> str:
    return f"{PYTHON} -I -S {PROGRAM.as_posix()} --port {{port}} --behaviour {behaviour}"


async def test_a_command_is_loaded_by_its_health_path_and_proxied(make: Make) -> None:
    slot = f'  other: {{command: "{command("no-health")}", health: /v1/models}}\n'
    hal0 = await make(config=SLOT + slot)
    assert await hal0.chat("other") == "I am no-health"
    status = await hal0.slot("other")
    assert (status["state"], status["model"], status["loaded"]) == ("ready", "other", ["other"])
    async with streaming(hal0, "other") as stream:
        assert (await stream.rest())[-1] == b"[DONE]"
    assert (await hal0.slot())["state"] == "unloaded"
    engine = psutil.Process(status["pid"])
    assert await hal0.stop() == 0
    await gone([engine])


async def test_a_command_that_is_not_there_says_so(make: Make) -> None:
    hal0 = await make(config=SLOT + '  other: {command: "/nowhere/engine --port {port}"}\n')
    status, body = await hal0.ask("other")
    assert (status, body["error"]["code"]) == (400, "model.invalid")
    assert "/nowhere/engine" in body["error"]["message"]


async def test_a_command_that_fails_is_quoted_with_its_last_line(make: Make) -> None:
    broken = f"{PYTHON} -c \\\"import sys; sys.exit('no such model')\\\" {{port}}"
    hal0 = await make(config=SLOT + f'  other: {{command: "{broken}"}}\n')
    status, body = await load(hal0, "other", slot="other")
    assert status == 502 and "no such model (exit code 1)" in body["error"]["message"]


def _is_another_than(pid: int, slot: dict[str, Any]) -> bool:
    return bool(slot["pid"] != pid)


# -- what is past ---------------------------------------------------------------------------------------


async def test_an_answer_in_between_closes_the_case_of_a_crash(
    tmp_path: Path, speaking_model: SpeakingModel, llama_server: Path
) -> None:
    """Row 27, with a real llama-server: killed while idle, answers, killed in a stream, asked again at once."""
    (tmp_path / "models").mkdir()
    words = " ".join(f"word{number}" for number in range(6000))
    shutil.copy(speaking_model(words, "talker"), tmp_path / "models" / "talker.gguf")
    hal0 = Hal0.prepare(tmp_path, llama_server, "slots:\n  primary: {model: talker}\n")
    await hal0.start()

    async def answers() -> None:
        status, body = await hal0.ask(max_tokens=4)  # all words take seconds
        assert status == 200 and "word0" in body["choices"][0]["message"]["content"], body

    try:
        await answers()
        for _ in range(3):
            engine = psutil.Process((await hal0.until_ready())["pid"])
            engine.kill()
            await hal0.until_slot(partial(_is_another_than, engine.pid), "its end being noticed")
            await answers()
            slot = await until_idle(hal0)
            assert slot["last_error"] is None, "it works again"
            async with streaming(hal0) as stream:
                await stream.event()
                psutil.Process(slot["pid"]).kill()
                last = (await stream.rest())[-1]
            assert isinstance(last, dict), hal0.output()
            error = last["error"]
            assert "it was killed (signal 9)" in error["message"], error
            await answers()
    finally:
        await hal0.close()


async def test_an_engine_that_dies_at_every_request_is_left_alone_longer_and_longer(make: Make) -> None:
    """Row 27: being ready once more closes nothing."""
    hal0 = await make("exit-on-request")
    await ready(hal0, "exit-on-request")
    for _ in range(30):
        status, body = await hal0.ask("exit-on-request")
        assert status == 502 and "the request was too much" in body["error"]["message"]
    lines = (await hal0.get("/api/slots/primary/logs"))["lines"]
    assert sum("this is exit-on-request" in line for line in lines) <= 5, "starts for 30 requests"
    slot = await hal0.slot()
    assert slot["last_error"] is not None and "the request was too much" in slot["last_error"]["message"]


async def test_an_engine_whose_port_a_program_takes_meanwhile_starts_on_another(
    tmp_path: Path, llama_server: Path, make_hal0: Callable[[str], Hal0], model_folder: Path
) -> None:
    hal0 = make_hal0(SLOT.replace("good", "alpha"))
    hal0.env["HAL0_LLAMA_SERVER"] = str(slow_server(tmp_path, llama_server, 2.0))
    await hal0.start()
    first = yaml.safe_load((hal0.home / "hal0.yaml").read_text())["engine"]["ports"][0]
    loading = spawn(load(hal0, "alpha"), name="load")
    await hal0.until_slot(lambda s: s["state"] == "starting" and s["pid"], "a process that does not listen yet")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", first))
        other.listen()
        assert (await loading)[0] == 200
    assert (await hal0.slot())["last_error"] is None
    await hal0.until_output("It is started on another port.")
