"""What another hal0 or OpenRouter sends before an answer is none yet, and may end in a failure."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web

from router.base.errors import EngineFailed, EngineRefused, MemoryInsufficient
from router.config.schema import UpstreamConfig
from router.upstreams.answer_shapes import (
    CHAT,
    MESSAGES,
    RESPONSES,
    TEXT,
    Fault,
    Sort,
    fault_in,
    read_document,
    sort_of,
)
from router.upstreams.stream import StreamGuard
from router.wire.anthropic import MessagesStream
from router.wire.encode import ChatStream, CompletionStream, Encoder, JsonAnswer, ResponsesStream
from tests.router.upstreams.conftest import Use, chat
from tests.router.upstreams.servers import Handler, StubUpstream

STREAM, JSON = "text/event-stream; charset=utf-8", "application/json"
CHUNK = b'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'
DONE = b"data: [DONE]\n\n"


class Loading:
    """As router.wire.encode tells of a load."""

    phase, percent, model = "loading", 45, "qwen"


def fault(path: str, *pieces: bytes) -> str | None:
    """Why the stream is no answer, None while it may still be one."""
    guard = StreamGuard(path)
    try:
        for piece in pieces:
            guard.feed(piece)
        if guard.fault:
            raise guard.fault
    except Fault as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    ("path", "encoder"),
    [
        (CHAT, ChatStream()),
        (TEXT, CompletionStream()),
        (RESPONSES, ResponsesStream()),
        (MESSAGES, MessagesStream()),
    ],
)
def test_all_that_hal0_says_while_it_loads_is_no_answer(path: str, encoder: Encoder) -> None:
    beats = b"".join(encoder.beat(number, Loading()) for number in range(15))
    guard = StreamGuard(path)
    assert guard.feed(beats) == beats and not guard.has_content


def test_what_azure_and_openrouter_say_first_is_no_answer() -> None:
    """Row 18: comments and empty choices pass, and commit to nothing."""
    first = b': OPENROUTER PROCESSING\n\ndata: {"choices": [], "prompt_filter_results": []}\n\n'
    guard = StreamGuard(CHAT)
    assert guard.feed(first) == first and not guard.has_content
    assert guard.feed(CHUNK) == CHUNK and guard.has_content


@pytest.mark.parametrize(
    ("kind", "body", "sort"),
    [
        (STREAM, CHUNK, Sort.STREAM),
        (STREAM, b'{"error"', Sort.DOCUMENT),
        (STREAM, b" <html>", Sort.PAGE),
        (STREAM, b": ", Sort.STREAM),
        (STREAM, b"\r\n", None),
        (JSON, b"{", Sort.DOCUMENT),
        (JSON, b"\n\n", None),
        (JSON, b"data: ", Sort.STREAM),
        (JSON, b"dat", None),
        (JSON, b"null  ", Sort.DOCUMENT),
        ("text/html", b"Hello", Sort.PAGE),
        ("text/html", b"{", Sort.DOCUMENT),
        ("text/plain", b"data: {", Sort.STREAM),
        ("text/plain", b"Words of someone", Sort.OTHER),
        ("audio/wav", b"\n\n", Sort.OTHER),
        ("", b"\xef\xbb\xbf{", Sort.DOCUMENT),
    ],
)
def test_the_first_bytes_tell_more_than_the_header(kind: str, body: bytes, sort: Sort | None) -> None:
    """Row 18: a wrong Content-Type is no reason to misread an answer."""
    assert sort_of(kind, body) is sort


LATE = EngineFailed("The engine died.\nReally.")
OWN_FAULT = EngineRefused.from_body(400, {"error": {"type": "invalid_request_error"}})


@pytest.mark.parametrize(
    ("path", "answer", "reason"),
    [
        (CHAT, ChatStream().late_error(LATE), "The engine died. Really"),
        (MESSAGES, MessagesStream().late_error(LATE), "The engine died. Really"),
        (RESPONSES, ResponsesStream().late_error(LATE), "The engine died. Really"),
        (CHAT, b'data: {"error": {"code": 429, "message": "Slow down"}}\n\n', "Slow down"),
        (CHAT, b'data: {"error": "text"}\r\n\r\n', "text"),
        (CHAT, b'data: [{"error": {"message": "listed"}}]\n\n', "listed"),
        (CHAT, b'event: error\ndata: {"x": 1}\n\n', "it reports an error"),
        (CHAT, b'data: {"object": "error", "message": "vLLM\'s"}\n\n', "vLLM's"),
        (CHAT, b'data: {"detail": "FastAPI\'s"}\n\n', "FastAPI's"),
        (CHAT, b'data: {"choices": [{"finish_reason": "error", "error": {"message": "c"}}]}\n\n', "c"),
        (CHAT, b"data: nonsense\n\n", 'its answer is not JSON ("nonsense")'),
        (CHAT, b'data: {"choices": [null]}\n\n', "what it streams are no chunks with choices"),
        (CHAT, CHUNK, None),
        (CHAT, b'data: {"error": {"message": "cut off', None),
        (CHAT, b'data: {"error": null, "choices": []}\n\n', None),
    ],
)
def test_an_error_is_one_wherever_it_comes_and_however_it_is_cut(
    path: str, answer: bytes, reason: str | None
) -> None:
    assert fault(path, answer) == fault(path, CHUNK if path == CHAT else b": x\n\n", answer) == reason
    for end in range(len(answer)):
        assert fault(path, answer[:end]) in (None, reason)
        assert fault(path, answer[:end], answer[end:]) == reason


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"error": {"code": 400, "message": "Bad"}}, 400),
        ({"error": {"code": "422", "message": "Bad"}}, 422),
        (json.loads(JsonAnswer().late_error(OWN_FAULT)), 400),
        ({"error": {"code": 429, "message": "Slow"}}, None),
        ({"error": {"code": 401, "type": "invalid_request_error"}}, None),
        (json.loads(JsonAnswer().late_error(MemoryInsufficient("Short."))), None),
    ],
)
def test_what_the_request_did_wrong_moves_nobody(told: object, status: int | None) -> None:
    found = fault_in(told)
    assert found is not None and found.status == status


def loading_then(last: bytes, kind: str = "text/event-stream") -> Handler:
    """Signs of life, a pause as long as the upstream's patience is not, then `last`."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        for _ in range(4):
            await response.write(b": hal0 loading qwen\n\n" if kind == "text/event-stream" else b"\n")
            await asyncio.sleep(0.2)
        await response.write(last)
        return response

    return answer


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
async def test_one_that_fails_after_signs_of_life_is_passed_over(use: Use, kind: str) -> None:
    late = (ChatStream() if kind == "text/event-stream" else JsonAnswer()).late_error(LATE)
    async with StubUpstream(chat=loading_then(late, kind)).running() as one, StubUpstream().running() as two:
        bench = use(UpstreamConfig("bigpc", one.url, timeout=0.5), UpstreamConfig("lxc", two.url))
        async with await bench.instead(chat(streams=kind == "text/event-stream"), "bigpc", "lxc") as answer:
            assert answer.served_by == "lxc/llama" and one.asked("/v1/chat/completions") == 1


async def test_signs_of_life_are_waited_for_longer_than_silence(use: Use) -> None:
    ended = CHUNK.replace(b'"}}', b'"}, "finish_reason": "stop"}') + DONE
    async with StubUpstream(chat=loading_then(ended)).running() as one:
        bench = use(UpstreamConfig("bigpc", one.url, timeout=0.5))
        async with await bench.ask("bigpc/llama", chat(streams=True)) as answer:
            assert (await answer.read()).endswith(ended)


def test_a_count_has_a_number_of_tokens() -> None:
    path = "/v1/chat/completions/input_tokens"
    assert read_document(path, '{"input_tokens": 12}', strict=True) == {"input_tokens": 12}
    for other in ('{"choices": []}', '{"input_tokens": "12"}'):
        with pytest.raises(Fault, match="is not a count"):
            read_document(path, other, strict=True)
