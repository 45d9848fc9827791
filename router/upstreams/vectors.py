"""Embeddings of servers elsewhere: whether they are, and in the order in which clients read them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.wire import vectors


def are_vectors(document: Mapping[str, Any]) -> bool:
    """Return whether `data` holds vectors, as numbers or in base64. Of each only the beginning is looked at:
    there are millions of numbers in one answer."""
    rows = document.get("data")
    return isinstance(rows, list) and bool(rows) and all(_is_vector(row) for row in rows)


def in_order(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the document with its vectors numbered, and in that order; itself where they are. SDKs hand them
    to programs as they come."""
    rows = vectors.in_order(document["data"])
    if rows == document["data"] and [row.get("index") for row in rows] == list(range(len(rows))):
        return document
    return {**document, "data": [{**row, "index": at} for at, row in enumerate(rows)]}


def count_fault(document: Mapping[str, Any], inputs: int | None) -> str | None:
    """Return what is wrong with the number of vectors for so many inputs (None: not known); None if nothing.
    More than inputs are another kind of embeddings: several for one text."""
    count = len(document["data"])
    if inputs is None or count >= inputs:
        return None
    return f"it sent {count} embedding{'s' * (count != 1)} for {inputs} input{'s' * (inputs != 1)}"


def number_fault(document: Mapping[str, Any], *, exact: bool) -> str | None:
    """Return what is wrong with the numbers; None if nothing. `exact`: each is known to be one."""
    found = [row["embedding"] for row in document["data"] if isinstance(row["embedding"], list)]
    if not exact and any(None in vector for vector in found):
        return "a number in its embeddings is none (NaN)"
    if len({len(vector) for vector in found}) > 1:
        return "its embeddings are not of one length"
    return None


def in_numbers(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the document without base64, which a client that did not ask for it does not read."""
    rows = document["data"]
    if not any(isinstance(row["embedding"], str) for row in rows):
        return document
    return {**document, "data": [{**row, "embedding": _numbers(row["embedding"])} for row in rows]}


def _numbers(vector: Any) -> Any:
    return (vectors.from_base64(vector) or vector) if isinstance(vector, str) else vector


def _is_vector(row: Any) -> bool:
    vector = row.get("embedding") if isinstance(row, Mapping) else None
    if isinstance(vector, str):
        return bool(vector)
    return isinstance(vector, list) and bool(vector) and type(vector[0]) in (int, float)
