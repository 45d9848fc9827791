"""Ollama's embeddings, from OpenAI's."""

from __future__ import annotations

import math
import time
from typing import Any, TypeGuard

from router.base.errors import EngineFailed, RouterError
from router.wire.aggregate import Collected
from router.wire.lenient import mapping, mappings, whole
from router.wire.ollama_parts import Clock, line, ollama_error


class Embeddings(Collected):
    """/api/embed's document, from OpenAI's. `dimensions`: how many numbers of each vector to keep."""

    def __init__(self, model: str, dimensions: int | None = None, clock: Clock = time.time_ns) -> None:
        super().__init__()
        self._model = model
        self._dimensions = dimensions
        self._clock = clock
        self._began = self._served = clock()

    def served_by(self, model: str) -> None:
        self._model = model
        self._served = self._clock()

    def told(self, body: dict[str, Any], raw: bytes) -> bytes:
        return line(self.document(*_vectors(body)) if raw else self.nothing())

    def error(self, error: RouterError) -> dict[str, Any]:
        return ollama_error(error)

    def nothing(self) -> dict[str, Any]:
        """Return the answer where the engine was asked nothing."""
        return {"model": self._model, "embeddings": []}

    def document(self, vectors: list[list[float]], tokens: int | None) -> dict[str, Any]:
        kept = [shortened(vector, self._dimensions) for vector in vectors]
        durations = {
            "total_duration": self._clock() - self._began,
            "load_duration": self._served - self._began,
        }
        counts = {} if tokens is None else {"prompt_eval_count": tokens}
        return {"model": self._model, "embeddings": kept, **durations, **counts}


class OneEmbedding(Embeddings):
    """/api/embeddings' document."""

    def nothing(self) -> dict[str, Any]:
        return {"embedding": []}

    def document(self, vectors: list[list[float]], tokens: int | None) -> dict[str, Any]:
        return {"embedding": vectors[0]}


def _vectors(body: dict[str, Any]) -> tuple[list[Any], int | None]:
    """Return the vectors in the order of the inputs, and the tokens read."""
    rows = mappings(body.get("data"))
    places = [whole(row.get("index")) for row in rows]
    numbered = sorted(range(len(rows)), key=lambda n: n if places[n] is None else places[n] or 0)
    vectors = [rows[n].get("embedding") for n in numbered]  # some servers number nothing
    if not vectors or not all(map(is_vector, vectors)):
        raise unreadable()
    return vectors, whole(mapping(body.get("usage")).get("prompt_tokens"))


def unreadable() -> EngineFailed:
    return EngineFailed("The engine's embeddings cannot be read; see its log, or send the request again.")


def is_vector(value: object) -> TypeGuard[list[float]]:
    return isinstance(value, list) and bool(value) and all(type(number) in (int, float) for number in value)


def shortened(vector: list[float], dimensions: int | None) -> list[float]:
    """Cut a vector and bring it to length 1 again, as Ollama does."""
    if dimensions is None or dimensions >= len(vector):
        return vector
    kept = vector[:dimensions]
    length = math.hypot(*kept)
    return [number / length for number in kept] if length else kept
