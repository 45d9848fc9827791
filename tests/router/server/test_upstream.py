"""The client for engines against servers that answer in unusual ways, as bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from router.server.upstream import Connection, UpstreamError, Upstreams
from tests.engines.running import soon

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
Ask = Callable[..., Awaitable[tuple[int, bytes]]]


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """`ask(*pieces)`: (status, body) as understood from an answer that comes in these pieces, then ends."""
    servers: list[asyncio.Server] = []
    upstreams = Upstreams()

    async def send(*pieces: bytes) -> tuple[int, bytes]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0)
            writer.close()

        servers.append(await asyncio.start_server(answer, "127.0.0.1", 0))
        port = servers[-1].sockets[0].getsockname()[1]
        async with await soon(upstreams.request("127.0.0.1", port, "POST", "/", {})) as got:
            return got.head.status, await soon(got.read())

    yield send
    upstreams.close()
    for server in servers:
        server.close()


@pytest.mark.parametrize(
    "early", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"]
)
async def test_an_interim_answer_is_not_the_answer(ask: Ask, early: bytes) -> None:
    assert await ask(early + OK + b"Content-Length: 2\r\n\r\nok") == (200, b"ok")
    assert await ask(early, OK + b"Content-Length: 2\r\n\r\nok") == (200, b"ok")


async def test_chunks_however_they_are_cut(ask: Ask) -> None:
    whole = CHUNKED + b"2\r\nok\r\n3;name=value\r\nabc\r\n0\r\nTrailer: x\r\n\r\n"
    assert await ask(whole) == (200, b"okabc")
    assert await ask(*(whole[i : i + 1] for i in range(len(whole)))) == (200, b"okabc")


async def test_a_length_says_nothing_beside_chunks(ask: Ask) -> None:
    both = OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    assert await ask(both) == (200, b"ok")


async def test_a_body_without_a_length_ends_with_the_connection(ask: Ask) -> None:
    assert await ask(OK + b"\r\n", b"abc") == (200, b"abc")


@pytest.mark.parametrize(
    "cut",
    [
        b"",
        b"HTTP/1.1 200",
        OK + b"Content-Length: 9\r\n\r\nabc",
        CHUNKED + b"5\r\nab",
        CHUNKED + b"2\r\nok\r\n",
        b"SSH-2.0-x\r\n\r\n",
        CHUNKED + b"zz\r\n",
        OK + b"Content-Length: 1\r\n\r\nabc",
    ],
)
async def test_what_breaks_off_or_is_not_http_is_an_error(ask: Ask, cut: bytes) -> None:
    with pytest.raises(UpstreamError):
        await ask(cut)


async def test_a_connection_that_was_closed_before_the_request() -> None:
    """uvloop raises RuntimeError for a write on it, which nobody would take for the engine's end."""

    async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    lost = asyncio.Event()

    class Watched(Connection):
        def connection_lost(self, error: Exception | None) -> None:
            super().connection_lost(error)
            lost.set()

    port = server.sockets[0].getsockname()[1]
    _, connection = await asyncio.get_running_loop().create_connection(Watched, "127.0.0.1", port)
    await soon(lost.wait())
    with pytest.raises(UpstreamError, match="closed the connection"):
        connection.send(b"head", b"body")
    server.close()
