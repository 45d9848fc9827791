"""Bytes to a client, past aiohttp, whose `write` costs as much as all else that is done for a piece.

Pieces that come faster than anybody reads go out together: a write costs the more the smaller it is, here and
at the client. The first piece after a pause never waits.
"""

from __future__ import annotations

import asyncio
from typing import Final

WRITE_AHEAD: Final = 64 * 1024
"""Bytes that wait for a slow client before its engine is made to wait: asyncio's own limit."""

GATHER_SECONDS: Final = 0.001
GATHER_BYTES: Final = 16 * 1024


class Writer:
    """For one answer whose head has been sent. `chunked`: its body is in chunks (RFC 9112, 7.1).

    Attributes:
        sent: bytes of the body.
    """

    def __init__(self, transport: asyncio.Transport | None, *, chunked: bool) -> None:
        self._transport = transport
        self.sent = 0
        self._chunked = chunked
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] = []
        self._size = 0
        self._wrote_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def write(self, out: bytes) -> bool:
        """Write a piece. False: the client is slow. Raises ConnectionResetError when it has left."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client left")
        if not self._held and self._loop.time() - self._wrote_at >= GATHER_SECONDS:
            self._send(transport, out)
        else:
            self._hold(out)
        return transport.get_write_buffer_size() <= WRITE_AHEAD

    def flush(self) -> None:
        """Send what is held; for whoever writes to the client another way."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._held, self._size = self._held, [], 0
        if held and self._transport is not None and not self._transport.is_closing():
            self._send(self._transport, b"".join(held))

    def _hold(self, out: bytes) -> None:
        self._held.append(out)
        self._size += len(out)
        if self._size >= GATHER_BYTES:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(GATHER_SECONDS, self.flush)

    def _send(self, transport: asyncio.Transport, out: bytes) -> None:
        self._wrote_at = self._loop.time()
        self.sent += len(out)
        transport.write(b"%x\r\n%b\r\n" % (len(out), out) if self._chunked else out)
