"""What was asked of a real hal0, with real engines: recorded once each, kept, told live, counted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import signal
import stat
import subprocess
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.e2e.conftest import ALPHA, SLOTS
from tests.e2e.harness import PROGRAM, WAIT_SECONDS, Hal0

HELLO = {"messages": [{"role": "user", "content": "Hello?"}]}
THREE = """
slots:
  primary: {model: alpha, autoload: true}
  embed: {kind: embedding, model: embed-model, autoload: true}
activity: {bodies: all}
"""
ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "primary", **HELLO, "max_tokens": 8},
    "/v1/completions": {"model": "primary", "prompt": "Hello", "max_tokens": 8},
    "/v1/responses": {"model": "primary", "input": "Hello", "max_output_tokens": 8},
    "/v1/messages": {"model": "primary", **HELLO, "max_tokens": 8},
    "/api/chat": {"model": "primary", **HELLO, "options": {"num_predict": 8}},
    "/api/generate": {"model": "primary", "prompt": "Hello", "options": {"num_predict": 8}},
    "/completion": {"model": "primary", "prompt": "Hello", "n_predict": 8},
    "/v1/embeddings": {"model": "embed", "input": "words"},
    "/api/embed": {"model": "embed", "input": "words"},
}
WITHOUT_TOKENS = {
    "/tokenize": {"model": "primary", "content": "Hello"},
    "/v1/messages/count_tokens": {"model": "primary", **HELLO},
}


async def listed(hal0: Hal0, query: str = "") -> list[dict[str, Any]]:
    told = await hal0.get(f"/api/activity{query}")
    assert "error" not in told, told
    return list(told["requests"])


@pytest.fixture
async def three(make_hal0: Callable[[str], Hal0]) -> Hal0:
    hal0 = make_hal0(THREE)
    await hal0.start()
    for slot in ("primary", "embed"):
        await hal0.until_ready(name=slot)
    return hal0


async def test_tokens_of_every_dialect_streamed_or_not(three: Hal0) -> None:
    for path, body in {**ASKED, **WITHOUT_TOKENS}.items():
        can_stream = "embed" not in path and path not in WITHOUT_TOKENS
        for stream in (False, True) if can_stream else (False,):
            asked = {**body, "stream": stream} if can_stream else body
            async with three.session.post(three.url + path, json=asked) as answer:
                said = await answer.read()
                assert answer.status == 200, (path, said)
                name = answer.headers["X-Request-Id"]
            (row, *_) = await listed(three, "?limit=1")
            assert (row["request"], row["path"], row["status"], row["outcome"]) == (name, path, 200, "answered")
            assert row["asked"] == body["model"] == row["slot"] and row["stream"] is stream
            assert row["model"] == ("embed-model" if body["model"] == "embed" else "alpha")
            if path in WITHOUT_TOKENS:
                assert row["tokens_prompt"] is None
                continue
            assert row["tokens_prompt"] >= 1, (path, stream, row)
            if "embed" not in path:
                assert row["tokens_completion"] >= 1 and row["tokens_cached"] >= 0, (path, stream, row)
                if path != "/v1/messages":  # where the engine tells no times
                    assert row["tokens_per_second"] > 0, (path, stream, row)
            detail = await three.get(f"/api/activity/{row['id']}")
            assert json.loads(detail["body"]["request"]) == asked and not detail["body"]["cut"]
            steps = [step["what"] for step in detail["timeline"]]
            assert steps == ["arrived", "read", "queued", "taken", "first byte", "last byte"]
            times = [step["s"] for step in detail["timeline"]]
            assert times == sorted(times)
            # Ollama's client is told what hal0 made of it; what is kept is what the engine said.
            assert detail["body"]["answer"] if path.startswith("/api") else said.decode() != ""


async def test_a_switch_is_told_with_its_wait(three: Hal0) -> None:
    await asyncio.gather(three.chat("beta"), three.chat("beta"))
    rows = await listed(three, "?model=beta")
    assert sorted(row["switch"] for row in rows) == ["caused", "joined"]
    assert all(row["switched_from"] == "alpha" and row["waited_s"] > 0.01 for row in rows)
    detail = await three.get(f"/api/activity/{rows[0]['id']}")
    assert any(step["what"].startswith("switch ") for step in detail["timeline"])


async def test_every_request_leaves_one_record(make_hal0: Callable[[str], Hal0]) -> None:
    """Of any kind, ended in any way; and those that hal0's end cuts off are there after a restart."""
    hal0 = make_hal0(SLOTS)
    await hal0.start()
    await hal0.until_ready("alpha")
    chance = random.Random(7)
    names: list[str] = []

    async def one(number: int) -> None:
        names.append(name := f"r{number}")
        body: dict[str, Any] = {"model": "primary", **HELLO, "stream": chance.random() < 0.5, "max_tokens": 20}
        path, kind = "/v1/chat/completions", number % 8
        if kind == 0:
            body["model"] = "nobody"
        elif kind == 1:
            path = "/v1/embeddings"
        elif kind == 2:
            body["messages"] = 5
        elif kind == 3:
            path = "/nothing/here"
        headers = {"X-Request-Id": name, **({"Expect": "nonsense"} if kind == 4 else {})}
        try:
            async with asyncio.timeout(chance.uniform(0.0, 0.1) if kind == 5 else WAIT_SECONDS):
                async with hal0.session.post(hal0.url + path, json=body, headers=headers) as answer:
                    if kind != 6:
                        await answer.read()
        except (TimeoutError, aiohttp.ClientError):
            assert kind == 5

    for start in range(0, 160, 8):
        await asyncio.gather(*(one(number) for number in range(start, start + 8)))
    found: list[str] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while len(found) < len(names) - 20:  # who left at once may never have come
            await asyncio.sleep(0.1)
            found = [row["request"] for row in await listed(hal0, "?limit=500")]
    await asyncio.sleep(0.3)
    rows = await listed(hal0, "?limit=500")
    found = [row["request"] for row in rows]
    assert len(found) == len(set(found)) and set(found) <= set(names)
    assert {names[n] for n in range(len(names)) if n % 8 != 5} <= set(found)
    assert {row["outcome"] for row in rows} >= {"answered", "refused"}
    assert {row["status"] for row in rows} >= {200, 400, 404, 417}


