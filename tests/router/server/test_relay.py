"""Answers that come from no engine, to a real client: whatever is an `Answer` can take an engine's place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, web
from aiohttp.test_utils import TestServer

from router.activity.usage import Heard
from router.base.errors import EngineRefused, RouterError
from router.server.request.client import Client
from router.server.request.connection import Sink
from router.server.request.relay import Relay
from router.server.request.writer import WRITE_AHEAD
from router.wire.aggregate import ChatAggregate
from router.wire.encode import ChatStream, Encoder, JsonAnswer
from router.wire.http1 import Head
from router.wire.ollama_answer import Lines
from router.wire.ollama_parts import message_part
from router.wire.rename import Rename
from tests.engines.running import Still, soon, until

EVENTS = [
    b'data: {"model":"far","choices":[{"delta":{"content":"Hel"}}]}\n\n',
    b'data: {"model":"far","choices":[{"delta":{"content":"lo"},"finish_reason":"stop"}],'
    b'"timings":{"predicted_per_second":42.5}}\n\n',
    b"data: [DONE]\n\n",
]


class Spoken:
    """An answer of these pieces; `breaks` before its end. Counts how often the client made it wait."""

    def __init__(self, head: Head, pieces: Sequence[bytes], *, breaks: bool = False) -> None:
        self.head = head
        self.waits = self.taken = 0
        self._pieces = pieces
        self._breaks = breaks

    async def pump(self, sink: Sink) -> None:
        for piece in self._pieces:
            self.taken += 1
            if not sink.take(piece):
                self.waits += 1
                await sink.ready()
            await asyncio.sleep(0)
        if self._breaks:
            raise ConnectionResetError("gone")

    async def read(self, limit: int | None = None) -> bytes:
        return b"".join(self._pieces)[:limit]

    async def __aenter__(self) -> Spoken:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Stage:
    """A server that relays `answer` by `encoder`, and what it heard."""

    def __init__(self) -> None:
        self.answer: Spoken | None = None
        self.encoder: Encoder = ChatStream()
        self.rename: Rename | None = None
        self.heard = Heard()
        self.ended = 0
        self.left = False
        self.failed: Exception | None = None
        app = web.Application()
        app.router.add_post("/", self._handle)
        self.server = TestServer(app, host="127.0.0.1")
        self.session = ClientSession()

    async def ask(self) -> tuple[int, dict[str, str], bytes]:
        async with self.session.post(self.server.make_url("/")) as answer:
            return answer.status, dict(answer.headers), await answer.read()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        client = Client(request, self.encoder)
        assert self.answer is not None
        try:
            return await self._relay(client).run(self.answer)
        except asyncio.CancelledError:
            self.left = True
            raise
        except RouterError as error:
            self.failed = error
            return web.Response(status=error.status)
        except OSError as error:
            self.failed = error
            return await client.fail(RouterError("It broke off."))

    def _relay(self, client: Client) -> Relay:
        return Relay(client, self.encoder, self.rename, self.heard, self._end)

    def _end(self) -> None:
        self.ended += 1


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    await stage.server.start_server()
    yield stage
    await stage.session.close()
    await stage.server.close()


def head(kind: str, status: int = 200, **more: Any) -> Head:
    return Head(status, "", {"content-type": kind, "server": "far"}, **more)


async def test_a_stream_is_passed_on_and_its_speed_heard(stage: Stage) -> None:
    stage.answer = Spoken(head("text/event-stream", chunked=True), EVENTS)
    status, headers, body = await soon(stage.ask())
    assert (status, body) == (200, b"".join(EVENTS))
    assert headers["Content-Type"] == "text/event-stream" and headers["Cache-Control"] == "no-cache"
    assert headers.get("Server") != "far"
    assert (stage.heard.usage.per_second, stage.ended) == (42.5, 1)


async def test_a_short_document_goes_with_its_head(stage: Stage) -> None:
    stage.encoder, stage.rename = JsonAnswer(), Rename("far", "near")
    stage.answer = Spoken(head("application/json", 201, length=15), [b'{"model":', b'"far"}'])
    status, headers, body = await soon(stage.ask())
    assert (status, body) == (201, b'{"model":"near"}')
    assert headers["Content-Length"] == "16" and stage.ended == 1


async def test_a_long_document_keeps_its_length(stage: Stage) -> None:
    stage.encoder = JsonAnswer()
    stage.answer = Spoken(head("application/json", length=2**20), [bytes(2**16)] * 16)
    _, headers, body = await soon(stage.ask())
    assert headers["Content-Length"] == str(2**20) and body == bytes(2**20)


async def test_a_stream_becomes_a_document(stage: Stage) -> None:
    stage.encoder = ChatAggregate()
    stage.answer = Spoken(head("text/event-stream", chunked=True), [piece[:9] for piece in EVENTS])
    assert (await soon(stage.ask()))[0] == 502, "cut pieces make no answer"
    stage.encoder = ChatAggregate()
    stage.answer = Spoken(head("text/event-stream", chunked=True), EVENTS)
    status, headers, body = await soon(stage.ask())
    assert status == 200 and b'"content":"Hello"' in body
    assert headers["Content-Type"].startswith("application/json")


async def test_what_is_translated_begins_when_there_is_something_to_say(stage: Stage) -> None:
    stage.encoder = Lines("chat", message_part, "near")
    stage.answer = Spoken(head("text/event-stream", chunked=True), EVENTS)
    status, headers, body = await soon(stage.ask())
    assert status == 200 and headers["Content-Type"] == "application/x-ndjson"
    assert [b'"Hel"' in line for line in body.splitlines()] == [True, False, False]
    failed = [b'data: {"error": {"message": "No.", "code": 400}}\n\n']
    stage.encoder = Lines("chat", message_part, "near")
    stage.answer = Spoken(head("text/event-stream", chunked=True), failed)
    assert (await soon(stage.ask()))[0] >= 400, "nothing had been sent, so the status tells it"


async def test_a_refusal_is_an_error_with_its_status(stage: Stage) -> None:
    said = b'{"error": {"message": "Too long.", "code": 400, "type": "invalid_request_error"}}'
    stage.answer = Spoken(head("application/json", 400, length=len(said)), [said])
    assert (await soon(stage.ask()))[0] == 400
    assert isinstance(stage.failed, EngineRefused) and "Too long." in stage.failed.message


async def test_a_stream_that_breaks_off_says_so(stage: Stage) -> None:
    stage.answer = Spoken(head("text/event-stream", chunked=True), EVENTS[:1], breaks=True)
    _, _, body = await soon(stage.ask())
    assert body.startswith(EVENTS[0]) and b"It broke off." in body
    assert isinstance(stage.failed, ConnectionResetError) and stage.ended == 0


async def test_a_stream_that_breaks_off_in_an_event_only_ends(stage: Stage) -> None:
    stage.answer = Spoken(head("text/event-stream", chunked=True), [EVENTS[0][:-1]], breaks=True)
    with pytest.raises(ClientError):
        await soon(stage.ask())


async def test_a_client_that_does_not_read_makes_who_answers_wait(stage: Stage) -> None:
    pieces = [bytes(WRITE_AHEAD)] * 1000
    stage.answer = answer = Spoken(head("text/event-stream", chunked=True), pieces)
    url = stage.server.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port, limit=2**10)
    writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    await until(lambda: answer.waits > 0, "the client's buffers to be full")
    await until(Still(lambda: answer.taken), "the answer to stand still")
    assert answer.taken < 500
    writer.transport.abort()
    await until(lambda: stage.failed is not None or stage.left, "the end")
    assert answer.taken < 500 and not stage.ended
    del reader


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_old_clients_get_a_body_without_chunks(stage: Stage, version: str) -> None:
    stage.answer = Spoken(head("text/event-stream", chunked=True), EVENTS)
    url = stage.server.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    request = f"POST / HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    writer.write(request.encode())
    received = await soon(reader.read())
    writer.close()
    body = received.partition(b"\r\n\r\n")[2]
    assert (body == b"".join(EVENTS)) is (version == "1.0")
    assert body.endswith(b"\r\n0\r\n\r\n") is (version == "1.1")
