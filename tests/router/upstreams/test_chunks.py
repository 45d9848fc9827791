"""Chat answers of servers elsewhere as every client reads them: tool calls above all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from router.upstreams.answer_shapes import CHAT, MESSAGES, TEXT
from router.upstreams.chunks import whole
from router.upstreams.stream import StreamGuard
from router.upstreams.stream_conversion import as_document
from router.wire.sse import SseParser

DONE = b"data: [DONE]\n\n"


def event(delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **more}
    return f"data: {json.dumps({'id': 'x', 'choices': [choice]})}\n\n".encode()


def call(name: str | None = None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    function = {k: v for k, v in (("name", name), ("arguments", arguments)) if v is not None}
    return {**more, "function": function}


def calls_in(*pieces: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(id, name, arguments) of the calls that a client puts together from these pieces, one a chunk: by their
    index, adding up all texts."""
    guard = StreamGuard(CHAT)
    stream = b"".join(event({"tool_calls": [piece]}) for piece in pieces) + event({}, "tool_calls") + DONE
    out = guard.feed(stream) + guard.finish()
    made: dict[int, list[str]] = {}
    for told in SseParser().feed(out):
        for choice in told.json().get("choices", []):
            for piece in choice["delta"].get("tool_calls", []):
                texts = made.setdefault(piece["index"], ["", "", ""])
                function = piece.get("function", {})
                for at, value in enumerate((piece.get("id"), function.get("name"), function.get("arguments"))):
                    texts[at] += value or ""
    assert sorted(made) == list(range(len(made)))
    return [(id_, name, arguments) for _, (id_, name, arguments) in sorted(made.items())]


A, B = ("a", "look", '{"x": 1}'), ("b", "find", '{"y": 2}')
LOOK, FIND = call("look", '{"x": 1}'), call("find", '{"y": 2}')


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([{**LOOK, "id": "a", "index": 0}, {**FIND, "id": "b", "index": 1}], [A, B]),
        ([{**LOOK, "id": "a"}, {**FIND, "id": "b"}], [A, B]),
        ([{**LOOK, "id": "a", "index": 0}, {**FIND, "id": "b", "index": 0}], [A, B]),
        ([{**LOOK, "id": "", "index": 0}, {**FIND, "id": "", "index": 0}], [("", *A[1:]), ("", *B[1:])]),
        ([{**LOOK, "id": "a", "index": 1}, {**FIND, "id": "b", "index": 2}], [A, B]),
        ([{**LOOK, "id": "a"}, {**LOOK, "id": "b"}], [A, ("b", *A[1:])]),
        ([call("look", '{"x"', id="a", index=0), call("look", ": 1}", id="a", index=0)], [A]),
        ([call("look", "", id="a", index=0), call("", '{"x": 1}', id="", index=0)], [A]),
        ([call("look", "", id="a"), call(None, '{"x"'), call(None, ": 1}")], [A]),
        ([call("look", {"x": 1}, id="a", index=0), call("find", {"y": 2}, id="b", index=0)], [A, B]),
        ([call("look", None, id="a", index=0), call(None, '{"x": 1}', index=0)], [A]),
        ([{**LOOK, "id": "a", "index": 0}, call("look", "", index=0)], [A]),
    ],
    ids=["well", "unnumbered", "all 0", "no ids", "from 1", "twice the same", "named again", "empty names",
         "unnumbered pieces", "objects", "no arguments", "an empty end"],
)  # fmt: skip
def test_each_call_is_its_own(pieces: list[dict[str, Any]], expected: list[tuple[str, str, str]]) -> None:
    assert calls_in(*pieces) == expected


def test_several_in_one_chunk_and_those_of_another_choice_are_kept_apart() -> None:
    both = {"tool_calls": [{**LOOK, "id": "a"}, {**FIND, "id": "b"}]}
    chunk = {"choices": [{"index": 0, "delta": both}, {"index": 1, "delta": both}]}
    ends = {"choices": [{"index": n, "delta": {}, "finish_reason": "tool_calls"} for n in (0, 1)]}
    guard = StreamGuard(CHAT)
    out = guard.feed(f"data: {json.dumps(chunk)}\n\ndata: {json.dumps(ends)}\n\n".encode()) + guard.finish()
    for choice in json.loads(as_document(CHAT, out))["choices"]:
        assert [made["function"]["name"] for made in choice["message"]["tool_calls"]] == ["look", "find"]


def test_a_document_whose_arguments_are_objects_gets_them_as_text() -> None:
    def answer(arguments: Any) -> dict[str, Any]:
        made = {"id": "a", "type": "function", "function": {"name": "look", "arguments": arguments}}
        return {
            "choices": [{"message": {"content": None, "tool_calls": [made]}}, {"message": {"content": "Hi"}}]
        }

    assert whole(answer({"x": 1})) == answer('{"x": 1}')
    plain = answer('{"x": 1}')
    assert whole(plain) is plain


