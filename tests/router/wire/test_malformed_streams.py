"""Whatever an engine sends, however it is cut or spoilt: a well-formed answer or an error with a sentence.

The recordings are llama-server's own answers. Requests of the same kind to it are in tests/e2e.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from router.base.errors import RouterError
from router.wire.aggregate import ChatAggregate, CompletionAggregate, ResponsesAggregate
from router.wire.anthropic import MessagesAggregate, MessagesStream
from router.wire.encode import ChatStream, CompletionStream, Encoder, EventStream, ResponsesStream
from router.wire.lenient import as_far_as_it_goes
from router.wire.llamacpp import NativeAggregate
from router.wire.ollama_answer import Document, Lines
from router.wire.ollama_parts import message_part, response_part
from router.wire.ollama_vectors import Embeddings, OneEmbedding
from tests.e2e.mutations import WRONG, places, spoilt

RECORDED = Path(__file__).with_name("recorded")
Make = Callable[[], Encoder]


def ollama(form: type[Lines | Document], dialect: Any, part: Any) -> Make:
    return lambda: form(dialect, part, "m", clock=lambda: 0)


ENCODERS: dict[str, tuple[Make, ...]] = {
    "chat": (ChatAggregate, ChatStream, ollama(Lines, "chat", message_part),
        ollama(Document, "chat", message_part), ollama(Lines, "chat", response_part),
        ollama(Document, "chat", response_part)),
    "completion": (CompletionAggregate, CompletionStream, ollama(Lines, "text", response_part),
        ollama(Document, "text", response_part)),
    "responses": (ResponsesAggregate, ResponsesStream),
    "messages": (MessagesAggregate, MessagesStream),
    "native": (NativeAggregate, ollama(Lines, "native", response_part),
        ollama(Document, "native", response_part)),
    "embeddings": (partial(Embeddings, "m", 2, lambda: 0), partial(OneEmbedding, "m", None, lambda: 0)),
}  # fmt: skip
CASES = [
    pytest.param(file.read_bytes(), make, id=f"{file.stem}-{number}")
    for file in sorted(RECORDED.iterdir())
    for number, make in enumerate(ENCODERS.get(file.stem.partition("_")[0], ()))
]
TRANSLATED = [c for c in CASES if "embeddings" not in str(c.id) and not isinstance(c.values[1](), EventStream)]  # type: ignore[operator]


def told(make: Make, *pieces: bytes) -> bytes | None:
    """The client's bytes; None for an error, of which there is a sentence in the client's dialect."""
    encoder = make()
    try:
        return b"".join([*map(encoder.feed, pieces), encoder.finish()])
    except RouterError as error:
        assert len(error.message.split()) > 2 or error.message in SAID, error.message
        assert json.loads(json.dumps(encoder.error(error)))["error"]
        return None


SAID = ("It broke.",)


def strict(raw: bytes) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} in {raw!r}")

    return json.loads(raw, parse_constant=refuse)


def check(encoder: Encoder, raw: bytes) -> None:
    """It is what the client takes for a complete answer, and says something or why not."""
    match encoder:
        case Lines():
            lines = [strict(line) for line in raw.splitlines()]
            assert lines[-1]["done"] is True and lines[-1]["done_reason"] in ("stop", "length")
            assert not any(line["done"] for line in lines[:-1])
        case Document():
            body = strict(raw)
            assert body["done"] is True and isinstance(body.get("message", body.get("response")), dict | str)
        case CompletionAggregate():
            assert all(isinstance(c["text"], str) and c["finish_reason"] for c in strict(raw)["choices"])
        case ChatAggregate():
            for choice in strict(raw)["choices"]:
                message = choice["message"]
                assert choice["finish_reason"] and message["role"]
                assert isinstance(message["content"], str) or message["tool_calls"]
                for call in message.get("tool_calls", ()):
                    assert isinstance(call["function"]["arguments"], str)
        case MessagesAggregate():
            body = strict(raw)
            assert (body["type"], body["role"]) == ("message", "assistant") and body["stop_reason"]
            for block in body["content"]:
                assert block["type"] != "tool_use" or isinstance(block["input"], dict)
        case ResponsesAggregate() | NativeAggregate() | Embeddings():
            assert isinstance(strict(raw), dict) and strict(raw)
        case _:
            assert encoder.ends is not None and encoder.ends.search(raw), "a cut stream ended as if complete"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("recorded", "make"), CASES)
def test_every_cut(recorded: bytes, make: Make) -> None:
    """Row 5: an answer that says how it ends is whole, any other an error; never an exception."""
    events = recorded.split(b"\n\n")
    cuts = {len(b"\n\n".join(events[:n])) + 2 for n in range(len(events))} | {0, len(recorded)}
    cuts |= set(random.Random(5).sample(range(len(recorded)), min(150, len(recorded))))
    for cut in sorted(cuts):
        out = told(make, recorded[:cut])
        if out is not None:
            check(make(), out)
        assert out is not None or cut < len(recorded)
    assert told(make, recorded[: len(recorded) // 3]) is None, "this much has no end"


@pytest.mark.parametrize(("recorded", "make"), CASES)
def test_however_the_bytes_come(recorded: bytes, make: Make) -> None:
    whole = told(make, recorded)
    assert told(make, *(recorded[at : at + 1] for at in range(len(recorded)))) == whole
    assert told(make, *(recorded[at : at + 7] for at in range(0, len(recorded), 7))) == whole


TRANSPORT = {
    "CRLF": lambda raw: raw.replace(b"\n", b"\r\n"),
    "CR": lambda raw: raw.replace(b"\n", b"\r"),
    "BOM": lambda raw: b"\xef\xbb\xbf" + raw,
    "comments": lambda raw: b": hello\n\n" + raw.replace(b"\n\n", b"\n\n: still here\n\n"),
    "more lines": lambda raw: raw.replace(b'data: {"', b'data: {\ndata: "'),
    "fields": lambda raw: raw.replace(b"data: ", b"id: 3\nretry: 100\ndata:"),
    "no DONE": lambda raw: raw.replace(b"data: [DONE]\n\n", b""),
    "no last line": lambda raw: raw.removesuffix(b"data: [DONE]\n\n").rstrip(b"\n"),
    "unknown": lambda raw: b'event: news\ndata: {"type": "news", "n": [1]}\n\n' + raw,
    "not JSON": lambda raw: b"data: hello\n\ndata: [1]\n\ndata: null\n\ndata: \n\n" + raw,
}  # fmt: skip


@pytest.mark.parametrize("how", TRANSPORT)
@pytest.mark.parametrize(("recorded", "make"), TRANSLATED)
def test_another_way_to_send_the_same(recorded: bytes, make: Make, how: str) -> None:
    assert told(make, TRANSPORT[how](recorded)) == told(make, recorded)


def shapes(recorded: bytes, seed: int, count: int) -> Iterator[bytes]:
    """With a part of one of its documents left out, of another shape, or an event sent twice or not at all."""
    chance = random.Random(seed)
    separator = b"\n\n" if recorded.startswith((b"data:", b"event:")) else b"\0"
    events = recorded.split(separator)
    for _ in range(count):
        at = chance.randrange(len(events))
        head, brace, text = events[at].partition(b"{")
        made = list(events)
        if not brace or chance.random() < 0.1:
            made[at : at + 1] = chance.choice([[], [events[at]] * 2])
        else:
            body = json.loads(brace + text)
            place = chance.choice(list(places(body)))
            value = chance.choice(WRONG)
            body = spoilt(body, place) if chance.random() < 0.2 else spoilt(body, place, value)
            made[at] = head + json.dumps(body).encode()
        yield separator.join(made)


@pytest.mark.parametrize(("recorded", "make"), CASES)
def test_other_shapes(recorded: bytes, make: Make) -> None:
    for raw in shapes(recorded, seed=5, count=250):
        out = told(make, raw)
        if out is not None:
            check(make(), out)


@pytest.mark.parametrize(("recorded", "make"), CASES)
@pytest.mark.parametrize(
    "error", ['{"error": "It broke."}', '{"error": {"message": "It broke.", "code": 500}}']
)
def test_an_error_amid_an_answer(recorded: bytes, make: Make, error: str) -> None:
    events = recorded.split(b"\n\n")
    raw = b"\n\n".join([*events[: len(events) // 3], f"data: {error}".encode(), b""])
    out = told(make, raw)
    assert out is None or out == raw, "an error, or handed on as one"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{"city": "Oslo", "days": 3}', {"city": "Oslo", "days": 3}),
        ('{"city": "Os', {"city": "Os"}),
        ('{"city": "Oslo", "da', {"city": "Oslo"}),
        ('{"city": "Oslo", "days":', {"city": "Oslo"}),
        ('{"city": "Oslo", "days": tr', {"city": "Oslo"}),
        ('{"city": "Oslo", "days": 1', {"city": "Oslo", "days": 1}),
        ('{"city": "Oslo", "days": -', {"city": "Oslo"}),
        ('{"list": [1, 2, {"a": [true, "x', {"list": [1, 2, {"a": [True, "x"]}]}),
        ('{"list": [1, ', {"list": [1]}),
        ('{"text": "a\\', {"text": "a"}),
        ('{"text": "a\\u00', {"text": "a"}),
        ('{"text": "a\\ud83d', {"text": "a"}),
        ('{"text": "a\\ud83d\\ude', {"text": "a"}),
        ('{"text": "a\\\\', {"text": "a\\"}),
        ('{"text": "say \\"{[', {"text": 'say "{['}),
        ("{", {}), ("", {}), ("[1, 2", {}), ("nonsense", {}), ('"x', {}), ("[" * 100_000, {}),
        ('{"a": 1}}', {"a": 1}), ('{"a": ' + "[" * 5_000, {}),
    ],
)  # fmt: skip
def test_input_that_is_cut_off(written: str, read: dict[str, Any]) -> None:
    """Row 5."""
    assert as_far_as_it_goes(written) == read


def test_a_tool_call_cut_off_by_max_tokens() -> None:
    """Row 5: was 500 `internal`."""
    recorded = (RECORDED / "messages_tool_cut.sse").read_bytes()
    body = json.loads(told(MessagesAggregate, recorded) or b"")
    assert body["stop_reason"] == "max_tokens"
    [block] = body["content"]
    assert (block["type"], block["name"], block["input"]) == ("tool_use", "weather", {})
