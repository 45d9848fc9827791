"""The client for engines against servers that answer in unusual ways, as bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from router.base.tasks import spawn
from router.server.request.connection import Connection, ConnectionBroken
from router.server.request.engines import EngineConnections
from tests.engines.running import Still, soon, until

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
Ask = Callable[..., Awaitable[tuple[int, bytes]]]


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """`ask(*pieces)`: (status, body) as understood from an answer that comes in these pieces, then ends."""
    servers: list[asyncio.Server] = []
    engines = EngineConnections()

    async def send(*pieces: bytes) -> tuple[int, bytes]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0)
            writer.close()

        servers.append(await asyncio.start_server(answer, "127.0.0.1", 0))
        port = servers[-1].sockets[0].getsockname()[1]
        async with await soon(engines.request("127.0.0.1", port, "POST", "/", {})) as got:
            return got.head.status, await soon(got.read())

    yield send
    engines.close()
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
    with pytest.raises(ConnectionBroken):
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
    with pytest.raises(ConnectionBroken, match="closed the connection"):
        connection.send(b"head", b"body")
    server.close()


# -- where the body goes -----------------------------------------------------------------------------------


class Slow:
    """A sink that takes one piece at a time; `room` lets it go on."""

    def __init__(self) -> None:
        self.taken = bytearray()
        self.pauses = 0
        self.asked = asyncio.Event()
        self.room = asyncio.Event()

    def take(self, piece: bytes) -> bool:
        self.taken += piece
        return False

    async def ready(self) -> None:
        self.pauses += 1
        self.asked.set()
        await self.room.wait()


class Broken(Slow):
    def take(self, piece: bytes) -> bool:
        raise ZeroDivisionError(piece)


Engine = Callable[[asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def engine() -> AsyncIterator[Callable[[Engine], Awaitable[tuple[EngineConnections, int]]]]:
    """`engine(script)`: asks of it, and the port of an engine that does that with each request."""
    servers: list[asyncio.Server] = []
    answering: set[asyncio.Task[None] | None] = set()
    engines = EngineConnections()

    async def start(script: Engine) -> tuple[EngineConnections, int]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            answering.add(asyncio.current_task())
            try:
                while await reader.readuntil(b"\r\n\r\n"):
                    await script(writer)
            except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                pass  # the client, or the test, has had enough
            finally:
                writer.transport.abort()

        servers.append(await asyncio.start_server(answer, "127.0.0.1", 0))
        return engines, servers[-1].sockets[0].getsockname()[1]

    yield start
    engines.close()
    for server in servers:
        server.close()
    for task in answering:
        assert task is not None
        task.cancel()
    await asyncio.gather(*(task for task in answering if task), return_exceptions=True)


Start = Callable[[Engine], Awaitable[tuple[EngineConnections, int]]]


async def test_who_has_no_room_makes_the_engine_wait(engine: Start) -> None:
    written = 0
    total = 64 * 2**20

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(OK + b"Content-Length: %d\r\n\r\n" % total)
        while written < total:
            writer.write(bytes(2**16))
            written += 2**16
            await writer.drain()

    engines, port = await engine(flood)
    sink = Slow()
    async with await soon(engines.request("127.0.0.1", port, "POST", "/", {})) as answer:
        pump = spawn(answer.pump(sink), name="pump")
        await soon(sink.asked.wait())
        await until(Still(lambda: written), "the engine to stand still")
        assert len(sink.taken) < 2**20 and written < total
        sink.room.set()
        await soon(pump)
    assert len(sink.taken) == total and sink.pauses > 1


async def test_what_a_sink_raises_comes_out_of_the_pump(engine: Start) -> None:
    last = asyncio.Event()

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Content-Length: 2\r\n\r\n")
        await last.wait()
        writer.write(b"ok")  # with its last byte the answer is complete, and yet not taken

    engines, port = await engine(script)
    async with await soon(engines.request("127.0.0.1", port, "POST", "/", {})) as answer:
        last.set()
        with pytest.raises(ZeroDivisionError):
            await soon(answer.pump(Broken()))


async def test_what_came_before_a_break_is_handed_on(engine: Start) -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + b"2\r\nok\r\n")
        writer.close()

    engines, port = await engine(script)
    sink = Slow()
    sink.room.set()
    async with await soon(engines.request("127.0.0.1", port, "POST", "/", {})) as answer:
        with pytest.raises(ConnectionBroken):
            await soon(answer.pump(sink))
    assert sink.taken == b"ok"


async def test_no_more_is_read_than_asked(engine: Start) -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"\r\n" + b"x" * 1000)
        await asyncio.Event().wait()

    engines, port = await engine(script)
    async with await soon(engines.request("127.0.0.1", port, "POST", "/", {})) as answer:
        assert (await soon(answer.read(100))).startswith(b"x" * 100)


@pytest.mark.parametrize(("kind", "connections"), [(b"application/json", 1), (b"text/event-stream", 3)])
async def test_connections_are_used_again_but_not_after_streams(
    engine: Start, kind: bytes, connections: int
) -> None:
    writers = set()

    async def script(writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        writer.write(OK + b"Content-Type: " + kind + b"\r\nContent-Length: 2\r\n\r\nok")

    engines, port = await engine(script)
    for _ in range(3):
        async with await soon(engines.request("127.0.0.1", port, "POST", "/", {})) as answer:
            assert await soon(answer.read()) == b"ok"
    assert len(writers) == connections