def test_a_document_s_calls_are_functions_and_its_content_is_text_as_in_a_stream() -> None:
    made = {"id": "a", "function": {"name": "look", "arguments": "{}"}}
    parts = ["One ", {"type": "text", "text": "two."}, {"type": "reference", "reference_ids": [1]}]
    told = whole({"choices": [{"message": {"content": parts, "tool_calls": [made]}}]})
    message = told["choices"][0]["message"]
    assert message == {"content": "One two.", "tool_calls": [{"type": "function", **made}]}


@pytest.mark.parametrize("delta", [True, "x", [1], {"tool_calls": 5}])
def test_a_delta_beside_a_text_is_nothing(delta: Any) -> None:
    choice = {"index": 0, "text": "Hi", "delta": delta, "finish_reason": "stop"}
    out = StreamGuard(TEXT).feed(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
    told = next(iter(SseParser().feed(out))).json()["choices"][0]
    assert (told["text"], "delta" in told) == ("Hi", False)


@pytest.mark.parametrize("choice", [{"delta": None}, {}, {"delta": None, "finish_reason": "stop"}])
def test_every_choice_of_a_chat_stream_has_a_delta(choice: dict[str, Any]) -> None:
    """Clients read `delta.content` of each."""
    guard = StreamGuard(CHAT)
    out = guard.feed(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
    assert [told.json()["choices"][0]["delta"] for told in SseParser().feed(out)] == [{}]


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_events_without_an_empty_line_between_them_are_events(size: int, ends: str) -> None:
    said = [{"content": "Hé"}, {"content": "llo 😀"}]
    lines = [event(delta).decode().strip() for delta in said] + [
        event({}, "stop").decode().strip(),
        "data: [DONE]",
    ]
    raw = (ends.join(lines) + ends).encode()
    guard = StreamGuard(CHAT)
    out = [guard.feed(raw[at : at + size]) for at in range(0, len(raw), size)]
    assert size > 1 or any(b'"content"' in piece for piece in out[: len(raw) // 2]), (
        "each is told when it is there"
    )
    whole_stream = b"".join(out) + guard.finish()
    assert json.loads(as_document(CHAT, whole_stream))["choices"][0]["message"]["content"] == "Héllo 😀"
    assert whole_stream.endswith(DONE) and whole_stream.count(b"\n\n") == 4


def test_named_events_without_empty_lines_are_events() -> None:
    raw = b'event: ping\ndata: {"type": "ping"}\nevent: message_stop\ndata: {"type": "message_stop"}\n'
    guard = StreamGuard(MESSAGES)
    assert guard.feed(raw) + guard.finish() == (
        b'event: ping\ndata: {"type": "ping"}\n\nevent: message_stop\ndata: {"type": "message_stop"}\n\n'
    )


@pytest.mark.parametrize("behind", [b"id: 5", b"event: message", b": hm"])
def test_what_stands_behind_the_data_of_one_event_is_no_event(behind: bytes) -> None:
    guard = StreamGuard(CHAT)
    block = event({"content": "Hi"}).strip() + b"\n" + behind + b"\n\n"
    assert guard.feed(block) == block
    lines = b'data: {"choices":\ndata: [{"index": 0, "delta": {"content": "two"}}]}\n\n'
    assert guard.feed(lines) == lines


def test_a_message_or_a_text_in_place_of_a_delta_is_not_lost() -> None:
    guard = StreamGuard(CHAT)
    odd = [{"index": 0, "message": {"role": "assistant", "content": "One "}}, {"index": 0, "text": "two."}]
    raw = b"".join(f"data: {json.dumps({'choices': [choice]})}\n\n".encode() for choice in odd)
    out = guard.feed(raw + event({}, "stop"))
    deltas = [told.json()["choices"][0]["delta"].get("content") for told in SseParser().feed(out)]
    assert deltas == ["One ", "two.", None]
    out = StreamGuard(TEXT).feed(event({"content": "Hi"}) + event({}, "stop"))
    assert [told.json()["choices"][0]["text"] for told in SseParser().feed(out)] == ["Hi", ""]


@pytest.mark.parametrize(
    ("delta", "reason"), [({"content": "Hi"}, "stop"), ({"tool_calls": [LOOK]}, "tool_calls")]
)
def test_a_stream_that_ends_with_done_alone_says_why_it_ended(delta: dict[str, Any], reason: str) -> None:
    guard = StreamGuard(CHAT)
    out = guard.feed(event(delta) + DONE) + guard.finish()
    assert out.endswith(DONE) and out.count(b'"finish_reason": "' + reason.encode()) == 1
    document = json.loads(as_document(CHAT, out))
    assert document["choices"][0]["finish_reason"] == reason and document["id"] == "x"


def test_nan_is_handed_on_as_null() -> None:
    guard = StreamGuard(CHAT)
    out = guard.feed(event({"content": "Hi"}, logprobs={"content": [{"logprob": float("nan")}]}))
    assert b"NaN" not in out and b'"logprob": null' in out


def test_the_text_of_an_error_event_is_the_reason() -> None:
    guard = StreamGuard(CHAT)
    guard.feed(event({"content": "Hi"}) + b"event: error\ndata: the GPU fell off\n\n")
    assert guard.fault is not None and guard.fault.reason == "the GPU fell off"
