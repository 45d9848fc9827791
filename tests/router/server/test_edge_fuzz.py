"""Row 32: 2,500 random requests over bare sockets; clients leave at any point. No traceback, few lines."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
import random
import socket
import struct
from typing import Any, Self

import pytest

from router.catalog.model import Model
from router.config.schema import Kind, LimitsConfig, ServerConfig, SlotConfig
from router.dispatch import Dispatcher
from router.readahead.ahead import ReadAhead
from router.remote.follow import Remotes
from router.server.app import Endpoint
from router.server.request.context import Context
from router.server.request.engines import EngineConnections
from router.server.request.faults import LOGGED_EACH, Fault
from router.slots.supervisor import Supervisor
from router.state import ModelStatus
from router.upstreams.registry import UpstreamRegistry
from tests.engines.running import soon, until
from tests.router.server.conftest import CountingStore
from tests.router.server.test_generate import HEAD, Launcher, event

SEED = 3232
REQUESTS = 2500
AT_ONCE = 50
PATHS = [
    "/",
    "/health",
    "/nowhere",
    "/props",
    "/tokenize",
    "/models/switch",
    "/v1/models",
    "/v1/models/alpha",
    "//v1//models/",
    "/api/state",
    "/v1/chat/completions",
    "/v1/v1/chat/completions",
    "/v1/chat/completions/input_tokens",
    "/v1/responses/input_tokens",
    "/v1/completions",
    "/v1/responses",
    "/v1/embeddings",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/audio/transcriptions",
    "/api/chat",
    "/api/generate",
    "/api/embed",
    "/api/show",
    "/api/tags",
]
HEADERS = [
    b"Content-Encoding: br",
    b"Content-Encoding: gzip",
    b"Content-Type: application/json; charset=utf-16",
    b"Content-Type: multipart/form-data; boundary=x",
    b"Expect: 100-continue",
    b"Expect: a miracle",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip",
    b"Upgrade: h2c\r\nConnection: Upgrade",
    b"Upgrade: websocket\r\nConnection: Upgrade",
    b"Host: evil.example",
    b"Origin: https://evil.example",
    b"Origin: http://localhost:3000",
    b"Content-Length: 7",
    b"X-Hal0-Wait: soon",
    b"X-Hal0-Progress: events",
    b"X-Request-Id: \xff\xfe",
    b"Authorization: Bearer \x80",
    b"Cookie: " + b"c" * 9000,
    b"Cookie: " + b"c" * 70000,
    b"no header at all",
]
BODIES: list[Any] = [
    {"model": "primary", "messages": [{"role": "user", "content": "Hi"}], "stream": True},
    {"model": "primary", "messages": [{"role": "user", "content": "Hi"}]},
    {"model": "alpha", "prompt": "Hi"},
    {"model": "nobody", "messages": []},
    {"model": 7},
    {"model": "primary", "input": ["a"] * 50},
    [],
    {},
    "text",
]


class Dice(random.Random):
    """Makes one request's bytes, and says what its client does then."""

    def request(self) -> bytes:
        path = self.choice(PATHS)
        body = json.dumps(self.choice(BODIES)).encode()
        if self.random() < 0.1:
            body = self.choice(
                [gzip.compress(body), body[:-3], self.randbytes(40), b"", body.decode().encode("utf-16")]
            )
        lines = [
            f"{self.choice(['GET', 'POST', 'POST', 'POST', 'HEAD', 'OPTIONS', 'PUT'])} {path} HTTP/1.1".encode()
        ]
        lines += [b"Host: localhost"] if self.random() < 0.95 else []
        lines += self.sample(HEADERS, self.choice([0, 0, 0, 1, 1, 2, 3]))
        lines += [b"Content-Length: %d" % len(body)] if self.random() < 0.9 else []
        raw = b"\r\n".join([*lines, b"", b""]) + body
        return self.mutated(raw) if self.random() < 0.4 else raw

    def mutated(self, raw: bytes) -> bytes:
        at = self.randrange(len(raw))
        match self.randrange(5):
            case 0:
                return raw[:at]
            case 1:
                return raw[:at] + self.randbytes(self.randrange(1, 9)) + raw[at:]
            case 2:
                return raw[:at] + raw[at + self.randrange(1, 9) :]
            case 3:
                return self.randbytes(self.randrange(1, 200)) + b"\r\n\r\n"
            case _:
                return raw + raw


