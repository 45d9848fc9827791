"""Rows 25 and 32: whatever bytes come, the answer is an envelope and the log has a line, never a traceback."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from router.base.errors import BodyTooLarge
from router.config.schema import ServerConfig
from router.server.app import Endpoint
from router.server.request import body, faults
from router.server.request.context import Context
from router.upstreams.registry import UpstreamRegistry
from tests.engines.running import soon
from tests.router.server.conftest import Served

ASKED = b'{"model": "alpha"}'
HTTP = ("HTTP/1.1 ", "HTTP/1.0 ")


class Edge:
    """hal0's endpoint as it is served, without engines; asked through bare sockets."""

    def __init__(self, served: Served, context: Context, endpoint: Endpoint) -> None:
        self.served, self.context, self.endpoint = served, context, endpoint

    async def send(self, raw: bytes, *pieces: bytes) -> bytes:
        """All that comes back until the connection ends. Each of the `pieces` follows when the one before it
        was read: whoever asked later was answered."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.endpoint.port)
        received = b""
        try:
            writer.write(raw)
            for piece in pieces:
                await writer.drain()
                assert (await self.told(get("/health")))[0] == 200
                writer.write(piece)
            while piece := await soon(reader.read(65536)):
                received += piece
        except ConnectionError:
            pass  # an end like any other, here
        finally:
            writer.close()
        return received

    async def told(self, raw: bytes, *pieces: bytes) -> tuple[int, dict[str, str], Any]:
        """(status, headers, JSON) of the last answer."""
        answer = await self.send(raw, *pieces)
        head, _, rest = answer.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 100 "):
            head, _, rest = rest.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0].startswith(HTTP), answer
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        return int(lines[0].split()[1]), headers, json.loads(rest) if rest else None


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    served = Served((), "127.0.0.1")
    context = Context(
        served.store, served.supervisor, served.orders, cast(Any, None), UpstreamRegistry(served.store)
    )
    endpoint = Endpoint(ServerConfig(port=0), context)
    await endpoint.start()
    yield Edge(served, context, endpoint)
    await endpoint.stop()
    await served.session.close()
    await soon(served.supervisor.close())


def post(path: str, content: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(content)}", "", ""]).encode() + content


def get(target: str, *headers: str, method: str = "GET") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode()


# -- packed and other bodies -------------------------------------------------------------------------------

RAW_DEFLATE = zlib.compress(ASKED)[2:-4]


@pytest.mark.parametrize(
    ("coding", "content"),
    [
        ("gzip", gzip.compress(ASKED, mtime=0)),
        ("GZip", gzip.compress(ASKED, mtime=0)),
        ("x-gzip", gzip.compress(ASKED, mtime=0)),
        ("deflate", zlib.compress(ASKED)),
        ("deflate", RAW_DEFLATE),
        ("gzip, deflate", zlib.compress(gzip.compress(ASKED, mtime=0))),
        ("identity", ASKED),
        ("gzip", gzip.compress(ASKED[:5], mtime=0) + gzip.compress(ASKED[5:], mtime=0)),
        ("", ASKED),
    ],
)
async def test_a_packed_body_is_read(edge: Edge, coding: str, content: bytes) -> None:
    """Row 25."""
    status, _, told = await edge.told(post("/api/show", content, f"Content-Encoding: {coding}"))
    assert status == 200 and "details" in told


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, br", "gzip,gzip,gzip,gzip", "nonsense"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/api/chat"])
async def test_other_packings_are_told_what_is_read(edge: Edge, coding: str, path: str) -> None:
    """Row 25: 415, in the dialect, with what would be read."""
    status, headers, told = await edge.told(post(path, b"\x1b\x00", f"Content-Encoding: {coding}"))
    assert (status, headers["accept-encoding"]) == (415, "gzip, deflate")
    assert headers["x-should-retry"] == "false"
    sentence = told["error"] if path == "/api/chat" else told["error"]["message"]
    assert "Content-Encoding" in sentence and "gzip, deflate" in sentence
    assert (path == "/v1/messages") == (told.get("type") == "error")


@pytest.mark.parametrize(
    ("coding", "content"),
    [
        ("gzip", b"no gzip"),
        ("gzip", gzip.compress(ASKED, mtime=0)[:-9]),
        ("deflate", b"\xff\xff"),
        ("deflate", b"\x78"),
    ],
)
async def test_a_damaged_packed_body_is_a_bad_request(edge: Edge, coding: str, content: bytes) -> None:
    status, _, told = await edge.told(post("/v1/messages", content, f"Content-Encoding: {coding}"))
    assert (status, told["error"]["code"]) == (400, "request.invalid")


async def test_a_bomb_is_not_unpacked(edge: Edge) -> None:
    """300 MiB of nothing in 300 KB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b"\0" * 2**20) for _ in range(300)) + packer.flush()
    status, _, told = await edge.told(post("/v1/chat/completions", bomb, "Content-Encoding: gzip"))
    assert (status, told["error"]["code"]) == (413, "request.too_large")
    assert "256 MiB" in told["error"]["message"]