async def test_what_hal0_s_end_cuts_off_is_there_after_a_restart(hal0: Hal0) -> None:
    body = {"model": "primary", **HELLO, "stream": True, "max_tokens": 30_000, "ignore_eos": True}
    async with hal0.session.post(
        f"{hal0.url}/v1/chat/completions", json=body, headers={"X-Request-Id": "cut"}
    ) as answer:
        await answer.content.readany()
        assert await hal0.stop() == 0
    await hal0.start()
    (row,) = await listed(hal0)
    assert (row["request"], row["status"]) == ("cut", 200)
    assert row["outcome"] in ("stopped", "broken") and row["failed"]
    file = hal0.own_folder("state") / "activity.db"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_kill_loses_no_more_than_the_last_second(hal0: Hal0) -> None:
    await hal0.chat()
    await asyncio.sleep(1.0)
    await hal0.kill()
    await hal0.start()
    assert len(await listed(hal0)) == 1


async def test_requests_are_told_as_they_end(hal0: Hal0) -> None:
    async with hal0.session.get(f"{hal0.url}/api/events?activity=true") as answer:
        names = []
        asked = asyncio.get_running_loop().create_future()

        async def read() -> dict[str, Any]:
            async for raw in answer.content:
                line = raw.decode().rstrip()
                if line.startswith("event: "):
                    names.append(line.removeprefix("event: "))
                    if not asked.done():
                        asked.set_result(None)
                elif line.startswith("data: ") and names[-1] == "activity":
                    return dict(json.loads(line.removeprefix("data: ")))
            raise AssertionError("it ended")

        async with asyncio.timeout(WAIT_SECONDS), asyncio.TaskGroup() as group:
            reading = group.create_task(read())
            await asked
            await hal0.chat()
    told = reading.result()
    assert names[0] == "snapshot" and told["missed"] == 0
    assert told["requests"] == await listed(hal0)