async def play(dice: Dice, port: int) -> bytes:
    """Send one request, then stay, or leave by one of the ways there are. What came, if it stayed."""
    raw, patience = dice.request(), dice.choice(["stays"] * 6 + ["goes", "resets", "peeks", "halves"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    with contextlib.suppress(ConnectionError, TimeoutError):
        if patience == "halves":
            writer.write(raw[: len(raw) // 2])
        else:
            writer.write(raw)
        if patience == "peeks":
            await asyncio.wait_for(reader.read(20), 0.2)
        if patience == "resets":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if patience == "stays":
            # What waits for the rest of a request is no fault of the server's.
            while piece := await asyncio.wait_for(reader.read(65536), 0.2):
                received += piece
    writer.close()
    return b"" if raw.startswith(b"HEAD") else received  # which has a length, and no body


def judge(received: bytes) -> None:
    """The first answer is HTTP, and its JSON an envelope of some dialect or what was asked for."""
    if not received:
        return
    head, _, rest = received.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 100 "):
        head, _, rest = rest.partition(b"\r\n\r\n")
    if not head:
        return
    assert head.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")), received[:200]
    status = int(head[9:12])
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    length = int(lines.get(b"content-length", b"0"))
    assert b"text/html" not in lines.get(b"content-type", b""), received[:300]
    assert status < 500 or status in (502, 503), received[:400]
    if status >= 400 and length and len(rest) >= length:
        assert lines[b"content-type"].startswith(b"application/json"), received[:300]
        told = json.loads(rest[:length])
        sentence = told["error"] if isinstance(told["error"], str) else told["error"]["message"]
        assert sentence


async def engine(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A stub: three chunks, slowly enough that clients leave in between."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        for word in ("So", "it", "is"):
            choice = {"index": 0, "delta": {"content": word}, "text": word, "finish_reason": None}
            writer.write(event(id="1", model="alpha", choices=[choice]))
            await writer.drain()
            await asyncio.sleep(0.002)
        writer.write(event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]) + b"data: [DONE]\n\n")
    writer.close()


class Whole:
    """The endpoint with a slot whose engine is the stub."""

    def __init__(self) -> None:
        self.store, self.launcher, self._engines = CountingStore(), Launcher(), EngineConnections()
        self._answering = 0
        self.supervisor = Supervisor(self.store, self.launcher)
        models = {"alpha": Model("alpha", Kind.CHAT, display_name="alpha", command="alpha {port}")}
        self.supervisor.add_slot(SlotConfig("primary"), LimitsConfig(), models, "alpha")
        self.store.update(models=(ModelStatus("alpha", "alpha", Kind.CHAT),))
        absent: Any = None  # only orders for slots are given
        ahead = ReadAhead(self.store, dict, lambda: False)
        orders = Dispatcher(self.store, self.supervisor, Remotes(absent), *[absent] * 5, ahead, *[absent] * 6)
        context = Context(self.store, self.supervisor, orders, self._engines, UpstreamRegistry(self.store))
        self.endpoint = Endpoint(ServerConfig(port=0), context)

    async def __aenter__(self) -> Self:
        self._stub = await asyncio.start_server(self._engine, "127.0.0.1", 0)
        self.launcher.port = self._stub.sockets[0].getsockname()[1]
        await self.endpoint.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.launcher.automatic = {"check", "launch", "ready", "stop"}
        await self.endpoint.stop()
        await soon(self.supervisor.close())
        self._engines.close()
        self._stub.close()
        await until(lambda: not self._answering, "the engine to end")

    async def _engine(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._answering += 1
        await engine(reader, writer)
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        self._answering -= 1


@pytest.mark.timeout(170)
async def test_no_random_request_makes_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with Whole() as whole:
        port = whole.endpoint.port
        await soon(whole.supervisor.load("primary", "alpha"))
        for batch in range(REQUESTS // AT_ONCE):
            dice = [Dice(SEED + batch * AT_ONCE + i) for i in range(AT_ONCE)]
            for received in await asyncio.gather(*(play(one, port) for one in dice)):
                judge(received)
        assert (await play_health(port)).startswith(b"HTTP/1.1 200 ")
    lines = warnings(caplog)
    assert len(lines) <= len(Fault) * (LOGGED_EACH + 1) * 3, lines


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """hal0's lines from WARNING on; none of them is about itself."""
    bad = [r for r in caplog.records if r.levelno >= logging.ERROR or r.exc_info]
    assert not bad, [(r.getMessage(), r.exc_info) for r in bad[:3]]
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


BODY = b'{"model": "primary", "messages": [], "stream": true}'
HEAD_BYTES = b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
PHASES = {
    "in the head": ((HEAD_BYTES % (b"/v1/chat/completions", 9))[:40], b""),
    "in the body": (HEAD_BYTES % (b"/v1/chat/completions", 900) + BODY, b""),
    "while it loads": (HEAD_BYTES % (b"/v1/chat/completions", len(BODY)) + BODY, b": hal0 "),
    "while it loads, not streamed": (
        HEAD_BYTES % (b"/v1/chat/completions", 20) + b'{"model": "primary"}',
        b"\n",
    ),
    "while it loads, Ollama": (HEAD_BYTES % (b"/api/chat", len(BODY)) + BODY, b'"done":'),
    "in the stream": (HEAD_BYTES % (b"/v1/chat/completions", len(BODY)) + BODY, b'"content":"So"'),
    "in the events": (b"GET /api/events?heartbeat=0.1 HTTP/1.1\r\nHost: localhost\r\n\r\n", b": still here"),
}


@pytest.mark.parametrize("phase", PHASES)
async def test_who_leaves_makes_no_noise(phase: str, caplog: pytest.LogCaptureFixture) -> None:
    """Row 32: whatever was being written to it."""
    raw, seen = PHASES[phase]
    async with Whole() as whole:
        if phase.startswith("while"):
            whole.launcher.automatic -= {"ready"}
        readers = []
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", whole.endpoint.port)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.write(raw)
            if seen:
                await soon(reader.readuntil(b"\r\n\r\n"))
                await soon(reader.readuntil(seen))
            readers.append(writer)
        for writer in readers:
            writer.close()
        assert (await play_health(whole.endpoint.port)).startswith(b"HTTP/1.1 200 ")
        await until(lambda: whole.store.snapshot.slots[0].in_flight == 0, "their leases to come back")
    assert not warnings(caplog)


async def play_health(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await soon(reader.read())
    writer.close()
    return answer