def test_what_is_made_of_a_bomb_is_bounded() -> None:
    with pytest.raises(BodyTooLarge, match="over 1000 bytes"):
        body.unpack(gzip.compress(b"\0" * 10_000, mtime=0), "gzip", 1000)


@pytest.mark.parametrize(
    ("charset", "content"),
    [
        ("utf-8", b"\xef\xbb\xbf" + ASKED),
        ("utf-16", ASKED.decode().encode("utf-16")),
        ("utf-16le", ASKED.decode().encode("utf-16-le")),
        ("utf-8", ASKED.decode().encode("utf-16")),  # the mark says what it is
        ("utf-32", ASKED.decode().encode("utf-32")),
        ("iso-8859-1", ASKED),
        ("windows-1252", ASKED),
        ('"UTF-8"', ASKED),
    ],
)
async def test_json_in_any_charset_is_read(edge: Edge, charset: str, content: bytes) -> None:
    """Row 25."""
    kind = f"Content-Type: application/json; charset={charset}"
    assert (await edge.told(post("/api/show", content, kind)))[0] == 200


@pytest.mark.parametrize(
    ("charset", "content", "status"),
    [
        ("klingon", ASKED, 415),
        ("base64", ASKED, 415),
        ("utf-16", ASKED[:-1], 400),
        ("ascii", b'{"model": "\xff"}', 400),
    ],
)
async def test_a_charset_that_cannot_be_read(edge: Edge, charset: str, content: bytes, status: int) -> None:
    kind = f"Content-Type: application/json; charset={charset}"
    given, _, told = await edge.told(post("/v1/messages", content, kind))
    assert given == status and told["type"] == "error"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "nonsense", ";;="])
async def test_json_of_any_content_type_is_read(edge: Edge, kind: str) -> None:
    assert (await edge.told(post("/api/show", ASKED, f"Content-Type: {kind}")))[0] == 200


