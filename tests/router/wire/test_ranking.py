"""Rerank requests in the shapes of Cohere and Jina."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.base.errors import EngineRefused
from router.wire.documented import as_taken
from router.wire.inputs import read_documents
from router.wire.openai import JsonCall
from router.wire.ranking import Ranking, returned

OBJECTS = [{"text": "a plum", "id": 7}, {"text": "a stone"}]
TEXTS = ["a plum", "a stone"]


@pytest.mark.parametrize("path", ["/v1/rerank", "/v1/reranking"])
def test_documents_may_be_objects_with_a_text(path: str) -> None:
    call = JsonCall({"query": {"text": "plum"}, "documents": OBJECTS}, None, False, b"raw")
    assert as_taken(call, path).body == {"query": "plum", "documents": TEXTS}
    inputs = read_documents(call.body)
    assert inputs is not None and (list(inputs.items), inputs.beside) == (TEXTS, "plum")
    plain = JsonCall({"query": "plum", "documents": TEXTS}, None, False, b"raw")
    assert as_taken(plain, path) is plain


@pytest.mark.parametrize("documents", [TEXTS, OBJECTS])
def test_they_are_told_again_where_that_is_wanted(documents: list[Any]) -> None:
    wanted = returned({"documents": documents, "return_documents": True})
    assert wanted == TEXTS
    encoder = Ranking(wanted)
    rows = [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}, {"index": 5}]
    assert encoder.feed(json.dumps({"model": "m", "results": rows}).encode()) == b""
    told = json.loads(encoder.finish())
    assert told["model"] == "m" and [row["index"] for row in told["results"]] == [1, 0, 5]
    assert [row.get("document") for row in told["results"]] == [{"text": "a stone"}, {"text": "a plum"}, None]


@pytest.mark.parametrize("more", [{}, {"return_documents": False}, {"return_documents": None}])
def test_else_they_are_not(more: dict[str, Any]) -> None:
    assert returned({"documents": TEXTS, **more}) is None


def test_an_error_stays_the_engines() -> None:
    encoder = Ranking(TEXTS)
    encoder.feed(b'{"error": {"message": "no query", "code": 400}}')
    with pytest.raises(EngineRefused, match="no query"):
        encoder.finish()
