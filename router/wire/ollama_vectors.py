"""Ollama's embeddings, from OpenAI's."""

from __future__ import annotations

import time
from typing import Any

from router.base.errors import EngineFailed, RouterError
from router.wire.aggregate import Collected
from router.wire.lenient import mapping, mappings, whole
from router.wire.ollama_parts import Clock, line, ollama_error
from router.wire.vectors import from_base64, in_order, is_vector, shortened, unreadable


class Embeddings(Collected):
    """/api/embed's document, from OpenAI's. `dimensions`: how many numbers of each vector to keep; `inputs`:
    how many there must be."""

    def __init__(
        self,
        model: str,
        dimensions: int | None = None,
        clock: Clock = time.time_ns,
        *,
        inputs: int | None = None,
    ) -> None:
        super().__init__()
        self._model = model
        self._dimensions = dimensions
        self._inputs = inputs
        self._clock = clock
        self._began = self._served = clock()

    def served_by(self, model: str) -> None:
        self._model = model
        self._served = self._clock()

    def told(self, body: dict[str, Any], raw: bytes) -> bytes:
        if not raw:
            return line(self.nothing())
        vectors, tokens = _vectors(body)
        if self._inputs is not None and len(vectors) < self._inputs:
            raise EngineFailed(
                f"The engine gave {len(vectors)} embeddings for {self._inputs} inputs; see its log, or send "
                "the request again."
            )
        return line(self.document(vectors, tokens))

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
    given = (row.get("embedding") for row in in_order(mappings(body.get("data"))))
    vectors = [from_base64(vector) if isinstance(vector, str) else vector for vector in given]
    if not vectors or not all(map(is_vector, vectors)):
        raise unreadable()
    return vectors, whole(mapping(body.get("usage")).get("prompt_tokens"))
