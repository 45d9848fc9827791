"""Ollama's embeddings, from OpenAI's."""

from __future__ import annotations

import json
import math
import time
from typing import Any

from router.errors import EngineFailed, RouterError
from router.wire.encode import JsonAnswer
from router.wire.ollama_parts import Clock, line, ollama_error


class Embeddings(JsonAnswer):
    """/api/embed's document, from OpenAI's. `dimensions`: how many numbers of each vector to keep."""

    translates = True

    def __init__(self, model: str, dimensions: int | None = None, clock: Clock = time.time_ns) -> None:
        self._model = model
        self._dimensions = dimensions
        self._clock = clock
        self._began = self._served = clock()
        self._pieces: list[bytes] = []

    def served_by(self, model: str) -> None:
        self._model = model
        self._served = self._clock()

    def feed(self, piece: bytes) -> bytes:
        self._pieces.append(piece)
        return b""

    def finish(self) -> bytes:
        raw = b"".join(self._pieces)
        return line(self.document(*_vectors(raw))) if raw else line(self.nothing())

    def error(self, error: RouterError) -> dict[str, Any]:
        return ollama_error(error)

    def nothing(self) -> dict[str, Any]:
        """The engine was asked nothing."""
        return {"model": self._model, "embeddings": []}

    def document(self, vectors: list[list[float]], tokens: int | None) -> dict[str, Any]:
        kept = [_shortened(vector, self._dimensions) for vector in vectors]
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


def _vectors(raw: bytes) -> tuple[list[list[float]], int | None]:
    """The vectors in the order of the inputs, and the tokens read."""
    try:
        body = json.loads(raw)
        places = {id(row): n for n, row in enumerate(body["data"])}  # for servers that number nothing
        rows = sorted(body["data"], key=lambda row: row.get("index", places[id(row)]))
        vectors = [row["embedding"] for row in rows]
        if not vectors or not all(isinstance(vector, list) for vector in vectors):
            raise TypeError("not lists of numbers")
        return vectors, (body.get("usage") or {}).get("prompt_tokens")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineFailed(f"The engine's embeddings cannot be read ({error!r}); see its log.") from error


def _shortened(vector: list[float], dimensions: int | None) -> list[float]:
    """Cut and brought to length 1 again, as Ollama does."""
    if dimensions is None or dimensions >= len(vector):
        return vector
    kept = vector[:dimensions]
    length = math.hypot(*kept)
    return [number / length for number in kept] if length else kept
