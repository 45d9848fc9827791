"""OpenAI's embeddings with fewer numbers each, where `dimensions` asks for that: llama-server gives all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from router.base.errors import BadRequest
from router.wire.aggregate import Collected
from router.wire.lenient import mappings
from router.wire.vectors import from_base64, is_vector, shortened, to_base64, unreadable


def read_dimensions(body: Mapping[str, Any]) -> int | None:
    """Return how many numbers are to be kept of each vector; None for all. Raises BadRequest."""
    given = body.get("dimensions")
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 1 <= given < 2**31 or given % 1:
        raise BadRequest("`dimensions` must be a whole number from 1: how many to keep.", param="dimensions")
    return int(given)


class ShortVectors(Collected):
    """Cuts each vector, written as numbers or in base64, and brings it to length 1 again, as OpenAI does."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self._dimensions = dimensions

    def told(self, body: dict[str, Any], raw: bytes) -> bytes:
        rows = [{**row, "embedding": self._short(row.get("embedding"))} for row in mappings(body.get("data"))]
        if not rows:
            raise unreadable()
        return json.dumps({**body, "data": rows}).encode()

    def _short(self, embedding: object) -> list[float] | str:
        vector = from_base64(embedding) if isinstance(embedding, str) else embedding
        if not is_vector(vector):
            raise unreadable()
        if self._dimensions > len(vector):
            raise BadRequest(
                f"`dimensions` is {self._dimensions}, but this model's embeddings have {len(vector)}.",
                param="dimensions",
            )
        kept = shortened(vector, self._dimensions)
        return to_base64(kept) if isinstance(embedding, str) else kept
