"""What an answer is to be like, where llama-server would pass over it; the real engine."""

from __future__ import annotations

import json

import pytest

from tests.e2e.harness import Hal0

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
ASKED = {"model": "primary", "input": "Hi", "max_output_tokens": 64, "temperature": 0}


async def test_a_response_has_the_format_it_was_asked_for(hal0: Hal0) -> None:
    """It was the model's free text: `responses.parse` of openai-python failed on it."""
    for wanted in ({"type": "json_schema", "name": "x", "schema": SCHEMA}, {"type": "json_object"}):
        status, told = await hal0.post("/v1/responses", {**ASKED, "text": {"format": wanted}})
        assert status == 200
        assert told["output"][0]["content"][0]["text"].lstrip().startswith("{")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_stop_sequence_is_the_reason_that_is_told(hal0: Hal0, stream: bool) -> None:
    body = {"model": "primary", "max_tokens": 20, "messages": [{"role": "user", "content": "Hi"}]}
    body |= {"stop_sequences": ["who"], "stream": stream}
    async with hal0.session.post(f"{hal0.url}/v1/messages", json=body) as answer:
        raw = await answer.text()
    events = [json.loads(line[6:]) for line in raw.splitlines() if line.startswith("data: ")]
    ended = next(e["delta"] for e in events if e["type"] == "message_delta") if stream else json.loads(raw)
    assert (ended["stop_reason"], ended["stop_sequence"]) == ("stop_sequence", "who")


async def test_what_a_completion_cannot_do_is_refused(hal0: Hal0) -> None:
    for more in ({"echo": True, "logprobs": 1, "max_tokens": 0}, {"suffix": "end"}):
        status, told = await hal0.post("/v1/completions", {"model": "primary", "prompt": "Hi", **more})
        assert status == 400 and told["error"]["param"] in more
