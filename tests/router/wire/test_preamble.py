"""What a model begins every conversation with (row 12: a name means all that its model is made of)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.wire.openai import engine_body, parse_call
from router.wire.preamble import preceded

HI = {"role": "user", "content": "Hi"}
MINE = {"role": "system", "content": "mine"}
OURS = {"role": "system", "content": "ours"}
SHOT = ({"role": "user", "content": "1+1"}, {"role": "assistant", "content": "2"})
SAID = {
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "2", "annotations": []}],
}


def sent(path: str, body: dict[str, Any], opening: tuple[dict[str, str], ...] = ()) -> Any:
    call = preceded(parse_call(json.dumps(body).encode()), path, "ours", opening)
    return json.loads(engine_body(call, "m", {})) | {"model": None}


@pytest.mark.parametrize(
    ("path", "body", "added"),
    [
        ("/v1/chat/completions", {"messages": [HI]}, {"messages": [OURS, HI]}),
        ("/v1/chat/completions", {"messages": [MINE, HI]}, {}),
        ("/v1/chat/completions", {"messages": [{"role": "developer", "content": "x"}, HI]}, {}),
        ("/v1/chat/completions", {"messages": "wrong"}, {}),
        ("/v1/chat/completions", {"messages": [3]}, {"messages": [OURS, 3]}),
        ("/v1/chat/completions", {}, {}),
        ("/v1/chat/completions/input_tokens", {"messages": [HI]}, {"messages": [OURS, HI]}),
        ("/apply-template", {"messages": [HI]}, {"messages": [OURS, HI]}),
        ("/v1/messages", {"messages": [HI]}, {"system": "ours"}),
        ("/v1/messages", {"messages": [HI], "system": "mine"}, {}),
        ("/v1/messages/count_tokens", {"messages": [HI]}, {"system": "ours"}),
        ("/v1/responses", {"input": "Hi"}, {"instructions": "ours"}),
        ("/v1/responses", {"input": [MINE, HI]}, {}),
        ("/v1/responses", {"input": "Hi", "instructions": "mine"}, {}),
        ("/v1/completions", {"prompt": "Hi"}, {}),
        ("/infill", {"input_prefix": "a"}, {}),
        ("/v1/embeddings", {"input": "Hi"}, {}),
    ],
)
def test_the_prompt_is_for_who_brings_none(path: str, body: dict[str, Any], added: dict[str, Any]) -> None:
    assert sent(path, body) == {**body, **added, "model": None}


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/v1/chat/completions", {"messages": [HI]}, {"messages": [OURS, *SHOT, HI]}),
        ("/v1/chat/completions", {"messages": [MINE, HI]}, {"messages": [MINE, *SHOT, HI]}),
        ("/v1/messages", {"messages": [HI]}, {"messages": [*SHOT, HI], "system": "ours"}),
        ("/v1/responses", {"input": "Hi"}, {"input": [SHOT[0], SAID, HI], "instructions": "ours"}),
    ],
)
def test_messages_come_before_the_clients(path: str, body: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent(path, body, SHOT) == {**expected, "model": None}


def test_what_has_nothing_before_it_goes_on_byte_for_byte() -> None:
    call = parse_call(b'{"model": "m",  "messages": []}')
    assert engine_body(preceded(call, "/v1/chat/completions", "", ()), "m", {}) == call.raw
