"""A slot that a Ray Serve with two replicas serves, through its OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
import json

import pytest

from router.config.schema import SlotConfig, UpstreamConfig
from router.state import SlotState, UpstreamState
from tests.engines.running import soon
from tests.router.upstreams.conftest import Use, chat, use

__all__ = ["use"]

pytestmark = pytest.mark.timeout(180)


async def test_a_cluster_behind_a_slot(use: Use, ray_serve: str) -> None:
    bench = use(
        UpstreamConfig("ray", ray_serve), slots={"cluster": SlotConfig("cluster", upstream="ray/llama-70b")}
    )
    status = await bench.state("ray", UpstreamState.OK)
    assert (status.models, status.context_lengths) == (("llama-70b",), (8192,))
    slot = bench.slot("cluster")
    assert (slot.state, slot.model, slot.context_length) == (SlotState.READY, "ray/llama-70b", 8192)

    async def one() -> tuple[str, str]:
        async with await bench.ask("cluster", chat()) as answer:
            body = json.loads(await answer.read())
            return body["choices"][0]["message"]["content"], body["system_fingerprint"]

    said: set[str] = set()
    replicas: set[str] = set()
    async with asyncio.timeout(60):
        while len(replicas) < 2:  # Ray chooses between two at random
            for words, replica in await asyncio.gather(*(one() for _ in range(8))):
                said.add(words)
                replicas.add(replica)
    assert said == {"Hello from the cluster."}
    assert bench.slot("cluster").in_flight == 0


async def test_its_streams_come_word_by_word(use: Use, ray_serve: str) -> None:
    bench = use(UpstreamConfig("ray", ray_serve))
    await bench.state("ray", UpstreamState.OK)
    call = chat()
    streamed = type(call)(
        call.path, lambda model: json.dumps({"model": model, "stream": True}).encode(), streams=True
    )
    async with await bench.ask("llama-70b", streamed) as answer:
        assert answer.head.is_stream
        pieces = [piece async for piece in answer.chunks()]
    events = [line.removeprefix("data: ") for line in b"".join(pieces).decode().split("\n\n") if line]
    assert events.pop() == "[DONE]" and len(events) > 1
    words = [json.loads(event)["choices"][0]["delta"].get("content", "") for event in events]
    assert "".join(words) == "Hello from the cluster."


async def test_a_model_it_does_not_have_is_its_404(use: Use, ray_serve: str) -> None:
    bench = use(UpstreamConfig("ray", ray_serve, models=("llama-70b", "missing")))
    await bench.state("ray", UpstreamState.OK)
    with pytest.raises(Exception, match=r"404 Not Found \(it has no such model or path\): There is no missing"):
        await soon(bench.ask("ray/missing", chat()))
