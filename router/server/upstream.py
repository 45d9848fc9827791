"""A lean HTTP/1.1 client for engines on this computer.

Half the cost of aiohttp's client (benchmarks/proxy.py): one write per request, the head parsed once, body bytes
handed on as they come. It speaks what engines speak: one answer at a time, by Content-Length, chunked, or until
close. After a stream the connection is never used again:
llama-server announces keep-alive and then closes it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import cast

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 3.0
"""llama-server closes idle connections after 5 s; one that old may be closing just now."""
HIGH_WATER = 256 * 1024
"""Bytes read ahead of a slow client before the engine is made to wait."""
MAX_HEAD = 64 * 1024


class UpstreamError(ConnectionError):
    """The engine's connection broke, or what came is not HTTP."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers; header names are in lower case."""

    status: int
    reason: str
    headers: Mapping[str, str]

    @property
    def is_stream(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")


class Connection(asyncio.Protocol):
    """One connection to an engine. `used` counts requests, `idle_since` is monotonic."""

    def __init__(self) -> None:
        self.used = 0
        self.idle_since = 0.0
        self.reusable = False
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._ready: list[bytes] = []
        self._ready_size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._closed = False
        self._reset()

    def _reset(self) -> None:
        self._head: Head | None = None
        self._remaining: int | None = None  # of a body with Content-Length
        self._chunked = False
        self._chunk_left = 0  # bytes of the present chunk still to come, with the line break behind it
        self._complete = False

    @property
    def is_open(self) -> bool:
        return not self._closed and self._transport is not None and not self._transport.is_closing()

    # -- what the proxy calls --------------------------------------------------------------------------

    def send(self, head: bytes, body: bytes) -> None:
        """Write a whole request; small ones in one piece. Raises UpstreamError on a closed connection."""
        if self._transport is None or not self.is_open:
            raise UpstreamError("the engine closed the connection")  # uvloop's write would raise RuntimeError
        self._reset()
        self.used += 1
        self.reusable = False
        if len(body) < HIGH_WATER:
            self._transport.write(head + body)
        else:
            self._transport.writelines([head, body])

    async def head(self) -> Head:
        """The answer's head. Raises UpstreamError if the connection ends before it."""
        while self._head is None:
            await self._wait()
        return self._head

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, each time all that has come of it. Raises UpstreamError if it breaks off."""
        while True:
            if self._ready:
                piece = b"".join(self._ready)
                self._ready.clear()
                if self._ready_size >= HIGH_WATER and self._transport is not None:
                    self._transport.resume_reading()
                self._ready_size = 0
                yield piece
                continue
            if self._complete:
                self.reusable = self.is_open and self._keeps_alive()
                return
            await self._wait()

    def close(self) -> None:
        """Drop the connection at once: that is what frees a generating engine."""
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio.Protocol ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        try:
            if self._head is None:
                self._buffer += data
                if not self._parse_head():
                    return
                data = bytes(self._buffer)
                self._buffer.clear()
            self._feed(data)
        except ValueError as error:
            self._error = UpstreamError(f"the engine's answer is not HTTP ({error})")
            self.close()
        self._wake()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._closed = True
        if self._head is not None and self._remaining is None and not self._chunked and not error:
            self._complete = True  # a body without a length ends with the connection
        if not self._complete and self._error is None:
            self._error = UpstreamError(str(error) if error else "the engine closed the connection")
        self._wake()

    # -- parsing ---------------------------------------------------------------------------------------

    def _parse_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise ValueError("its head has no end")
            return False
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        version, _, rest = first.partition(" ")
        status, _, reason = rest.partition(" ")
        if not version.startswith("HTTP/1."):
            raise ValueError(f"it begins with {first[:40]!r}")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if 100 <= int(status) < 200:  # 101 would need an Upgrade, which is never sent
            return self._parse_head()
        self._head = Head(int(status), reason, headers)
        self._chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        if self._chunked:
            headers.pop("content-length", None)  # it says nothing then (RFC 9112, 6.3)
        elif "content-length" in headers:
            self._remaining = int(headers["content-length"])
        if self._remaining == 0 or int(status) in (204, 304):
            self._complete = True
        return True

    def _feed(self, data: bytes) -> None:
        if self._chunked:
            self._feed_chunked(data)
        elif data:
            self._push(data)
            if self._remaining is not None:
                self._remaining -= len(data)
                if self._remaining < 0:
                    raise ValueError("it is longer than its Content-Length")
                self._complete = self._remaining == 0

    def _feed_chunked(self, data: bytes) -> None:
        """Take what has come out of its chunks, as one piece: a fast engine sends many at once. An unfinished
        size line waits in the buffer."""
        if self._buffer:
            data = bytes(self._buffer) + data
            self._buffer.clear()
        pieces: list[bytes] = []
        at, end, left = 0, len(data), self._chunk_left
        while True:
            if left:
                if left > 2:
                    pieces.append(data[at : at + left - 2])
                at += left
                left = max(0, at - end)
            if at >= end or (size := self._chunk_size(data, at)) is None:
                break
            at, left = size
        self._chunk_left = left
        if whole := b"".join(pieces):
            self._push(whole)

    def _chunk_size(self, data: bytes, at: int) -> tuple[int, int] | None:
        """Read the size line at `at`: where its chunk begins and how long it is with its line break. None: the
        line is not all there, or it was the last."""
        line_end = data.find(b"\r\n", at)
        size = int(data[at:line_end].partition(b";")[0], 16) if line_end >= 0 else 0
        if size < 0:
            raise ValueError("a chunk has a negative size")
        if size:
            return line_end + 2, size + 2
        if line_end >= 0 and data.find(b"\r\n\r\n", line_end) >= 0:
            self._complete = True
            return None
        self._buffer += data[at:]
        if len(self._buffer) > MAX_HEAD:
            raise ValueError("a chunk's size line has no end")
        return None

    def _push(self, piece: bytes) -> None:
        self._ready.append(piece)
        self._ready_size += len(piece)
        if self._ready_size >= HIGH_WATER and self._transport is not None:
            self._transport.pause_reading()

    def _keeps_alive(self) -> bool:
        head = self._head
        if head is None or head.is_stream or self._ready or self._buffer:
            return False
        return head.headers.get("connection", "keep-alive").lower() != "close"

    # -- waiting ---------------------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Until something has come. Raises what ended the connection before the answer was complete."""
        if self._error is None:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if (error := self._failure()) is not None:
            raise error

    def _failure(self) -> Exception | None:
        return None if self._ready or self._complete else self._error

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Answer:
    """An engine's answer; use as `async with`. Leaving early drops the connection."""

    def __init__(self, pool: Upstreams, key: tuple[str, int], connection: Connection, head: Head) -> None:
        self.head = head
        self._pool = pool
        self._key = key
        self._connection = connection

    def chunks(self) -> AsyncIterator[bytes]:
        return self._connection.chunks()

    async def read(self) -> bytes:
        return b"".join([piece async for piece in self.chunks()])

    async def __aenter__(self) -> Answer:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._pool.give_back(self._key, self._connection)


class Upstreams:
    """Connections to engines; idle ones are kept briefly and only after complete, non-streamed answers."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int], list[Connection]] = {}

    async def request(
        self, host: str, port: int, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Send and wait for the answer's head. Raises UpstreamError or OSError.

        A kept connection that the engine closed meanwhile is replaced once: nothing was answered on it.
        """
        head = request_head(host, port, method, path, headers, len(body))
        key = (host, port)
        while True:
            connection = self._take(key) or await self._connect(key)
            kept = connection.used > 0
            try:
                connection.send(head, body)
                return Answer(self, key, connection, await connection.head())
            except UpstreamError:
                connection.close()
                if not kept:
                    raise
            except BaseException:
                connection.close()
                raise

    def give_back(self, key: tuple[str, int], connection: Connection) -> None:
        if connection.reusable:
            connection.idle_since = time.monotonic()
            self._idle.setdefault(key, []).append(connection)
        else:
            connection.close()

    def close(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def _take(self, key: tuple[str, int]) -> Connection | None:
        idle = self._idle.get(key, [])
        oldest = time.monotonic() - IDLE_SECONDS
        while idle:
            connection = idle.pop()
            if connection.is_open and connection.idle_since > oldest:
                return connection
            connection.close()
        self._idle.pop(key, None)
        return None

    async def _connect(self, key: tuple[str, int]) -> Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_SECONDS):
            _transport, connection = await loop.create_connection(Connection, *key)
        return connection


def request_head(
    host: str, port: int, method: str, path: str, headers: Mapping[str, str], length: int
) -> bytes:
    """Raises ValueError for a path or header with a line break in it: that would be a second request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}:{port}", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any("\n" in line or "\r" in line for line in lines):
        raise ValueError("a header or path holds a line break")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
