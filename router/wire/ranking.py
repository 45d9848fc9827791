"""A ranking with its documents, if `return_documents` asks for them (Cohere, Jina): llama-server omits them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from router.wire.aggregate import Collected
from router.wire.documented import passages
from router.wire.lenient import mappings, whole


def returned(body: Mapping[str, Any]) -> Sequence[Any] | None:
    """Return the documents to be told again, None where none are wanted."""
    given = passages(body).get("documents")
    return given if body.get("return_documents") is True and given else None


class Ranking(Collected):
    """Adds `{"document": {"text"}}` to each result."""

    def __init__(self, documents: Sequence[Any]) -> None:
        super().__init__()
        self._documents = documents

    def told(self, body: dict[str, Any], raw: bytes) -> bytes:
        if not isinstance(body.get("results"), list):
            return raw
        return json.dumps({**body, "results": [self._told(row) for row in mappings(body["results"])]}).encode()

    def _told(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        place = whole(row.get("index"))
        if place is None or not 0 <= place < len(self._documents) or row.get("document") is not None:
            return row
        return {**row, "document": {"text": self._documents[place]}}
