"""Bytes on their way to a client: at once after a pause, gathered when they come too fast to be told apart."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from router.server.request import writer
from router.server.request.writer import GATHER_BYTES, WRITE_AHEAD, Writer
from tests.engines.running import until


class Transport:
    """Only what Writer uses; what a socket makes of it is shown by tests/e2e."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closing = False
        self.waiting = 0

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return self.waiting


def make(*, chunked: bool = False) -> tuple[Transport, Writer]:
    transport = Transport()
    return transport, Writer(cast(asyncio.Transport, transport), chunked=chunked)


async def test_the_first_piece_goes_at_once_and_a_burst_goes_together() -> None:
    transport, out = make(chunked=True)
    for piece in (b"a", b"bc", b"d"):
        assert out.write(piece)
    assert transport.written == [b"1\r\na\r\n"]
    await until(lambda: len(transport.written) == 2, "the rest by itself")
    assert transport.written[1] == b"3\r\nbcd\r\n"


async def test_after_a_pause_a_piece_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "GATHER_SECONDS", 0.0)
    transport, out = make()
    for piece in (b"a", b"b", b"c"):
        out.write(piece)
    assert transport.written == [b"a", b"b", b"c"]


async def test_what_is_held_goes_when_asked_or_when_it_is_much() -> None:
    transport, out = make()
    out.write(b"a")
    out.write(b"b")
    out.flush()
    out.flush()
    assert transport.written == [b"a", b"b"]
    out.write(b"x" * GATHER_BYTES)
    assert transport.written[2:] == [b"x" * GATHER_BYTES]


async def test_a_client_that_is_slow_or_has_left_is_told_of() -> None:
    transport, out = make()
    transport.waiting = WRITE_AHEAD + 1
    assert not out.write(b"a")
    out.write(b"b")
    transport.closing = True
    out.flush()
    assert transport.written == [b"a"], "nothing is written to who left"
    with pytest.raises(ConnectionResetError):
        out.write(b"c")
