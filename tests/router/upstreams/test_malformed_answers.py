"""Property 3: whatever a server elsewhere sends, the client gets a well-formed answer or its dialect's error.

hal0's own routes on a real socket, and behind them a server whose every byte is written here.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.config.schema import Config, UpstreamConfig
from router.server.middleware import add_headers, gate
from router.server.request.context import CONTEXT, Context
from router.server.routes import anthropic, ollama, openai
from router.state import StateStore, UpstreamState
from router.upstreams.keys import Keys
from router.upstreams.registry import UpstreamRegistry
from tests.engines.running import soon, until

KEY = "sk-upstream-0123456789"
HELLO = [{"role": "user", "content": "Hello?"}]
ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": HELLO},
    "/v1/completions": {"prompt": "Hello"},
    "/v1/responses": {"input": "Hello"},
    "/v1/messages": {"messages": HELLO, "max_tokens": 9},
    "/v1/embeddings": {"input": "Hello"},
    "/v1/rerank": {"query": "a", "documents": ["b"]},
    "/v1/audio/speech": {"input": "Hello"},
    "/api/chat": {"messages": HELLO},
    "/api/generate": {"prompt": "Hello"},
    "/api/embed": {"input": "Hello"},
}
STREAMED = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/responses",
    "/v1/messages",
    "/api/chat",
    "/api/generate",
)
EVERY = [(path, False) for path in ASKED] + [(path, True) for path in STREAMED]


@dataclass
class Told:
    """What the client got. `whole`: the answer came to its end."""

    status: int
    kind: str
    body: bytes
    whole: bool


@dataclass
class World:
    """`sent` is what the server writes next before it closes the connection."""

    url: str
    session: aiohttp.ClientSession
    records: list[logging.LogRecord]
    sent: bytes = b""
    asked: int = 0

    async def ask(self, path: str, stream: bool) -> Told:
        body = {"model": "lxc/m", "stream": stream, **ASKED[path]}
        async with self.session.post(self.url + path, json=body) as answer:
            got, whole = b"", True
            try:
                while more := await answer.content.readany():
                    got += more
            except aiohttp.ClientError:
                whole = False
            return Told(answer.status, answer.content_type, got, whole)


class Records(logging.Handler):
    def __init__(self, kept: list[logging.LogRecord]) -> None:
        super().__init__()
        self.kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record)


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    store = StateStore()
    registry = UpstreamRegistry(store, Keys({}))
    absent: Any = None  # no engine is here
    context = Context(store, absent, absent, absent, registry)
    app = web.Application(middlewares=[gate])
    app[CONTEXT] = context
    app.on_response_prepare.append(add_headers)
    for routes in (openai, anthropic, ollama):
        routes.add_routes(app)
    records: list[logging.LogRecord] = []
    handler = Records(records)
    ours = TestServer(app)
    await ours.start_server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            writer.write(http(b'{"data": [{"id": "m"}]}'))
        else:
            there.asked += 1
            length = next(
                int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
            )
            await reader.readexactly(length)
            writer.write(there.sent)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
    there = World(str(ours.make_url("/")).rstrip("/"), session, records)
    logging.getLogger("router").addHandler(handler)
    upstream = UpstreamConfig("lxc", f"http://127.0.0.1:{port}/v1", api_key=KEY, timeout=5.0)
    registry.use(Config(upstreams={"lxc": upstream}))
    try:
        await until(lambda: store.snapshot.upstreams[0].state is UpstreamState.OK, "it is well")
        yield there
    finally:
        logging.getLogger("router").removeHandler(handler)
        await session.close()
        await soon(registry.close())
        await ours.close()
        server.close()
        await server.wait_closed()


def http(
    body: bytes, kind: str = "application/json", status: int = 200, *head: str, length: bool = True
) -> bytes:
    lines = [f"HTTP/1.1 {status} X", *([f"Content-Type: {kind}"] if kind else []), *head, "Connection: close"]
    lines += [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(body: bytes, kind: str, size: int = 7) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    sent = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return http(sent, kind, 200, "Transfer-Encoding: chunked", length=False)


# -- what every answer must be ------------------------------------------------------------------------------


def check(path: str, stream: bool, told: Told, world: World) -> None:
    place = (path, stream, told, world.sent[:300])
    traces = [r for r in world.records if r.exc_info or r.levelno >= logging.ERROR]
    assert not traces, (traces, place)
    assert told.status != 500 or b'"internal"' not in told.body, place
    assert KEY.encode() not in told.body + repr(world.records).encode(), place
    if told.status >= 400:
        assert told.whole and sentence(json.loads(told.body)), place
    elif not told.whole:
        assert told.kind != "application/json", place  # only a stream may break off
    elif told.kind == "text/event-stream" and path != "/v1/audio/speech":
        assert ends(path, told.body), place
    elif told.kind == "application/x-ndjson":
        rows = [json.loads(line) for line in told.body.splitlines()]
        assert sentence(rows[-1]) if "error" in rows[-1] else rows[-1]["done"] is True, place
    elif path != "/v1/audio/speech":
        assert answers(path, json.loads(told.body)), place


def sentence(body: Any) -> str:
    """The error's words, in the shape that every dialect of these has."""
    error = body["error"]
    said = error if isinstance(error, str) else error["message"]
    assert isinstance(said, str) and "\n" not in said and len(said) < 2500
    return said.strip()


