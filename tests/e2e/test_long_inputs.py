"""Row 1: inputs that are longer than an embedding or rerank model takes, in every dialect; a real encoder."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Hal0
from tests.resources.ggufs import build_bert

LIMIT = 100
CONFIG = f"""
models:
  bert: {{file: bert.gguf, flags: {{ubatch-size: {LIMIT}}}}}
slots:
  embed: {{kind: embedding, model: bert, autoload: true}}
  rank: {{kind: rerank, model: bertrank, autoload: true}}
"""
FITS = "a" + " b" * (LIMIT - 3)  # with [CLS] and [SEP]
LONG = FITS + " c" * 500


@pytest.fixture
async def hal0(make_hal0: Callable[[str], Hal0], model_folder: Path) -> Hal0:
    build_bert(model_folder / "bert.gguf", context_length=2048)
    build_bert(model_folder / "bertrank.gguf", context_length=256, ranks=True)
    made = make_hal0(CONFIG)
    await made.start()
    for slot in ("embed", "rank"):
        await made.until_ready(name=slot)
    return made


async def embed(hal0: Hal0, given: Any, **more: Any) -> tuple[int, Any]:
    return await hal0.post("/v1/embeddings", {"model": "embed", "input": given, **more})


async def test_602_tokens_are_embedded_where_nobody_set_a_batch(hal0: Hal0) -> None:
    """The row itself: 500 "increase the physical batch size", though 65536 were told."""
    for path in ("/v1/embeddings", "/embeddings", "/api/embed"):
        status, body = await hal0.post(path, {"model": "embed-model", "input": [" x" * 301, "short"]})
        assert status == 200, body
    row = await hal0.get("/v1/models/embed-model")
    status, body = await hal0.post(
        "/v1/embeddings", {"model": "embed-model", "input": [9] * row["context_length"]}
    )
    assert status == 200 and body["usage"]["prompt_tokens"] == row["context_length"]


async def test_a_batch_that_a_person_set_is_the_limit_that_is_told(hal0: Hal0) -> None:
    for where in ("embed", "bert"):
        assert (await hal0.get(f"/v1/models/{where}"))["context_length"] == LIMIT
    assert (await embed(hal0, FITS))[0] == 200
    assert (await hal0.get("/v1/models/embed"))["context_length"] == LIMIT


@pytest.mark.parametrize(
    ("given", "param", "words"),
    [
        (LONG, "input", "`input` has 600 tokens, but the model takes 100 at once: shorten or split it."),
        ([7] * 101, "input", "`input` has 101 tokens"),
        (["a", LONG, "b"], "input[1]", "`input[1]` has 600 tokens"),
        ([[7], "a", [7] * 300], "input[2]", "`input[2]` has 300 tokens"),
        ([LONG, "a", LONG, LONG], "input[0]", "(and 2 others are too long, too)"),
    ],
)
async def test_openai_names_the_input_that_is_too_long(hal0: Hal0, given: Any, param: str, words: str) -> None:
    status, body = await embed(hal0, given)
    error = body["error"]
    assert (status, error["code"], error["param"]) == (400, "request.invalid", param)
    assert words in error["message"]
    assert error["details"]["n_ctx"] == LIMIT < error["details"]["n_prompt_tokens"]


async def test_ollama_cuts_unless_told_not_to(hal0: Hal0) -> None:
    whole = (await hal0.post("/api/embed", {"model": "embed", "input": FITS}))[1]["embeddings"][0]
    for body in ({"input": LONG}, {"input": LONG, "truncate": True}, {"input": LONG, "truncate": None}):
        status, told = await hal0.post("/api/embed", {"model": "embed", **body})
        assert status == 200, told
        assert told["embeddings"] == [whole], "the first of it, within its [CLS] and [SEP]"
        assert told["prompt_eval_count"] == LIMIT
    status, told = await hal0.post("/api/embed", {"model": "embed", "input": ["a", LONG, "b"]})
    assert status == 200 and len(told["embeddings"]) == 3 and told["embeddings"][1] == whole
    status, told = await hal0.post("/api/embeddings", {"model": "embed", "prompt": LONG})
    assert status == 200 and told["embedding"] == whole
    status, told = await hal0.post("/api/embed", {"model": "embed", "input": ["a", LONG], "truncate": False})
    assert status == 400 and told["error"].startswith("`input[1]` has 600 tokens")
    status, told = await hal0.post("/api/embed", {"model": "embed", "input": "a", "truncate": "yes"})
    assert status == 400 and "truncate" in told["error"]


async def test_a_document_that_is_too_long_is_named(hal0: Hal0) -> None:
    for path, field in (("/v1/rerank", "documents"), ("/reranking", "texts")):
        body = {"model": "rank", "query": "x y", field: ["a", "b" + " c" * 300]}
        status, told = await hal0.post(path, body)
        assert status == 400 and told["error"]["param"] == f"{field}[1]", told
        assert "takes 256 at once" in told["error"]["message"]
    status, told = await hal0.post(
        "/v1/rerank", {"model": "rank", "query": "x", "documents": ["a", " c" * 240]}
    )
    assert status == 200 and len(told["results"]) == 2


async def test_what_is_wrong_otherwise_is_told_as_it_was(hal0: Hal0) -> None:
    for given in ([], None, {"a": 1}, [[]], [["a"]], [1.5]):
        status, body = await embed(hal0, given)
        assert 400 <= status < 500 and "tokens, but" not in body["error"]["message"], (given, body)


async def test_vectors_in_base64_and_shortened(hal0: Hal0) -> None:
    vector = (await embed(hal0, "a"))[1]["data"][0]["embedding"]
    packed = (await embed(hal0, "a", encoding_format="base64"))[1]["data"][0]["embedding"]
    assert list(struct.unpack(f"<{len(vector)}f", base64.b64decode(packed))) == pytest.approx(vector)
