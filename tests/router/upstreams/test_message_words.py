"""Chats of servers elsewhere in words that are not OpenAI's: each was an error, or lost on the client."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.upstreams.answer_shapes import CHAT, Fault, read_document
from router.upstreams.chunks import whole
from router.upstreams.message_words import finish_reason
from router.upstreams.stream import StreamGuard
from router.upstreams.stream_conversion import as_document


def streamed(*events: bytes) -> bytes:
    guard = StreamGuard(CHAT, new_id=lambda: "made-here")
    return guard.feed(b"".join(events)) + guard.finish()


def event(delta: Any, reason: Any = None, name: str = "") -> bytes:
    told = json.dumps({"id": "1", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})
    return f"{name}data: {told}\n\n".encode()


def both_ways(message: dict[str, Any], reason: Any = "stop") -> list[Any]:
    """What a client reads of it, streamed and not: (message, finish_reason)."""
    collected = json.loads(as_document(CHAT, streamed(event(message), event({}, reason))))
    asked = json.dumps({"choices": [{"message": {"content": None, **message}, "finish_reason": reason}]})
    document = whole(read_document(CHAT, asked, strict=True), lambda: "made-here")
    return [
        (told["choices"][0]["message"], told["choices"][0]["finish_reason"]) for told in (collected, document)
    ]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("stop", "stop"), ("STOP", "stop"), ("eos", "stop"), ("end_turn", "stop"), ("abort", "stop"),
        (0, "stop"),
        ("length", "length"), ("max_tokens", "length"), ("MAX_TOKENS", "length"), ("model_length", "length"),
        ("content_filter", "content_filter"), ("SAFETY", "content_filter"), ("function_call", "function_call"),
        ("tool_calls", "stop"), ("", None), ("null", None), (None, None),
    ],
)  # fmt: skip
def test_why_an_answer_ended_is_one_of_five_words(said: Any, meant: str | None) -> None:
    assert finish_reason(said, called=False) == meant
    called = "tool_calls" if meant == "stop" else meant
    assert finish_reason(said, called=True) == called, "agents carry out what ends so"


@pytest.mark.parametrize("content", ["Hi", [{"type": "text", "text": "Hi"}], {"type": "text", "text": "Hi"}])
def test_content_is_text(content: Any) -> None:
    for message, reason in both_ways({"role": "assistant", "content": content}):
        assert (message["content"], reason) == ("Hi", "stop")
    for message, _reason in both_ways({"content": 5}):
        assert message["content"] == "5"


@pytest.mark.parametrize(
    "thoughts",
    [
        {"thinking": "hm"},
        {"reasoning_text": "hm"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
        {"reasoning": {"text": "hm"}},
        {"reasoning": "hm", "reasoning_details": [{"text": "hm"}]},
        {"reasoning_content": "hm"},
    ],
)
def test_thoughts_have_a_name_that_clients_look_at(thoughts: dict[str, Any]) -> None:
    for message, _reason in both_ways({"content": "Hi", **thoughts}):
        assert (message.get("reasoning_content") or message["reasoning"]) == "hm"
        assert sum(message.get(name) is not None for name in ("reasoning_content", "reasoning")) == 1


F = {"name": "f", "arguments": '{"a": 1}'}
MADE = {"id": "c", "type": "function", "function": F}


@pytest.mark.parametrize(
    "calls",
    [
        [MADE],
        [{"id": "c", "function": F}],
        [{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}],
        [{"id": "c", **F}],
    ],
)
def test_a_call_has_a_type_and_a_function(calls: list[Any]) -> None:
    for message, reason in both_ways({"tool_calls": calls}):
        assert (message["tool_calls"], reason) == ([MADE], "tool_calls")


def test_a_call_without_an_id_gets_one_that_can_be_answered() -> None:
    for message, _reason in both_ways({"tool_calls": [{"function": F}]}):
        assert message["tool_calls"][0]["id"] == "made-here"
    for message, _reason in both_ways({"tool_calls": [{"id": 7, "function": F}]}):
        assert message["tool_calls"][0]["id"] == "7"


def test_events_that_clients_trip_over_are_left_out_or_made_plain() -> None:
    hi, end = event({"content": "Hi"}), event({}, "stop")
    odd = (b"retry: 3000\n\n", b"id: 1\n\n", b"data:\n\n", b"data: \n\n", b"data: null\n\n", b"data: []\n\n")
    plain = streamed(hi, end)
    assert streamed(*odd, hi, *odd, end, b'data: "[DONE]"\n\n') == plain
    assert streamed(hi, end, b"data: [done]\n\n") == plain
    named = streamed(event({"content": "Hi"}, name="event: chat.completion.chunk\n"), end)
    assert named == plain, "openai-node and others skip events with a name"
    assert b": ping\n\n" in streamed(b": ping\n\n", hi, end)


@pytest.mark.parametrize(
    "stray",
    [b'{"error": {"message": "Boom"}}', b'error: {"message": "Boom"}', b"<html><title>Boom</title></html>"],
)
def test_an_error_that_is_no_event_is_told_in_its_words(stray: bytes) -> None:
    """ "It closed the connection before the end" was all that was said."""
    guard = StreamGuard(CHAT)
    guard.feed(event({"content": "Hi"}) + stray)
    with pytest.raises(Fault, match="Boom"):
        guard.finish()
