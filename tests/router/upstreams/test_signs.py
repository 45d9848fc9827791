"""What another hal0 or OpenRouter sends before an answer is none yet, and may end in a failure."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from router.config.schema import UpstreamConfig
from router.errors import EngineFailed, EngineRefused, MemoryInsufficient
from router.upstreams.signs import answer_in, failure_in
from router.wire.anthropic import MessagesStream
from router.wire.encode import ChatStream, CompletionStream, Encoder, JsonAnswer, ResponsesStream
from tests.router.upstreams.conftest import Use, chat
from tests.router.upstreams.servers import Elsewhere, Handler

STREAM, JSON = "text/event-stream; charset=utf-8", "application/json"
CHUNK = b'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'


class Loading:
    """As router.wire.encode tells of a load."""

    phase, percent, model = "loading", 45, "qwen"


@pytest.mark.parametrize("encoder", [ChatStream(), CompletionStream(), ResponsesStream(), MessagesStream()])
def test_all_that_hal0_says_while_it_loads_is_no_answer(encoder: Encoder) -> None:
    beats = b"".join(encoder.beat(number, Loading()) for number in range(15))
    assert answer_in(STREAM, beats) == b""
    assert answer_in(STREAM, beats + CHUNK) == CHUNK


def test_line_breaks_before_a_document_are_no_answer() -> None:
    beats = b"".join(JsonAnswer().beat(number, Loading()) for number in range(3))
    assert answer_in(JSON, beats) == b"" and answer_in(JSON, beats + b'{"id"') == b'{"id"'


@pytest.mark.parametrize(
    ("kind", "body"),
    [(STREAM, CHUNK), (JSON, b"{"), ("audio/wav", b"\n\n"), ("", b": no event")],
)
def test_an_answer_is_one_from_its_first_byte(kind: str, body: bytes) -> None:
    assert answer_in(kind, body) == body


@pytest.mark.parametrize(
    "body",
    [
        b": OPENROUTER PROCESSING\n\n",
        MessagesStream().late_error(EngineFailed("The engine died.")),
        b'data: {"error": {"code": 429, "message": "Slow down"}}\n\n',
    ],
)
def test_what_comes_in_pieces_is_not_taken_for_an_answer_before_it_can_be_told(body: bytes) -> None:
    for end in range(len(body) + 1):
        found = answer_in(STREAM, body[:end])
        assert not found or failure_in(found), body[:end]


OWN_FAULT = EngineRefused.from_body(400, {"error": {"type": "invalid_request_error"}})
LATE = EngineFailed("The engine died.\nReally.")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ChatStream().late_error(LATE), "The engine died. Really"),
        (MessagesStream().late_error(LATE), "The engine died. Really"),
        (ResponsesStream().late_error(LATE), "The engine died. Really"),
        (JsonAnswer().late_error(MemoryInsufficient("Short.")), "Short"),
        (b'data: {"error": {"code": 429, "message": "Slow down"}}\n\n', "Slow down"),
        (b'data: {"error": {"code": 400, "message": "Bad"}}\n\n', None),
        (
            JsonAnswer().late_error(EngineRefused.from_body(400, {"error": {"type": "invalid_request_error"}})),
            None,
        ),
        (CHUNK, None),
        (b'{"error": {"message": "cut off', None),
        (b'{"error": null, "choices": []}', None),
        (b"data: [DONE]\n\n", None),
        (b"", None),
    ],
)
def test_a_failure_that_comes_late_is_one(answer: bytes, reason: str | None) -> None:
    assert failure_in(answer) == reason


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
    async with Elsewhere(chat=loading_then(late, kind)).running() as one, Elsewhere().running() as two:
        bench = use(UpstreamConfig("bigpc", one.url, timeout=0.5), UpstreamConfig("lxc", two.url))
        async with await bench.instead(chat(), "bigpc", "lxc") as answer:
            assert answer.served_by == "lxc/llama" and one.asked("/v1/chat/completions") == 1


async def test_signs_of_life_are_waited_for_longer_than_silence(use: Use) -> None:
    async with Elsewhere(chat=loading_then(CHUNK)).running() as one:
        bench = use(UpstreamConfig("bigpc", one.url, timeout=0.5))
        async with await bench.ask("bigpc/llama", chat()) as answer:
            assert (await answer.read()).endswith(CHUNK)