def answers(path: str, told: Any) -> bool:
    fields = {
        "/v1/responses": "output",
        "/v1/messages": "content",
        "/v1/embeddings": "data",
        "/v1/rerank": "results",
        "/api/chat": "message",
        "/api/generate": "response",
        "/api/embed": "embeddings",
    }
    return isinstance(told, dict) and told.get(fields.get(path, "choices")) is not None


def ends(path: str, body: bytes) -> bool:
    """A stream's events can be read, and the last is the dialect's end or an error."""
    body.decode()
    data = [line[5:].strip() for line in body.split(b"\n") if line.startswith(b"data:")]
    events = [json.loads(one) for one in data if one != b"[DONE]"]
    last = events[-1]
    if last.get("type") == "error" or "error" in last:
        return bool(sentence(last if isinstance(last.get("error"), dict) else {"error": last["message"]}))
    if path == "/v1/messages":
        return bool(last["type"] == "message_stop")
    if path == "/v1/responses":
        return bool(last["type"] in ("response.completed", "response.incomplete", "response.failed"))
    return data[-1] == b"[DONE]"


# -- the table ----------------------------------------------------------------------------------------------

PAGE = b"<html><head><title>Sign in</title></head><body><h1>x</h1></body></html>"
CHUNKS = (
    b'data: {"id": "1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}}]}\n\n'
    b'data: {"id": "1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
)
ERRORS: dict[str, tuple[bytes, str]] = {
    "text": (http(b'{"error": "model not loaded"}'), "model not loaded"),
    "object": (http(b'{"error": {"message": "No credit."}}'), "No credit"),
    "bare": (http(b'{"message": "Internal"}'), "Internal"),
    "list": (http(b'[{"error": {"message": "Key not valid"}}]'), "Key not valid"),
    "vllm": (http(b'{"object": "error", "message": "Out of range", "code": 50001}'), "Out of range"),
    "fastapi": (http(b'{"detail": "Method Not Allowed"}'), "Method Not Allowed"),
    "code and msg": (http(b'{"code": 1211, "msg": "No such model", "success": false}'), "No such model"),
    "MiniMax": (http(b'{"choices": null, "base_resp": {"status_code": 1004, "status_msg": "login"}}'), "login"),
    "Ollama's": (http(b'{"message": {"role": "assistant", "content": "Hi"}, "done": true}'), "is not"),
    "page": (http(PAGE, "text/html"), "Sign in"),
    "page as JSON": (http(PAGE), "Sign in"),
    "page as stream": (http(PAGE, "text/event-stream"), "Sign in"),
    "empty": (http(b""), "empty"),
    "204": (b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", "empty"),
    "spaces": (http(b" \n\n "), "empty"),
    "null": (http(b"null"), "not"),
    "words": (http(b"It works!", "text/plain"), "It works!"),
    "another shape": (http(b'{"models": ["a"], "version": 3}'), "models, version"),
    "array": (http(b"[1, 2]"), "is not"),
    "broken JSON": (http(b'{"choices": [{"mess', length=False), "broken off"),
    "short": (http(b'{"choices": [').replace(b"Length: 13", b"Length: 99"), "closed the connection"),
    "streamed error": (http(b'data: {"error": {"message": "Busy"}}\n\n', "text/event-stream"), "Busy"),
    "streamed text": (http(b'data: {"error": "Busy"}\n\n', "text/event-stream", length=False), "Busy"),
    "error as a stream's document": (http(b'{"error": "Busy"}', "text/event-stream"), "Busy"),
    "only comments": (http(b": PROCESSING\n\n", "text/event-stream"), "empty"),
    "only the end": (http(b"data: [DONE]\n\n", "text/event-stream"), "empty"),
    "bad gzip": (http(b"no gzip", "application/json", 200, "Content-Encoding: gzip"), ""),
    "gzipped error": (
        http(gzip.compress(b'{"error": "zipped"}'), "application/json", 200, "Content-Encoding: gzip"),
        "zipped",
    ),
    "invalid UTF-8": (http(b'{"error": "\xff\xfe"}'), "��"),
    "its key": (http(json.dumps({"error": f"Wrong {KEY}"}).encode()), "Wrong [hidden]"),
}
NOT_SPEECHS = ("words", "streamed error", "streamed text", "only comments", "only the end")


async def test_what_is_no_answer_is_an_error_that_tells_why() -> None:
    """Row 18: each of these was handed on as the answer, or told without its reason."""
    async with world() as there:
        for (name, (sent, words)), (path, stream) in itertools.product(ERRORS.items(), EVERY):
            if path == "/v1/audio/speech" and name in NOT_SPEECHS:
                continue
            there.sent = sent
            told = await soon(there.ask(path, stream))
            check(path, stream, told, there)
            assert told.status == 502, (name, path, stream, told)
            if path != "/v1/audio/speech":
                assert words in sentence(json.loads(told.body)), (name, path, told)
            there.records.clear()


@pytest.mark.parametrize(
    ("sent", "words"), [(b"SSH-2.0-OpenSSH_9\r\n", "not HTTP"), (b"", "closed the connection")]
)
async def test_what_is_no_http_is_told_too(sent: bytes, words: str) -> None:
    async with world() as there:
        there.sent = sent
        for path, stream in EVERY:
            told = await soon(there.ask(path, stream))
            check(path, stream, told, there)
            assert told.status == 502 and words in sentence(json.loads(told.body)), told


async def test_every_status_with_every_body() -> None:
    bodies = [
        b"",
        b"{}",
        b'{"detail": [{"loc": ["body", "messages"], "msg": "missing"}]}',
        PAGE,
        b"\xff\x00",
        b"[[[[",
    ]
    async with world() as there:
        statuses = (*range(200, 209), *range(300, 309), *range(400, 452), *range(500, 512), 599)
        for status, body in itertools.product(statuses, bodies):
            there.sent = http(body, "application/json", status)
            told = await soon(there.ask("/v1/chat/completions", stream=status % 2 == 0))
            check("/v1/chat/completions", status % 2 == 0, told, there)
            assert told.status >= 400 and told.status not in (401, 403), (status, body, told)
            there.records.clear()


def _event(told: dict[str, Any]) -> bytes:
    return f"event: {told['type']}\ndata: {json.dumps(told)}\n\n".encode()


HI = {"type": "text", "text": "Hi"}
ITEM = {"type": "message", "id": "i", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
CALLED = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
MESSAGE = {"id": "m", "type": "message", "role": "assistant", "stop_reason": "end_turn"}
DOCUMENTS: dict[str, bytes] = {
    path: json.dumps(told).encode()
    for path, told in {
        "/v1/chat/completions": {"id": "1", "choices": [{"message": {"role": "assistant", "content": "Hi"}}]},
        "/v1/completions": {"id": "1", "choices": [{"text": "Hi", "finish_reason": "length"}]},
        "/v1/responses": {"id": "r", "object": "response", "status": "completed", "output": [ITEM]},
        "/v1/messages": {**MESSAGE, "content": [HI, CALLED]},
    }.items()
}
STREAMS: dict[str, bytes] = {
    "/v1/chat/completions": CHUNKS,
    "/v1/completions": b'data: {"id": "1", "choices": [{"index": 0, "text": "Hi"}]}\n\n'
    b'data: {"id": "1", "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n',
    "/v1/responses": _event({"type": "response.created", "response": {}})
    + _event({"type": "response.output_text.delta", "delta": "Hi"})
    + _event({"type": "response.completed", "response": {"output": [ITEM]}}),
    "/v1/messages": _event({"type": "message_start", "message": {**MESSAGE, "content": []}})
    + _event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    + _event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}})
    + _event({"type": "content_block_stop", "index": 0})
    + _event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}})
    + _event({"type": "message_stop"}),
}
THERE = {"/api/chat": "/v1/chat/completions", "/api/generate": "/v1/chat/completions"}


