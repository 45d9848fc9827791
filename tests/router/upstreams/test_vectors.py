"""Embeddings as servers elsewhere send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.upstreams.answer_shapes import CHAT, VECTORS, Fault, read_document
from router.upstreams.vectors import in_order


@pytest.mark.parametrize(
    "data",
    [
        [{"embedding": [[0.1, 0.2]]}],
        [{"embedding": ["0.1"]}],
        [{"embedding": []}],
        [{"embedding": None}],
        [{"embedding": [True]}],
        [{"embedding": [0.5]}, {}],
        [],
        None,
    ],
)
def test_what_holds_no_vectors_is_a_failure(data: Any) -> None:
    """Programs would store it; another server can do better."""
    with pytest.raises(Fault, match="not embeddings"):
        read_document(VECTORS, json.dumps({"object": "list", "data": data}), strict=True)


def test_a_number_that_is_none_is_a_failure_where_it_counts() -> None:
    with pytest.raises(Fault, match="NaN"):
        read_document(VECTORS, '{"data": [{"index": 0, "embedding": [0.5, NaN]}]}', strict=True)
    chat = '{"choices": [{"message": {"content": "NaN"}, "logprobs": {"x": NaN}}]}'
    assert read_document(CHAT, chat, strict=True)["choices"][0]["logprobs"] == {"x": None}


@pytest.mark.parametrize(
    ("rows", "words"), [([[0.5, None]], "NaN"), ([[0.5, 1.0], [0.5]], "not of one length")]
)
def test_what_no_program_could_store_is_a_failure(rows: Any, words: str) -> None:
    document = {"data": [{"index": at, "embedding": row} for at, row in enumerate(rows)]}
    with pytest.raises(Fault, match=words):
        read_document(VECTORS, json.dumps(document), strict=True)


@pytest.mark.parametrize("vector", [[0.5], [1], "zczMPQ=="])
def test_vectors_are_numbers_or_base64(vector: Any) -> None:
    document = {"data": [{"index": 0, "embedding": vector}]}
    assert in_order(read_document(VECTORS, json.dumps(document), strict=True)) == document


@pytest.mark.parametrize(
    ("indexes", "order"),
    [
        ([1, 0], "ba"),
        ([None, None], "ab"),
        (["1", "0"], "ba"),
        ([0, 0], "ab"),
        ([2, 1], "ba"),
        ([0, None], "ab"),
    ],
)
def test_they_come_in_the_order_of_the_inputs(indexes: list[Any], order: str) -> None:
    """openai-python hands them on as they come."""
    rows = [{"index": index, "embedding": name} for index, name in zip(indexes, "ab", strict=True)]
    told = in_order({"data": [{k: v for k, v in row.items() if v is not None} for row in rows]})
    assert told == {"data": [{"index": n, "embedding": name} for n, name in enumerate(order)]}


def test_what_is_in_order_is_handed_on_as_it_is() -> None:
    document = {"data": [{"index": 0, "embedding": [0.5]}]}
    assert in_order(document) is document