async def test_a_body_that_never_comes(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 25: 408 after a while without a byte, not a connection that hangs for ever."""
    monkeypatch.setattr(body, "SILENCE_SECONDS", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.endpoint.port)
    writer.write(post("/api/show", ASKED).replace(b"Content-Length: 18", b"Content-Length: 1800"))
    head = await soon(reader.readuntil(b"\r\n\r\n"))
    assert head.startswith(b"HTTP/1.1 408 ") and b"should-retry" not in head.lower()
    assert b"not complete" in await soon(reader.readuntil(b"}"))
    writer.close()


# -- heads -------------------------------------------------------------------------------------------------

MALFORMED = {
    "raw bytes": (b"\x00\xff\xfe\r\n\r\n", 400, "request.invalid"),
    "no target": (b"GET\r\n\r\n", 400, "request.invalid"),
    "unknown method": (b"FOO /v1/models HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request.invalid"),
    "tls": (b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"x" * 150, 400, "request.invalid"),
    "http/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "request.invalid"),
    "no host": (b"GET /health HTTP/1.1\r\n\r\n", 400, "request.invalid"),
    "two hosts": (
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        400,
        "request.invalid",
    ),
    "raw utf-8": ("GET /v1/modèles HTTP/1.1\r\nHost: a\r\n\r\n".encode(), 400, "request.invalid"),
    "space in it": (b"GET /v1/ models HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request.invalid"),
    "header without colon": (b"GET /v1/models HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", 400, "request.invalid"),
    "control in a header": (b"GET / HTTP/1.1\r\nHost: a\r\nx: \x00\r\n\r\n", 400, "request.invalid"),
    "long url": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "request.url_too_long"),
    "long header": (
        b"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + b"a" * 70_000 + b"\r\n\r\n",
        431,
        "request.headers_too_large",
    ),
    "many headers": (
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"x-%d: a\r\n" % i for i in range(300)) + b"\r\n",
        431,
        "request.headers_too_large",
    ),
    "bad length": (b"POST /v1/models HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400, "request.invalid"),
    "huge length": (
        b"POST /v1/models HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        400,
        "request.invalid",
    ),
    "length and chunks": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        400,
        "request.invalid",
    ),
    "connect": (b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n", 404, "path.not_found"),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_is_no_request_is_answered_in_the_envelope(
    edge: Edge, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Rows 25 and 32."""
    raw, status, code = MALFORMED[name]
    if name == "connect":
        raw = raw.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    given, _, told = await edge.told(raw)
    assert (given, told["error"]["code"]) == (status, code)
    assert told["error"]["message"].endswith(".")
    assert "Traceback" not in caplog.text and not [r for r in caplog.records if r.levelno > logging.WARNING]


@pytest.mark.parametrize(
    ("path", "says"),
    [("/v1/messages", lambda told: told["type"]), ("/api/chat", lambda told: isinstance(told["error"], str))],
)
@pytest.mark.parametrize(
    "rest",
    [
        b" HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n",
        b" HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b" HTTP/1.1\r\nHost: localhost\r\nExpect: wonders\r\nConnection: close\r\n\r\n",
        b" HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        b" HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n",
    ],
)
async def test_it_is_the_dialect_of_the_path(
    edge: Edge, path: str, says: Callable[[Any], object], rest: bytes
) -> None:
    """Row 25."""
    _, _, told = await edge.told(b"POST " + path.encode() + rest)
    assert says(told)


async def test_a_long_url_that_comes_in_pieces_is_told_as_one_that_comes_whole(edge: Edge) -> None:
    long_url = b"GET /v1/messages?x=" + b"a" * 20_000
    _, _, told = await edge.told(long_url, b"a" * 20_000, b"a" * 40_000)
    assert (told["type"], told["error"]["code"]) == ("error", "request.url_too_long")


async def test_an_unknown_expectation(edge: Edge) -> None:
    status, _, told = await edge.told(post("/v1/messages", ASKED, "Expect: wonders"))
    assert (status, told["error"]["code"]) == (417, "request.unknown_expectation")
    assert (await edge.told(post("/api/show", ASKED, "Expect: 100-continue")))[0] == 200


async def test_who_would_rather_speak_http_2_is_served_all_the_same(edge: Edge) -> None:
    """Java's client asks so with every first request (curl --http2, too)."""
    upgrade = ("Connection: Upgrade, HTTP2-Settings, close", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
    assert (await edge.told(post("/api/show", ASKED, *upgrade)))[0] == 200
    socket = ("Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13")
    assert (await edge.told(get("/v1/models", *socket)))[0] == 200


@pytest.mark.parametrize(
    "target", ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/%c0%af", "/%zz", "/%00"]
)
async def test_odd_paths_are_no_paths(edge: Edge, target: str) -> None:
    status, _, told = await edge.told(get(target))
    assert (status, told["error"]["code"]) == (404, "path.not_found")


async def test_every_route_answers_head_and_options(edge: Edge) -> None:
    """Row 25."""
    for path in (
        "/",
        "/v1/models",
        "/v1/chat/completions",
        "/v1/messages",
        "/api/chat",
        "/api/tags",
        "/api/state",
    ):
        status, headers, _ = await edge.told(get(path, method="OPTIONS"))
        assert status == 204, path
        status, headers, _ = await edge.told(get(path, method="HEAD"))
        assert status == 200 or (status == 405 and headers["allow"] == "post"), path
    assert (await edge.told(get("/nowhere", method="OPTIONS")))[0] == 404
    assert (await edge.told(get("*", method="OPTIONS")))[0] == 204


# -- the log -----------------------------------------------------------------------------------------------


async def test_who_floods_the_port_does_not_fill_the_log(edge: Edge, caplog: pytest.LogCaptureFixture) -> None:
    """Row 32: the first few in a minute have a line each, the others are counted."""
    for _ in range(20):
        await edge.send(b"\xff\xff\r\n\r\n")
    lines = [r.getMessage() for r in caplog.records if r.name == faults.__name__]
    assert len(lines) == faults.LOGGED_EACH
    assert all(line.startswith("client 127.0.0.1 sent what is no HTTP request: ") for line in lines)
    edge.context.faults.close()
    assert caplog.messages[-1].startswith("clients: within 60 s 17 more like this")


async def test_no_key_gets_into_the_log(edge: Edge, caplog: pytest.LogCaptureFixture) -> None:
    """aiohttp's parser quotes the line it stumbles over."""
    caplog.set_level(logging.DEBUG)
    for raw in (
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sk-secret\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization Bearer sk-secret\r\n\r\n",
        b"GET /v1/models?key=sk-secret more HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET foo?key=sk-secret HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nsk-secret\r\n",
    ):
        assert await edge.send(raw)
    assert "sk-secret" not in caplog.text and "client 127.0.0.1" in caplog.text


async def test_a_line_of_the_log_stays_one(caplog: pytest.LogCaptureFixture) -> None:
    told = faults.ClientFaults()
    told.note(faults.Fault.REFUSED, "127.0.0.1", "a\nb\x1b[31m" + "\ud800" + "c" * 1000)
    told.close()
    assert "a b\\x1b[31m\\ud800c" in caplog.text and len(caplog.messages[0]) < 300


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"GET / HTTP/1.1\r\nX: y\r\n\r\n", "Missing 'Host' header in request"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "Duplicate 'Host' header found"),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
            "Content-Length can't be present with Transfer-Encoding",
        ),
    ],
)
async def test_the_reason_is_told_whole(edge: Edge, raw: bytes, words: str) -> None:
    """Only what is quoted of the client's bytes is left out, not what comes behind an apostrophe."""
    assert f"({words})" in (await edge.told(raw))[2]["error"]["message"]