async def test_nothing_of_it_stays_when_a_person_says_so(three: Hal0) -> None:
    await three.chat()
    async with three.session.delete(f"{three.url}/api/activity") as answer:
        assert (await answer.json())["kept"] == 0
    assert await listed(three) == []
    files = [path.read_bytes() for path in three.own_folder("state").glob("activity.db*")]
    assert files and not any(b"Hello?" in raw for raw in files)


async def test_keys_are_nowhere_and_needed(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(SLOTS + "activity: {bodies: all}\n")
    config = hal0.home / "hal0.yaml"
    config.write_text(config.read_text().replace("server: {", "server: {api_keys: [a-right-key], "))
    await hal0.start()
    right = {"Authorization": "Bearer a-right-key"}
    for headers in (right, {"Authorization": "Bearer a-wrong-key"}, {"x-api-key": "a-wrong-key"}):
        body = {"model": "nobody", **HELLO}
        async with hal0.session.post(f"{hal0.url}/v1/chat/completions", json=body, headers=headers) as answer:
            assert answer.status in (401, 404)
    for path in ("/api/activity", "/api/events?activity=true"):
        async with hal0.session.get(hal0.url + path) as answer:
            assert answer.status == 401, "what others asked is nobody's business"
    assert "slots" in await hal0.get("/api/state"), "which anybody here may read"
    told = await hal0.get("/api/activity", **right)
    assert [row["status"] for row in told["requests"]] == [401, 401, 404]
    details = [await hal0.get(f"/api/activity/{row['id']}", **right) for row in told["requests"]]
    files = [path.read_bytes() for path in hal0.own_folder("state").glob("activity.db*")]
    assert "a-right-key" not in str(details) and "a-wrong-key" not in str(details)
    assert not any(b"-key" in raw for raw in files)


async def test_a_changed_configuration_is_followed(hal0: Hal0) -> None:
    await hal0.chat()
    assert len(await listed(hal0)) == 1
    change = {"path": ["activity", "keep"], "value": 0}
    status, _ = await hal0.post("/api/config", {"changes": [change]})
    assert status == 200
    await hal0.chat()
    assert await listed(hal0) == []


async def test_what_cannot_be_asked_is_said(hal0: Hal0) -> None:
    for path in ("?limit=x", "?limit=2000", "?since=-1", "?colour=red", "?failed=perhaps", "/primary"):
        async with hal0.session.get(f"{hal0.url}/api/activity{path}") as answer:
            assert answer.status == 400, path
    async with hal0.session.get(f"{hal0.url}/api/activity/12") as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (404, "activity.not_found")


async def test_a_folder_that_cannot_be_written_costs_no_request(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(SLOTS)
    (hal0.own_folder("state") / "activity.db").mkdir(parents=True)
    await hal0.start()
    assert await hal0.chat() == ALPHA
    told = await hal0.get("/api/activity")
    assert told["requests"] == [] and told["lost"] == 1 and "cannot be recorded" in told["problem"]


async def test_the_command_line_shows_it(hal0: Hal0) -> None:
    await hal0.chat()
    await hal0.ask("nobody")
    shown = await asyncio.to_thread(hal0.cli, "activity")
    lines = shown.stdout.splitlines()
    assert shown.returncode == 0 and len(lines) == 3, shown
    assert re.search(r"127\.0\.0\.1 +primary +alpha +200 ", lines[1]) and "404 model.not_found" in lines[2]
    failed = await asyncio.to_thread(hal0.cli, "activity", "--failed", "--json")
    (row,) = [json.loads(line) for line in failed.stdout.splitlines()]
    assert row["code"] == "model.not_found"
    nothing = await asyncio.to_thread(hal0.cli, "activity", "--slot", "other")
    assert nothing.stdout == "Nothing was asked yet.\n"


async def test_the_command_line_follows(hal0: Hal0) -> None:
    await hal0.ask("nobody")
    argv = [*PROGRAM, "activity", "--follow", "--json"]
    process = await asyncio.create_subprocess_exec(*argv, env=hal0.env, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(WAIT_SECONDS):
        first = json.loads(await process.stdout.readline())
        await hal0.chat()
        second = json.loads(await process.stdout.readline())
    assert (first["status"], second["status"]) == (404, 200)
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 130


async def test_what_a_server_elsewhere_answers(make_hal0: Callable[[str], Hal0]) -> None:
    """One that tells nothing but `usage`; and one whose answer breaks off."""
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 5}}
    words = [{"index": 0, "delta": {"content": word}, "finish_reason": None} for word in ("so ", "it ", "is")]
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}

    async def chat(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        if not asked.get("stream"):
            message = {"index": 0, "message": {"role": "assistant", "content": "so"}, "finish_reason": "stop"}
            return web.json_response({"model": "llama", "choices": [message], "usage": usage})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for choice in (*words, end):
            await response.write(f"data: {json.dumps({'model': 'llama', 'choices': [choice]})}\n\n".encode())
            await asyncio.sleep(0.02)
            if asked["model"] == "breaks":
                assert request.transport is not None
                request.transport.abort()
                return response
        await response.write(f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    async with TestServer(app, host="127.0.0.1") as far:
        upstream = f'far: {{base_url: "http://127.0.0.1:{far.port}/v1", models: [llama, breaks]}}'
        hal0 = make_hal0(f"{SLOTS}upstreams: {{{upstream}}}\n")
        await hal0.start()
        for stream in (True, False):
            async with hal0.session.post(
                f"{hal0.url}/v1/chat/completions", json={"model": "far/llama", **HELLO, "stream": stream}
            ) as answer:
                said = await answer.read()
                assert answer.status == 200, said
            (row, *_) = await listed(hal0)
            assert (row["upstream"], row["model"], row["slot"]) == ("far", "llama", None)
            assert (row["resolution_path"], row["outcome"], row["stream"]) == ("upstream", "answered", stream)
            assert (row["tokens_prompt"], row["tokens_cached"], row["tokens_completion"]) == (7, 5, 3)
            assert (row["tokens_per_second"] is not None) is stream
        with contextlib.suppress(aiohttp.ClientError):
            await hal0.ask("far/breaks", stream=True)
        (row, *_) = await listed(hal0)
        assert (row["status"], row["outcome"], row["code"]) == (200, "broken", "upstream.failed")
        assert row["failed"] and row["first_byte_s"] is not None
        await hal0.until_output("resolution_path=upstream slot=- served=far/llama")


async def test_what_was_asked_is_counted(hal0: Hal0) -> None:
    await hal0.chat()
    await hal0.chat("beta")
    await hal0.ask("nobody")
    async with hal0.session.get(f"{hal0.url}/metrics") as answer:
        assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = await answer.text()
    counts = {
        (found["model"], found["status"]): float(found["count"])
        for found in re.finditer(
            r'^hal0_requests_total{.*model="(?P<model>.*?)".*status="(?P<status>\d+)"} (?P<count>.*)$',
            text,
            re.MULTILINE,
        )
    }
    assert counts == {("alpha", "200"): 1, ("beta", "200"): 1, ("", "404"): 1}
    for line in (
        'hal0_switches_total{slot="primary"} 1.0',
        'hal0_loads_total{result="loaded",slot="primary"} 2.0',
        'hal0_slot_model{model="beta",slot="primary"} 1.0',
        'hal0_slot_state{slot="primary",state="ready"} 1.0',
    ):
        assert line in text.splitlines(), text
    tokens = re.search(
        r'^hal0_tokens_total{model="beta",slot="primary",type="completion"} (.*)$', text, re.MULTILINE
    )
    assert tokens is not None and float(tokens[1]) >= 1
    checked = await asyncio.to_thread(
        subprocess.run, ["promtool", "check", "metrics"], input=text.encode(), capture_output=True, timeout=60
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
