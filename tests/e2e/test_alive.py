"""What clients need while a model loads, byte by byte, with a real engine that takes three seconds."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from router.base.tasks import spawn
from tests.e2e.conftest import ALPHA, BETA, SLOTS
from tests.e2e.harness import Hal0
from tests.engines.slow import slow_server

LOAD_SECONDS = 3.0
HELLO = {"messages": [{"role": "user", "content": "Hello?"}]}
STREAMED = {
    "/v1/chat/completions": {"model": "primary", "stream": True, **HELLO},
    "/v1/completions": {"model": "primary", "stream": True, "prompt": "Say it:"},
    "/v1/responses": {"model": "primary", "stream": True, "input": "Hello?"},
    "/v1/messages": {"model": "primary", "stream": True, "max_tokens": 99, **HELLO},
    "/completion": {"model": "primary", "stream": True, "prompt": "Say it:"},
}


@pytest.fixture
async def slow(make_hal0: Callable[[str], Hal0], llama_server: Path) -> Hal0:
    """Serving with nothing loaded; each load takes LOAD_SECONDS and more."""
    hal0 = make_hal0(SLOTS.replace(", autoload: true", ""))
    hal0.env["HAL0_LLAMA_SERVER"] = str(slow_server(hal0.home, llama_server, LOAD_SECONDS))
    await hal0.start()
    return hal0


async def timeline(hal0: Hal0, path: str, body: dict[str, Any], **headers: str) -> list[tuple[float, bytes]]:
    """(seconds since the request, bytes) of each piece of an answer that must be 200."""
    began = time.monotonic()
    async with hal0.session.post(hal0.url + path, json=body, headers=headers) as answer:
        assert answer.status == 200
        return [(time.monotonic() - began, piece) async for piece in answer.content.iter_any()]


async def test_every_streamed_dialect_is_told_of_the_load_and_then_answered(slow: Hal0) -> None:
    asked = [timeline(slow, path, body) for path, body in STREAMED.items()]
    for path, pieces in zip(STREAMED, await asyncio.gather(*asked), strict=True):
        first_at, first = pieces[0]
        assert first_at < 2.0, f"{path} was silent for {first_at:.1f} s"
        assert first.startswith((b": hal0 starting alpha", b": hal0 loading alpha")), (path, first)
        said = b"".join(piece for at, piece in pieces if at > LOAD_SECONDS).decode()
        for word in ALPHA.split():
            assert word in said, (path, said)
    await slow.until_slot(lambda s: s["in_flight"] == s["queued"] == 0, "nobody waiting")


async def test_a_single_answer_is_kept_alive_by_line_breaks(slow: Hal0) -> None:
    pieces = await timeline(slow, "/v1/chat/completions", {"model": "primary", **HELLO})
    whole = b"".join(piece for _, piece in pieces)
    assert pieces[0][0] < 2.0 and pieces[0][1] == b"\n"
    assert whole.strip(b"\n").startswith(b"{")
    body = json.loads(whole)
    assert body["object"] == "chat.completion" and body["usage"]["completion_tokens"] > 0
    assert body["choices"][0]["message"]["content"] == ALPHA


async def test_a_warm_answer_has_a_length_and_nothing_before_it(slow: Hal0) -> None:
    assert await slow.chat() == ALPHA
    body = {"model": "primary", **HELLO}
    async with slow.session.post(slow.url + "/v1/chat/completions", json=body) as answer:
        raw = await answer.read()
        assert answer.content_length == len(raw) and raw.startswith(b"{")


async def test_progress_events_come_only_when_asked_for(slow: Hal0) -> None:
    body = STREAMED["/v1/chat/completions"]
    with_events, without = await asyncio.gather(
        timeline(slow, "/v1/chat/completions", body, **{"X-Hal0-Progress": "events"}),
        timeline(slow, "/v1/chat/completions", body),
    )
    told = b"".join(piece for _, piece in with_events)
    assert b"event: model_switching\ndata: " in told
    event = json.loads(told.split(b"event: model_switching\ndata: ")[1].split(b"\n")[0])
    assert event["model"] == "alpha" and event["phase"] in ("starting", "loading", "warming")
    assert b"event:" not in b"".join(piece for _, piece in without)


async def test_who_does_not_want_to_wait_is_told_the_phase_and_the_load_begins(slow: Hal0) -> None:
    """Seed 001: "Down container -> existing readiness gate returns slot.loading 503"."""
    async with slow.session.post(
        slow.url + "/v1/chat/completions", json={"model": "primary", **HELLO}, headers={"X-Hal0-Wait": "0"}
    ) as answer:
        body = await answer.json()
        assert (await slow.slot())["state"] != "ready", "it is told before the load ends"
        assert (answer.status, body["error"]["code"]) == (503, "slot.loading")
        assert int(answer.headers["Retry-After"]) > 0 and body["error"]["details"]["phase"]
    await slow.until_ready("alpha")
    assert await slow.chat() == ALPHA


async def test_many_cold_requests_join_one_load(slow: Hal0) -> None:
    answers = await asyncio.gather(*(slow.chat("primary") for _ in range(30)))
    assert set(answers) == {ALPHA}
    assert slow.output().count("slot primary: queued") == 1, slow.output()


async def test_a_client_that_leaves_does_not_stop_the_load_it_began(slow: Hal0) -> None:
    client = spawn(slow.chat(), name="client")
    await slow.until_output("slot primary: starting")
    client.cancel()
    slot = await slow.until_ready("alpha")
    assert slot["in_flight"] == 0 and slot["queued"] == 0
    assert slow.output().count("slot primary: queued") == 1, slow.output()


async def test_metadata_and_probes_never_load(slow: Hal0) -> None:
    """Seed 004: "Non-chat endpoints (GET probes, /api/show) no longer trigger unwanted model reloads"."""
    for path in ("/v1/models", "/models", "/v1/models/primary", "/props", "/v1/props", "/version", "/v1"):
        assert "error" not in await slow.get(path), path
    assert (await slow.get("/props"))["default_generation_settings"]["n_ctx"] == 65536
    for path in ("/slots", "/metrics?model=primary"):
        assert (await slow.get(path))["error"]["code"] == "slot.loading"
    counts = ("/v1/messages/count_tokens", "/v1/chat/completions/input_tokens")
    for path, body in (("/tokenize", {"content": "hi"}), *((path, HELLO) for path in counts)):
        status, answer = await slow.post(path, body)
        assert status == 503, answer
    assert (await slow.slot())["state"] == "unloaded" and "starting" not in slow.output()


async def test_a_load_that_fails_late_ends_every_kind_of_answer_with_the_reason(
    make_hal0: Callable[[str], Hal0], llama_server: Path
) -> None:
    hal0 = make_hal0("slots:\n  primary: {model: odd}\n")
    data = (hal0.home / "models" / "beta.gguf").read_bytes()
    odd = data.replace(b"blk.0.attn_norm.weight", b"xxx.0.attn_norm.weight")
    (hal0.home / "models" / "odd.gguf").write_bytes(odd)
    hal0.env["HAL0_LLAMA_SERVER"] = str(slow_server(hal0.home, llama_server, LOAD_SECONDS))
    await hal0.start()
    paths = [*STREAMED, "/v1/chat/completions"]
    bodies = [*STREAMED.values(), {"model": "primary", **HELLO}]
    asked = [timeline(hal0, p, b) for p, b in zip(paths, bodies, strict=True)]
    answers = [b"".join(piece for _, piece in pieces).decode() for pieces in await asyncio.gather(*asked)]
    for path, answer in zip(paths, answers, strict=True):
        assert "attn_norm" in answer, (path, answer)
    chat, completion, responses, messages, native, single = answers
    last = json.loads(chat.strip().splitlines()[-1].removeprefix("data: "))
    assert last["error"]["code"] == "model_not_available" and last["error"]["type"] == "server_error"
    assert last["error"]["details"]["code"] == "engine.failed"
    assert '"code": "model_not_available"' in completion and '"code": "model_not_available"' in native
    assert "event: error" in responses and "event: error" in messages
    assert json.loads(single)["error"]["code"] == "engine.failed"
    await hal0.until_slot(lambda s: s["in_flight"] == s["queued"] == 0, "nobody waiting")
    assert (await hal0.slot())["state"] == "failed"


async def test_a_switch_during_a_load_serves_each_request_by_the_model_it_named(slow: Hal0) -> None:
    first = spawn(slow.chat("alpha"), name="first")
    await slow.until_slot(lambda s: s["state"] in ("starting", "loading"), "the first load")
    answers = await asyncio.gather(first, slow.chat("beta"), slow.chat("alpha"), slow.chat("beta"))
    assert answers == [ALPHA, BETA, ALPHA, BETA]
    assert slow.output().count("slot primary: starting") == 2