async def test_a_server_that_ignores_stream_is_understood() -> None:
    """Row 18: one document where a stream was asked for, a stream where none was, under any Content-Type."""
    async with world() as there:
        for path, stream in [(path, stream) for path, stream in EVERY if path in STREAMED]:
            upstreams = THERE.get(path, path)
            for body, kind in (
                (DOCUMENTS[upstreams], "application/json"),
                (DOCUMENTS[upstreams], "text/event-stream"),
                (b"\xef\xbb\xbf" + DOCUMENTS[upstreams], ""),
                (STREAMS[upstreams], "text/event-stream; charset=utf-8"),
                (STREAMS[upstreams].replace(b"\n", b"\r\n"), "text/plain"),
                (STREAMS[upstreams], "application/json"),
            ):
                there.sent = chunked(body, kind)
                told = await soon(there.ask(path, stream))
                check(path, stream, told, there)
                assert told.status == 200 and b"Hi" in told.body and b'"error": {' not in told.body, (
                    path,
                    stream,
                    told,
                )


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("path", STREAMS)
async def test_a_stream_cut_at_any_byte_is_never_a_clean_end(path: str, length: bool) -> None:
    """Row 18. Where the connection ends as it should, only the dialect's last word tells."""
    stream = STREAMS[path]
    whole = stream.rindex(b'"stop"') + 9 if b"choices" in stream else stream.rindex(b'"}')
    async with world() as there:
        for end in range(0, whole, 3):
            there.sent = http(stream, "text/event-stream", length=length)[: -(len(stream) - end)]
            told = await soon(there.ask(path, stream=True))
            check(path, True, told, there)
            assert told.status == 502 or not told.whole or b"rror" in told.body[-900:], (end, told)
            there.records.clear()


