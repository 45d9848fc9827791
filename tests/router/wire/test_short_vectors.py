"""`dimensions` of OpenAI's embeddings, in numbers and in base64."""

from __future__ import annotations

import base64
import json
import math
import struct
from typing import Any

import pytest

from router.base.errors import BadRequest, EngineFailed, EngineRefused
from router.wire.short_vectors import ShortVectors, read_dimensions

VECTOR = [3.0, 4.0, 12.0, 0.5]
USAGE = {"prompt_tokens": 3, "total_tokens": 3}


def answer(*embeddings: Any) -> bytes:
    rows = [{"object": "embedding", "index": n, "embedding": e} for n, e in enumerate(embeddings)]
    return json.dumps({"object": "list", "model": "m", "usage": USAGE, "data": rows}).encode()


def shortened(raw: bytes, dimensions: int) -> dict[str, Any]:
    encoder = ShortVectors(dimensions)
    assert encoder.feed(raw[:20]) + encoder.feed(raw[20:]) == b""
    told: dict[str, Any] = json.loads(encoder.finish())
    return told


def test_each_vector_is_cut_and_has_length_1() -> None:
    told = shortened(answer(VECTOR, VECTOR), 2)
    assert [row["embedding"] for row in told["data"]] == [[0.6, 0.8]] * 2
    assert told["usage"] == USAGE and told["data"][1]["index"] == 1
    assert shortened(answer(VECTOR), 4)["data"][0]["embedding"] == VECTOR


def test_base64_stays_base64() -> None:
    raw = answer(base64.b64encode(struct.pack("<4f", *VECTOR)).decode())
    kept = struct.unpack("<2f", base64.b64decode(shortened(raw, 2)["data"][0]["embedding"]))
    assert math.isclose(kept[0], 0.6, rel_tol=1e-6) and math.isclose(kept[1], 0.8, rel_tol=1e-6)


def test_more_than_there_are_is_an_error_that_says_how_many() -> None:
    with pytest.raises(BadRequest, match="is 5, but this model's embeddings have 4"):
        shortened(answer(VECTOR), 5)


@pytest.mark.parametrize("embedding", ["not base64!", "QUJD", [[1.0]], None, []])
def test_what_is_no_vector_is_the_engines_failure(embedding: Any) -> None:
    with pytest.raises(EngineFailed):
        shortened(answer(embedding), 2)


def test_an_error_stays_the_engines() -> None:
    with pytest.raises(EngineRefused, match="too long"):
        shortened(b'{"error": {"message": "too long", "code": 400}}', 2)


@pytest.mark.parametrize(("given", "read"), [(None, None), (4, 4), (4.0, 4)])
def test_dimensions_are_a_whole_number(given: Any, read: int | None) -> None:
    assert read_dimensions({"dimensions": given}) == read


@pytest.mark.parametrize("given", [0, -1, 1.5, True, "4", [4], math.inf, 2**40])
def test_other_dimensions_are_refused(given: Any) -> None:
    with pytest.raises(BadRequest, match="whole number from 1"):
        read_dimensions({"dimensions": given})
