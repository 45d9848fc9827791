"""Rankings as servers elsewhere send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.upstreams.answer_shapes import RANKINGS, Fault, read_document
from router.upstreams.rankings import in_numbers, place_fault

ROWS = [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]


@pytest.mark.parametrize(
    "document",
    [
        {"results": ROWS},
        {"data": ROWS},
        {"results": [{"index": "1", "relevance_score": "0.9"}, {"index": 0, "score": 0.1}]},
    ],
)
def test_they_are_numbers_under_the_name_that_most_have(document: Any) -> None:
    for path in RANKINGS:
        told = in_numbers(read_document(path, json.dumps(document), strict=True))
        rows = [{k: v for k, v in row.items() if k != "score"} for row in told.get("results") or told["data"]]
        assert rows == ROWS


def test_teis_bare_list_is_one() -> None:
    rows = [{"index": 0, "score": 0.9}]
    assert in_numbers(read_document(RANKINGS[0], json.dumps(rows), strict=True)) == rows


@pytest.mark.parametrize("document", [{"results": [None]}, {"results": []}, [1], [], {"results": "x"}])
def test_what_ranks_nothing_is_a_failure(document: Any) -> None:
    with pytest.raises(Fault, match="not a ranking"):
        read_document(RANKINGS[0], json.dumps(document), strict=True)


def test_a_place_that_there_is_not_is_a_failure() -> None:
    """Programs take `documents[index]`."""
    assert place_fault({"results": ROWS}, 1) == "it ranks document 1 of 1"
    assert place_fault([{"index": -1}], 2) == "it ranks document -1 of 2"
    assert place_fault({"results": ROWS}, 2) is None and place_fault({"results": ROWS}, None) is None