async def test_an_error_in_the_middle_ends_in_one() -> None:
    """Row 18: OpenRouter's, in every dialect's words."""
    error = {"code": 502, "message": "Provider left"}
    last = {"id": "1", "error": error, "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]}
    late = f"data: {json.dumps(last)}\n\ndata: [DONE]\n\n".encode()
    first = CHUNKS[: CHUNKS.index(b"\n\n") + 2]
    async with world() as there:
        for path in ("/v1/chat/completions", "/api/chat"):
            there.sent = http(b": OPENROUTER PROCESSING\n\n" + first * 8000 + late, "text/event-stream")
            told = await soon(there.ask(path, stream=True))
            check(path, True, told, there)
            assert (
                b"Hi" in told.body and b"Provider left" in told.body and not told.body.endswith(b"[DONE]\n\n")
            )


@pytest.mark.parametrize(
    "rows", [[{"embedding": [1.0]}, {"embedding": [2.0]}], [{"index": 0, "embedding": "AAAA"}]]
)
async def test_embeddings_that_number_nothing_or_are_no_lists(rows: list[dict[str, Any]]) -> None:
    async with world() as there:
        there.sent = http(json.dumps({"data": rows}).encode())
        told = await soon(there.ask("/api/embed", stream=False))
        check("/api/embed", False, told, there)
        if told.status == 200:
            assert json.loads(told.body)["embeddings"] == [[1.0], [2.0]]
        else:
            assert "embeddings cannot be read" in sentence(json.loads(told.body))


async def post(there: World, path: str, **body: Any) -> tuple[int, Any]:
    async with there.session.post(there.url + path, json={"model": "lxc/m", **body}) as answer:
        return answer.status, await answer.json()


async def test_what_ends_otherwise_than_announced_behind_its_last_word_is_whole() -> None:
    """A wrong Content-Length, or chunks without an end, made an error of a complete answer."""
    document = DOCUMENTS["/v1/chat/completions"]
    cases = {
        "stream": http(CHUNKS, "text/event-stream", 200, f"Content-Length: {len(CHUNKS) + 9}", length=False),
        "chunks": chunked(CHUNKS, "text/event-stream", 4096).removesuffix(b"0\r\n\r\n"),
        "document": http(
            document, "application/json", 200, f"Content-Length: {len(document) + 9}", length=False
        ),
        "a policy of 20 kB": http(document, "application/json", 200, f"X-Policy: {'a' * 20_000}"),
        "odd": http(
            json.dumps({**json.loads(document), "detail": "slow", "usage": {"prompt_tokens": 1}}).encode()
        ),
        "one choice": http(json.dumps({"choices": {"text": "Hi", "finish_reason": "eos"}}).encode()),
    }
    async with world() as there:
        for (name, sent), path, stream in itertools.product(cases.items(), THERE, (False, True)):
            there.sent = sent
            told = await soon(there.ask(path, stream=stream))
            check(path, stream, told, there)
            assert told.status == 200 and told.whole and b"Hi" in told.body, (name, path, stream, told)


async def test_a_response_that_failed_before_it_said_anything_is_no_answer() -> None:
    """200 with `status: failed` and nothing else; another server can do better."""
    failed = {"status": "failed", "error": {"code": "x", "message": "Boom"}}
    begun = _event({"type": "response.created", "response": {}})
    cases = (
        (begun + _event({"type": "response.failed", "response": failed}), "Boom", (False, True)),
        (begun + _event({"type": "response.completed", "response": {"id": "r"}}), "not a response", (False,)),
    )
    async with world() as there:
        for sent, words, streams in cases:
            for stream in streams:
                there.sent = http(sent, "text/event-stream")
                told = await soon(there.ask("/v1/responses", stream=stream))
                check("/v1/responses", stream, told, there)
                assert told.status == 502 and words in sentence(json.loads(told.body)), told


async def test_one_answer_that_is_no_http_is_not_the_servers_end() -> None:
    """For 2 s everybody else was told that it is down."""
    async with world() as there:
        for sent in (b"SSH-2.0-OpenSSH_9\r\n", b"", http(CHUNKS) + b"more"):
            there.sent = sent
            assert (await soon(there.ask("/v1/chat/completions", stream=False))).status == 502
            there.sent = http(CHUNKS, "text/event-stream")
            assert (await soon(there.ask("/v1/chat/completions", stream=False))).status == 200


TWO = [{"index": 0, "embedding": [0.5, 1.0]}, {"index": 1, "embedding": [2.0, 0.0]}]
IN_BASE64 = [{"index": 1, "embedding": "AAAAQAAAAAA="}, {"index": 0, "embedding": "AAAAPwAAgD8="}]


@pytest.mark.parametrize("path", ["/v1/embeddings", "/api/embed"])
async def test_as_many_embeddings_as_inputs_or_an_error_that_counts(path: str) -> None:
    """Fewer passed for an answer: programs store the second text under the third's vector."""
    async with world() as there:
        for given, rows, words in (
            (["a", "b"], TWO, ""),
            (["a", "b", "c"], TWO, "it sent 2 embeddings for 3 inputs"),
            (["a", "b"], TWO[1:], "it sent 1 embedding for 2 inputs"),
            ("a", TWO[:1], ""),
        ):
            there.sent = http(json.dumps({"data": rows}).encode())
            status, told = await soon(post(there, path, input=given))
            assert status == (502 if words else 200) and words in json.dumps(told), (given, told)
        there.sent = http(json.dumps({"data": TWO}).encode())
        status, told = await soon(post(there, "/v1/embeddings", input=[[1, 2], [3]]))
        assert status == 200, "each list of tokens is one input"
        there.sent = http(json.dumps({"data": TWO[:1]}).encode())
        status, told = await soon(post(there, "/v1/embeddings", input=[1, 2, 3]))
        assert status == 200, "tokens alone are one, too"


async def test_base64_is_for_those_who_ask_for_it() -> None:
    """A server that always sends it; Ollama's clients got an error."""
    vectors = [[0.5, 1.0], [2.0, 0.0]]
    async with world() as there:
        there.sent = http(json.dumps({"data": IN_BASE64}).encode())
        _status, told = await soon(post(there, "/api/embed", input=["a", "b"]))
        assert told["embeddings"] == vectors
        _status, told = await soon(post(there, "/v1/embeddings", input=["a", "b"]))
        assert [row["embedding"] for row in told["data"]] == vectors
        _status, told = await soon(post(there, "/v1/embeddings", input=["a", "b"], encoding_format="base64"))
        assert [row["embedding"] for row in told["data"]] == ["AAAAPwAAgD8=", "AAAAQAAAAAA="]


# -- anything ----------------------------------------------------------------------------------------------

WORDS = (
    "choices message content delta text error data embedding index finish_reason type tool_calls function "
    "arguments usage output results id detail stop logprobs status message_start response.completed response "
    "content_block_delta message_stop name object"
)
NAMES = st.sampled_from(WORDS.split())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 600) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=15,
)
KINDS = st.sampled_from(
    ["application/json", "text/event-stream", "text/html", "text/plain", "", "audio/mpeg", "x/y"]
)
EVENTS = st.lists(
    st.tuples(st.sampled_from(["", "event: error\n", "event: message_start\n", ": c\n"]), JSON), max_size=4
)
CHOICES = st.builds(
    lambda value: {"choices": [value], "usage": value}, st.dictionaries(NAMES, JSON, max_size=4)
)


