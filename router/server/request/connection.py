"""One connection to an engine.

Half the cost of aiohttp's client (benchmarks/README.md): one write per request, and the answer's bytes go from
the engine's socket to the client's in one call, without a task being woken for each piece.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from router.wire.http1 import AnswerParser, Head

HIGH_WATER = 256 * 1024
"""Bytes read ahead of a slow client before the engine is made to wait."""


class ConnectionBroken(ConnectionError):
    """The engine's connection broke, or what came is not HTTP."""


class Sink(Protocol):
    """Where an answer's body goes."""

    def take(self, piece: bytes) -> bool:
        """Take a piece as it comes. False: no more before `ready` has returned."""
        ...

    async def ready(self) -> None:
        """Wait until there is room again."""
        ...


class Connection(asyncio.Protocol):
    """`used` counts requests, `idle_since` is monotonic; `reusable` is known when an answer has been taken."""

    def __init__(self) -> None:
        self.used = 0
        self.idle_since = 0.0
        self.reusable = False
        self._transport: asyncio.Transport | None = None
        self._parser = AnswerParser()
        self._early: list[bytes] = []  # of the body, come before anyone asked for it
        self._early_size = 0
        self._sink: Sink | None = None
        self._full = False
        self._waiter: asyncio.Future[None] | None = None
        self._error: ConnectionBroken | None = None
        self._refused: Exception | None = None  # what the sink raised
        self._closed = False

    @property
    def is_open(self) -> bool:
        return not self._closed and self._transport is not None and not self._transport.is_closing()

    # -- what the proxy calls --------------------------------------------------------------------------

    def send(self, head: bytes, body: bytes) -> None:
        """Write a whole request; small ones in one piece. Raises ConnectionBroken on a closed connection."""
        if self._transport is None or not self.is_open:
            raise ConnectionBroken(
                "the engine closed the connection"
            )  # uvloop's write would raise RuntimeError
        self._parser = AnswerParser()
        self._early, self._early_size = [], 0
        self.used += 1
        self.reusable = False
        if len(body) < HIGH_WATER:
            self._transport.write(head + body)
        else:
            self._transport.writelines([head, body])

    async def head(self) -> Head:
        """Wait for the answer's head. Raises ConnectionBroken if the connection ends before it."""
        while (head := self._parser.head) is None:
            await self._wait()
        return head

    async def pump(self, sink: Sink) -> None:
        """Hand the whole body to `sink`. Raises ConnectionBroken if it breaks off, and what `sink` raises."""
        try:
            self._take_early(sink)
            while self._full or not self._parser.complete:
                if self._full:
                    self._full = False
                    await sink.ready()
                    self._resume_reading()
                else:
                    await self._wait()
                if self._refused is not None:
                    raise self._refused
        finally:
            self._sink = None
        self.reusable = self.is_open and not self._parser.spilled and self._head_keeps_alive()

    def close(self) -> None:
        """Drop the connection at once: that is what frees a generating engine."""
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio.Protocol ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        parser = self._parser
        try:
            piece = parser.feed(data)
        except ValueError as error:
            self._error = ConnectionBroken(f"the engine's answer is not HTTP ({error})")
            self.close()
            self._wake()
            return
        if self._sink is None:
            if piece:
                self._keep(piece)
        else:
            if piece:
                self._hand_over(self._sink, piece)
            if not (self._full or parser.complete):
                return
        self._wake()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._closed = True
        if (error is not None or not self._parser.end()) and self._error is None:
            self._error = ConnectionBroken(str(error) if error else "the engine closed the connection")
        self._wake()

    # -- the body ----------------------------------------------------------------------------------------

    def _keep(self, piece: bytes) -> None:
        self._early.append(piece)
        self._early_size += len(piece)
        if self._early_size >= HIGH_WATER:
            self._pause_reading()

    def _take_early(self, sink: Sink) -> None:
        """Send the body to `sink` from now on, beginning with what has come of it."""
        early, size = self._early, self._early_size
        self._early, self._early_size = [], 0
        self._sink = sink
        self._full = bool(early) and not sink.take(early[0] if len(early) == 1 else b"".join(early))
        if self._full:
            self._pause_reading()
        elif size >= HIGH_WATER:
            self._resume_reading()

    def _hand_over(self, sink: Sink, piece: bytes) -> None:
        try:
            has_room = sink.take(piece)
        except Exception as error:  # noqa: BLE001 - it belongs to the task that pumps
            self._refused = error
            self.close()
            self._wake()
            return
        if not has_room:
            self._full = True
            self._pause_reading()

    def _pause_reading(self) -> None:
        if self._transport is not None and self.is_open:
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._transport is not None and self.is_open:
            self._transport.resume_reading()

    def _head_keeps_alive(self) -> bool:
        head = self._parser.head
        return head is not None and head.keeps_alive

    # -- waiting ---------------------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Wait until something has come. Raises what ended the connection before the answer was complete."""
        if self._error is None:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._error is not None and self._refused is None and not self._parser.complete:
            raise self._error

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
