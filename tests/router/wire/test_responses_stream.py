"""Events of the responses API without numbers, as llama-server writes them, and with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.base.errors import EngineFailed
from router.wire.responses_stream import NumberedResponses

PART = {"item_id": "m", "part": {"type": "output_text", "text": ""}}
EVENTS: list[dict[str, Any]] = [
    {"type": "response.created", "response": {"id": "r", "status": "in_progress"}},
    {"type": "response.output_item.added", "item": {"id": "t", "type": "reasoning"}},
    {"type": "response.reasoning_text.delta", "item_id": "t", "delta": "hm"},
    {"type": "response.output_item.added", "item": {"id": "m", "type": "message", "content": []}},
    {"type": "response.content_part.added", **PART},
    {"type": "response.output_text.delta", "item_id": "m", "delta": "Grüße"},
    {"type": "response.output_item.added", "item": {"id": "fc_1", "type": "function_call"}},
    {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "delta": "{}"},
    {"type": "response.output_item.done", "item": {"id": "m", "type": "message"}},
    {"type": "response.completed", "response": {"id": "r", "output": []}},
]


def raw(events: list[dict[str, Any]]) -> bytes:
    told = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return b": hal0 loading\n\n" + told.encode()


def read(stream: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in stream.decode().split("\n") if line.startswith("data: ")]


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_each_event_has_its_numbers_however_the_bytes_are_cut(size: int) -> None:
    """`responses.stream()` of openai-python failed: `list indices must be integers`."""
    encoder, stream = NumberedResponses(), raw(EVENTS)
    pieces = (encoder.feed(stream[at : at + size]) for at in range(0, len(stream), size))
    out = b"".join(pieces) + encoder.finish()
    told = read(out)
    assert out.startswith(b": hal0 loading\n\nevent: response.created\n")
    assert [event["sequence_number"] for event in told] == [*range(len(EVENTS))]
    assert [event.get("output_index") for event in told] == [None, 0, 0, 1, 1, 1, 2, 2, 1, None]
    assert [event.get("content_index") for event in told] == [None, None, 0, None, 0, 0, None, None, None, None]
    assert told[0]["response"]["output"] == [] and told[5]["delta"] == "Grüße"
    known = {"sequence_number", "output_index", "content_index", "response"}
    assert [{k: v for k, v in event.items() if k not in known} for event in told] == [
        {k: v for k, v in event.items() if k != "response"} for event in EVENTS
    ]


def test_what_is_numbered_stays_as_it_is() -> None:
    numbered = [
        {"type": "response.created", "response": {"output": []}, "sequence_number": 4},
        {
            "type": "response.output_text.delta",
            "item_id": "m",
            "output_index": 3,
            "content_index": 2,
            "delta": "a",
            "sequence_number": 9,
        },
        {"type": "response.completed", "response": {"output": []}, "sequence_number": 10},
    ]
    encoder = NumberedResponses()
    assert encoder.feed(raw(numbered)) + encoder.finish() == raw(numbered)


def test_half_an_event_is_followed_by_an_error_and_nothing_else() -> None:
    encoder = NumberedResponses()
    assert encoder.feed(raw(EVENTS[:2]) + b"event: resp").endswith(b"\n\n")
    with pytest.raises(EngineFailed):
        encoder.finish()
    assert encoder.late_error(EngineFailed("It died.")).startswith(b"event: error")


def test_a_document_instead_of_a_stream_passes() -> None:
    encoder = NumberedResponses()
    assert encoder.feed(b'{"object": "response"}') + encoder.finish() == b'{"object": "response"}'
