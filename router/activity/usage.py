"""How many tokens an answer took, read from its first and last bytes, whatever its dialect. Pure.

llama-server sends `timings` in all of its dialects but Anthropic's; others send `usage`, at the end of a
stream, at either end of a document, and Anthropic's in two parts. No text from a model can pass for either, as
quotes are escaped within it.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

HEAD_BYTES: Final = 4096
_TAIL_PIECES: Final = 16
_EVENT_END: Final = b"\n\n"
_LONGEST: Final = 2048  # bytes of timings or usage: some twenty numbers
_TIMINGS: Final = b'"timings":'
_SPEED: Final = b'"predicted_per_second":'
_USAGE: Final = b'"usage":'
_DIGITS: Final = rb"\s*(-?\d{1,15}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,3})?)\s*[,}]"
_NUMBER: Final = re.compile(_DIGITS)
_COUNTS: Final = re.compile(
    rb'"(prompt|input|completion|output|cache_read_input|cached|cache_creation_input)_tokens":' + _DIGITS
)


class Usage(NamedTuple):
    """`prompt` counts those that were `cached`, too; `per_second` is of the completion, as the engine says."""

    prompt: int | None = None
    cached: int | None = None
    completion: int | None = None
    per_second: float | None = None


class Heard:
    """What is seen of an answer; its beginning and its end are kept.

    Attributes:
        keep: how many bytes of the beginning.
        head: that beginning.
        first_at: when the first bytes came (`time.perf_counter`), None before.
        tail: the last pieces, once there was a second one.
        begun: the head is complete; `more` is enough for what comes now.
        events: how many have come of a stream, of which engines send one for each token.
    """

    # One is made for each request: what is not set costs nothing.
    keep = HEAD_BYTES
    head = _first = b""
    first_at: float | None = None
    tail: deque[bytes]
    begun = False
    events = 0

    def take(self, piece: bytes) -> None:
        self.events += piece.count(_EVENT_END)
        if self.first_at is None:
            self.first_at = time.perf_counter()
            self._first = piece
            self.head = piece[: self.keep]
            return
        if not self.begun and self._first:
            self.tail, self._first = deque((self._first,), maxlen=_TAIL_PIECES), b""
        self.tail.append(piece)
        if not self.begun:
            self.head += piece[: self.keep - len(self.head)]
            self.begun = len(self.head) >= self.keep

    def more(self, piece: bytes) -> None:
        """Take a piece once the answer has `begun`."""
        self.tail.append(piece)
        self.events += piece.count(_EVENT_END)

    def pieces(self) -> Iterable[bytes]:
        """Return the last pieces, newest first."""
        if self._first or self.first_at is None:
            return (self._first,)
        return reversed(self.tail)

    @property
    def speed(self) -> float | None:
        """`Usage.per_second`, if one of the last pieces has it."""
        for piece in self.pieces():
            if (found := _rate(piece, _SPEED)) is not None:
                return found
        return None

    @property
    def usage(self) -> Usage:
        return usage_in(self.head, self._first or b"".join(reversed([*self.pieces()])))


def usage_in(head: bytes, tail: bytes) -> Usage:
    """Return the usage; `head` and `tail` may be the same, or overlap."""
    at = tail.rfind(_TIMINGS)
    per_second: float | None = None
    if at >= 0:
        timings = tail[at : at + _LONGEST]
        per_second = _rate(timings, _SPEED)
        completion = _count(timings, b'"predicted_n":')
        if completion is not None:
            cached, fresh = _count(timings, b'"cache_n":'), _count(timings, b'"prompt_n":')
            return Usage(None if fresh is None else fresh + (cached or 0), cached, completion, per_second)
    last = _told(_last_usage(tail), per_second)
    if last.prompt is not None:
        return last
    at = head.find(_USAGE)  # Anthropic counts the prompt before the answer
    first = _told(head[at : at + _LONGEST] if at >= 0 else b"", None)
    return Usage(first.prompt, first.cached, last.completion, per_second)


def _told(usage: bytes, per_second: float | None) -> Usage:
    if not usage:
        return Usage(per_second=per_second)
    found: dict[bytes, int | None] = {}
    for name, number in _COUNTS.findall(usage):
        found.setdefault(name, _tokens(float(number)))
    prompt, completion = _either(found, b"prompt", b"input"), _either(found, b"completion", b"output")
    cached = found.get(b"cache_read_input")
    if cached is None:
        return Usage(prompt, found.get(b"cached"), completion, per_second)
    # Anthropic's input_tokens do not include these.
    written = found.get(b"cache_creation_input") or 0
    return Usage(None if prompt is None else prompt + cached + written, cached, completion, per_second)


def _either(found: Mapping[bytes, int | None], one: bytes, other: bytes) -> int | None:
    count = found.get(one)
    return found.get(other) if count is None else count


def _last_usage(raw: bytes) -> bytes:
    """Return what follows the last mark that precedes an object; b"" if none. Some streams say null in most
    events."""
    end = len(raw)
    while (found := raw.rfind(_USAGE, 0, end)) >= 0:
        told = raw[found + len(_USAGE) : found + _LONGEST]
        if told.startswith(b"{") or told.lstrip().startswith(b"{"):
            return told
        end = found
    return b""


def _figure(raw: bytes, mark: bytes) -> float | None:
    """Return the number behind `mark`. It is searched for, as reading all of it as JSON takes five times as
    long."""
    at = raw.find(mark)
    if at < 0:
        return None
    found = _NUMBER.match(raw, at + len(mark))
    return float(found[1]) if found is not None else None


def _count(raw: bytes, mark: bytes) -> int | None:
    value = _figure(raw, mark)
    return None if value is None else _tokens(value)


def _tokens(value: float) -> int | None:
    """Return a number of tokens; a fraction, or more than any model has, is not believed."""
    return int(value) if 0 <= value < 1 << 40 and value == int(value) else None


def _rate(raw: bytes, mark: bytes) -> float | None:
    value = _figure(raw, mark)
    return round(value, 2) if value is not None and 0 < value < 1e12 else None
