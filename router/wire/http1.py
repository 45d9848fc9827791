"""HTTP/1.1 as engines speak it: the head of a request, and a parser for one answer. No I/O.

An answer's body is as long as its Content-Length, chunked, or ends with the connection. Heads are read once and
remembered: engines repeat themselves.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

MAX_HEAD = 64 * 1024
"""Bytes of the longest head, and of the longest line that tells a chunk's size."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers; header names are in lower case. `length` is of the body, None if not said."""

    status: int
    reason: str
    headers: Mapping[str, str]
    length: int | None = None
    chunked: bool = False
    is_stream: bool = False

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection may carry another request. llama-server announces that after a stream, too,
        and then closes it."""
        return not self.is_stream and self.headers.get("connection", "keep-alive").lower() != "close"


class AnswerParser:
    """Feed it what comes; it hands back the body. Errors are ValueError: what came is not HTTP.

    Attributes:
        head: None until it is complete.
        complete: the answer's last byte has come.
        spilled: bytes came behind that.
    """

    __slots__ = ("_left", "_rest", "complete", "head", "spilled")

    def __init__(self) -> None:
        self.head: Head | None = None
        self.complete = False
        self.spilled = False
        self._rest = b""  # of an unfinished head or size line
        self._left = -1  # bytes to come: of the body, or of this chunk with its line break; -1: not known

    def feed(self, data: bytes) -> bytes:
        """Return the body's bytes in `data`, as one piece: a fast engine sends many chunks at once."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        head = self.head
        if head is None:
            head, data = self._feed_head(data)
        if head is None or not data:
            return b""
        if self.complete:
            raise ValueError("it is longer than it said")
        if head.chunked:
            return self._feed_chunks(data)
        if self._left >= 0:
            self._left -= len(data)
            if self._left < 0:
                raise ValueError("it is longer than its Content-Length")
            self.complete = self._left == 0
        return data

    def end(self) -> bool:
        """Note that the connection has ended; return whether the answer is complete."""
        if self.head is not None and self.head.length is None and not self.head.chunked:
            self.complete = True
        return self.complete

    def _feed_head(self, data: bytes) -> tuple[Head | None, bytes]:
        """Return the head, if it has all come, and what follows it."""
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head, data = parse_head(data[:end]), data[end + 4 :]
            if 100 <= head.status < 200:  # 101 would need an Upgrade, which is never sent
                continue
            self.head = head
            if head.chunked:
                self._left = 0
            elif head.length is not None:
                self._left = head.length
            self.complete = head.length == 0 or head.status in (204, 304)
            return head, data
        if len(data) > MAX_HEAD:
            raise ValueError("its head has no end")
        self._rest = data
        return None, b""

    def _feed_chunks(self, data: bytes) -> bytes:
        at, end = self._left, len(data)
        pieces = [data[: at - 2]] if at > 2 else []
        while at < end:
            line_end = data.find(b"\r\n", at)
            size = chunk_size(data[at:line_end]) if line_end >= 0 else 0
            if size == 0:
                self._left = 0
                self._feed_last(data, at, line_end)
                return b"".join(pieces)
            begin = line_end + 2
            at = begin + size + 2
            pieces.append(data[begin : at - 2])
        self._left = at - end
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _feed_last(self, data: bytes, at: int, line_end: int) -> None:
        """Keep an unfinished size line, or the last one with what trails it, until all of it is there."""
        if line_end >= 0 and (end := data.find(b"\r\n\r\n", line_end)) >= 0:
            self.complete = True
            self.spilled = end + 4 < len(data)
            return
        self._rest = data[at:]
        if len(self._rest) > MAX_HEAD:
            raise ValueError("a chunk's size line has no end")


def chunk_size(line: bytes) -> int:
    """Return the size a chunk's first line tells, in bytes; what follows a semicolon says nothing here."""
    try:
        size = int(line, 16)
    except ValueError:
        size = int(line.partition(b";")[0], 16)
    if size < 0:
        raise ValueError("a chunk has a negative size")
    return size


@functools.lru_cache(maxsize=64)
def parse_head(raw: bytes) -> Head:
    """Read a head without the empty line behind it."""
    first, *lines = raw.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    status, _, reason = rest.partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(f"it begins with {first[:40]!r}")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    chunked = "chunked" in headers.get("transfer-encoding", "").lower()
    if chunked:
        headers.pop("content-length", None)  # it says nothing then (RFC 9112, 6.3)
    length = int(headers["content-length"]) if "content-length" in headers else None
    if length is not None and length < 0:
        raise ValueError("it has a negative length")
    is_stream = headers.get("content-type", "").startswith("text/event-stream")
    return Head(int(status), reason, MappingProxyType(headers), length, chunked, is_stream)


def request_head(
    host: str, port: int, method: str, path: str, headers: tuple[tuple[str, str], ...], length: int
) -> bytes:
    """Write a request's head. Raises ValueError for a path or header with a line break in it: that would be a
    second request."""
    return b"%bContent-Length: %d\r\n\r\n" % (_request_lines(host, port, method, path, headers), length)


@functools.lru_cache(maxsize=64)
def _request_lines(host: str, port: int, method: str, path: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Return all but the length: that is the same for every request of a kind to one engine."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}:{port}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if any("\n" in line or "\r" in line for line in lines):
        raise ValueError("a header or path holds a line break")
    return "\r\n".join([*lines, ""]).encode("latin-1")
