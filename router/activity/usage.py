"""How many tokens an answer took, read from its first and last bytes, whatever dialect it is in. Pure.

llama-server tells `timings` in all of its dialects but Anthropic's; others tell `usage`, at the end of a
stream, at either end of a document, and Anthropic's in two parts. No text of a model's can pass for one, as
quotes are escaped within it.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any, Final, NamedTuple

HEAD_BYTES: Final = 4096
_TAIL_PIECES: Final = 24
_TAIL_BYTES: Final = 16 * 1024
_LONGEST: Final = 2048  # of what tells: some twenty numbers
_DECODER: Final = json.JSONDecoder()
_TIMINGS: Final = b'"timings":'
_USAGE: Final = b'"usage":'


class Usage(NamedTuple):
    """`prompt` counts those that were `cached`, too; `per_second` is of the completion, as the engine says."""

    prompt: int | None = None
    cached: int | None = None
    completion: int | None = None
    per_second: float | None = None


class Heard:
    """What passes of an answer, of which the beginning and the end are kept.

    Attributes:
        head: at most as many bytes as were asked for.
    """

    __slots__ = ("_keep", "_tail", "head")

    def __init__(self, keep: int = HEAD_BYTES) -> None:
        self.head = b""
        self._keep = keep
        self._tail: deque[bytes] = deque(maxlen=_TAIL_PIECES)

    def add(self, piece: bytes) -> None:
        if len(self.head) < self._keep:
            self.head += piece[: self._keep - len(self.head)]
        self._tail.append(piece if len(piece) <= _TAIL_BYTES else piece[-_TAIL_BYTES:])

    @property
    def usage(self) -> Usage:
        return usage_in(self.head, b"".join(self._tail))


def usage_in(head: bytes, tail: bytes) -> Usage:
    """`head` and `tail` may be the same, or overlap."""
    timings = _last_object(tail, _TIMINGS)
    completion = _count(timings.get("predicted_n"))
    per_second = _rate(timings.get("predicted_per_second"))
    if completion is not None:
        fresh, cached = _count(timings.get("prompt_n")), _count(timings.get("cache_n"))
        return Usage(None if fresh is None else fresh + (cached or 0), cached, completion, per_second)
    # Only a beginning that is not in the end as well is looked at for itself.
    first = {} if tail.startswith(head) and _USAGE in tail else _last_object(head, _USAGE)
    return _told({**first, **_last_object(tail, _USAGE)}, per_second)


def _told(usage: Mapping[str, Any], per_second: float | None) -> Usage:
    prompt, completion = (
        _count(usage.get(f"{openai}_tokens", usage.get(f"{other}_tokens")))
        for openai, other in (("prompt", "input"), ("completion", "output"))
    )
    if "cache_read_input_tokens" in usage:  # Anthropic's: those are not among the others
        cached = _count(usage["cache_read_input_tokens"]) or 0
        written = _count(usage.get("cache_creation_input_tokens")) or 0
        return Usage(None if prompt is None else prompt + cached + written, cached, completion, per_second)
    details = usage.get("prompt_tokens_details", usage.get("input_tokens_details"))
    cached_tokens = details.get("cached_tokens") if isinstance(details, dict) else None
    return Usage(prompt, _count(cached_tokens), completion, per_second)


def _last_object(raw: bytes, mark: bytes) -> dict[str, Any]:
    """The last object that `mark` stands before; {} if there is none. Some streams say null in most events."""
    end = len(raw)
    while (found := raw.rfind(mark, 0, end)) >= 0:
        text = raw[found + len(mark) : found + len(mark) + _LONGEST].decode(errors="replace").lstrip()
        if text.startswith("{"):
            try:
                told: dict[str, Any] = _DECODER.raw_decode(text)[0]
            except (JSONDecodeError, RecursionError):
                return {}
            return told
        end = found
    return {}


def _count(value: object) -> int | None:
    """Tokens: of whoever tells a fraction, or more than any model has, nothing is believed."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40 else None


def _rate(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0:
        return round(float(value), 2)
    return None
