"""A running hal0 whose slot `cluster` is served by Ray Serve."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Hal0
from tests.engines.running import make_server

pytestmark = pytest.mark.timeout(180)

SAID = "Hello from the cluster."
HELLO = {"messages": [{"role": "user", "content": "Hello?"}]}
CONFIG = """
upstreams: {{ray: {{base_url: "{url}"}}}}
slots:
  cluster: {{kind: chat, upstream: "ray/llama-70b"}}
"""


@pytest.fixture
async def hal0(tmp_path: Path, ray_serve: str) -> AsyncIterator[Hal0]:
    running = Hal0.prepare(tmp_path, make_server(tmp_path / "llama-server"), CONFIG.format(url=ray_serve))
    await running.start()
    await running.until_ready("ray/llama-70b", "cluster")
    yield running
    await running.close()


async def test_the_slot_cluster_answers_from_both_replicas(hal0: Hal0) -> None:
    replicas: set[str] = set()

    async def one() -> str:
        status, body = await hal0.ask("cluster")
        assert status == 200, body
        replicas.add(body["system_fingerprint"])
        return str(body["choices"][0]["message"]["content"])

    async with asyncio.timeout(60):
        while len(replicas) < 2:  # Ray chooses between two at random
            assert set(await asyncio.gather(*(one() for _ in range(8)))) == {SAID}
    slot = await hal0.until_slot(lambda s: not s["in_flight"], "nobody waiting", "cluster")
    assert (slot["upstream"], slot["context_length"], slot["pid"]) == ("ray/llama-70b", 8192, None)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"model": "cluster", "stream": True, **HELLO}),
        ("/v1/chat/completions", {"model": "ray/llama-70b", "stream": True, **HELLO}),
        ("/v1/chat/completions", {"model": "llama-70b", "stream": True, **HELLO}),
        ("/api/chat", {"model": "cluster", **HELLO}),
        ("/api/chat", {"model": "cluster:latest", **HELLO}),
    ],
)
async def test_every_name_of_it_streams(hal0: Hal0, path: str, body: dict[str, Any]) -> None:
    async with hal0.session.post(hal0.url + path, json=body) as answer:
        text = await answer.text()
        assert answer.status == 200 and answer.headers["X-Hal0-Served-By"] == "ray/llama-70b", text
    lines = [line.removeprefix("data: ") for line in text.splitlines()]
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert "".join(_word(event) for event in events) == SAID


def _word(event: dict[str, Any]) -> str:
    if "message" in event:
        return str(event["message"]["content"])
    return str(event["choices"][0]["delta"].get("content", ""))


async def test_what_it_does_not_speak_is_told(hal0: Hal0) -> None:
    status, body = await hal0.post("/v1/messages", {"model": "cluster", "max_tokens": 9, **HELLO})
    assert status == 502 and "404 Not Found (it has no such model or path)" in body["error"]["message"]
    status, body = await hal0.post("/api/slots/cluster/restart")
    assert status == 404 and "ray/llama-70b answers for it" in body["error"]["message"]
