"""Embeddings in numbers and in base64, and the order in which they belong. Pure."""

from __future__ import annotations

import array
import base64
import binascii
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from router.base.errors import EngineFailed
from router.wire.lenient import whole

Row = Mapping[str, Any]


def is_vector(value: object) -> TypeGuard[list[float]]:
    return isinstance(value, list) and bool(value) and all(type(number) in (int, float) for number in value)


def unreadable() -> EngineFailed:
    return EngineFailed("The engine's embeddings cannot be read; see its log, or send the request again.")


def shortened(vector: list[float], dimensions: int | None) -> list[float]:
    """Cut a vector and bring it to length 1 again, as OpenAI and Ollama do."""
    if dimensions is None or dimensions >= len(vector):
        return vector
    kept = vector[:dimensions]
    length = math.hypot(*kept)
    return [number / length for number in kept] if length else kept


def from_base64(text: str) -> list[float]:
    """Read 4-byte floats, little-endian; nothing where they are none."""
    numbers = array.array("f")
    try:
        numbers.frombytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return []
    return _little_endian(numbers).tolist()


def to_base64(vector: list[float]) -> str:
    return base64.b64encode(_little_endian(array.array("f", vector)).tobytes()).decode()


def _little_endian(numbers: array.array[float]) -> array.array[float]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def in_order(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows of `data` in the order of their inputs: by `index`, where each has one of its own; else
    as they come, for what is numbered anew in each batch, or not at all, comes so."""
    numbers = [whole(row.get("index")) for row in rows]
    if None in numbers or len(set(numbers)) < len(numbers):
        return rows
    return [row for _number, row in sorted(zip(numbers, rows, strict=True), key=lambda pair: pair[0] or 0)]
