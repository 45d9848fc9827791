"""Asks engines on this computer: answers, and the connections they come by.

A connection is used again only after a complete answer that was no stream: llama-server announces keep-alive
after a stream and then closes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType

from router.server.request.connection import Connection, ConnectionBroken, Sink
from router.wire.http1 import Head, request_head

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 3.0
"""llama-server closes idle connections after 5 s; one that old may be closing just now."""


class Answer:
    """An engine's answer; use as `async with`. Leaving early drops the connection."""

    def __init__(
        self, pool: EngineConnections, key: tuple[str, int], connection: Connection, head: Head
    ) -> None:
        self.head = head
        self._pool = pool
        self._key = key
        self._connection = connection

    async def pump(self, sink: Sink) -> None:
        """Hand the body to `sink` as it comes. Raises ConnectionBroken if it breaks off."""
        await self._connection.pump(sink)

    async def read(self, limit: int | None = None) -> bytes:
        """Return the body; of a longer one than `limit` bytes a little more than that."""
        whole = _Whole(limit)
        try:
            await self._connection.pump(whole)
        except _EnoughError:
            self._connection.close()
        return b"".join(whole.pieces)

    async def __aenter__(self) -> Answer:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._pool.give_back(self._key, self._connection)


class _EnoughError(Exception):
    """The limit is reached."""


class _Whole:
    """Collects a body."""

    def __init__(self, limit: int | None) -> None:
        self.pieces: list[bytes] = []
        self._left = limit

    def take(self, piece: bytes) -> bool:
        self.pieces.append(piece)
        if self._left is not None:
            self._left -= len(piece)
        return self._left is None or self._left >= 0

    async def ready(self) -> None:
        raise _EnoughError


class EngineConnections:
    """Connections to engines; idle ones are kept briefly."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int], list[Connection]] = {}

    async def request(
        self, host: str, port: int, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Send and wait for the answer's head. Raises ConnectionBroken or OSError.

        A kept connection that the engine closed meanwhile is replaced once: nothing was answered on it.
        """
        head = request_head(host, port, method, path, tuple(headers.items()), len(body))
        key = (host, port)
        while True:
            connection = self._take(key) or await self._connect(key)
            kept = connection.used > 0
            try:
                connection.send(head, body)
                return Answer(self, key, connection, await connection.head())
            except ConnectionBroken:
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