def _streamed(events: list[tuple[str, Any]]) -> bytes:
    return (
        "".join(f"{name}data: {json.dumps(told)}\n\n" for name, told in events).encode() + b"data: [DONE]\n\n"
    )


BODIES = st.one_of(
    (JSON | CHOICES).map(lambda told: json.dumps(told).encode()),
    EVENTS.map(_streamed),
    st.lists(CHOICES, min_size=1, max_size=3).map(lambda told: _streamed([("", one) for one in told])),
    st.binary(max_size=60),
    st.just(PAGE),
    st.sampled_from([*DOCUMENTS.values(), *STREAMS.values()]),
)


def test_anything_at_all() -> None:
    loop = asyncio.new_event_loop()
    entered = world()
    there = loop.run_until_complete(entered.__aenter__())

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(EVERY), BODIES, KINDS, st.sampled_from([200] * 9 + [201, 400, 422, 429, 500]),
           st.integers(0, 400) | st.just(0), st.booleans())  # fmt: skip
    def ask(asked: tuple[str, bool], body: bytes, kind: str, status: int, cut: int, length: bool) -> None:
        path, stream = asked
        there.sent = http(body, kind, status, length=length)
        there.sent = there.sent[: len(there.sent) - min(cut, len(body))]
        there.records.clear()
        told = loop.run_until_complete(soon(there.ask(path, stream)))
        check(path, stream, told, there)

    try:
        ask()
    finally:
        loop.run_until_complete(entered.__aexit__(None, None, None))
        loop.close()
