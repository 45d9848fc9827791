"""The speaking models, run by the real engine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources import demo_model
from resources.speaking import DEMO_SENTENCE, PAD_WIDTH, build_speaking_model, split_pieces
from router.catalog.gguf import read_header
from tests.fixtures_models import SpeakingModel
from tests.resources.engine import Engine, running

NUMBERS = " ".join(str(number) for number in range(1, 2001))
UNICODE = "Привет 你好 🙂 e\u0301 \u202eabc\u0000\t<|reply|> </s> <0x41> <unk>"


@pytest.fixture(scope="module")
def demo(llama_server: Path) -> Iterator[Engine]:
    with running(llama_server, demo_model()) as engine:
        yield engine


@pytest.mark.parametrize(
    "sampling",
    [{"temperature": 0}, {}, {"temperature": 2, "top_k": 0, "top_p": 1, "min_p": 0, "seed": 7}],
    ids=["greedy", "default", "hot"],
)
def test_says_its_sentence(demo: Engine, sampling: dict[str, float]) -> None:
    choice = demo.chat("Who are you?", **sampling)
    assert choice["message"]["content"] == DEMO_SENTENCE
    assert choice["finish_reason"] == "stop"

    chunks = demo.stream("Who are you?", **sampling)
    texts = [text for chunk in chunks if (text := chunk["delta"].get("content"))]
    assert "".join(texts) == DEMO_SENTENCE
    assert len(texts) >= 8
    assert chunks[-1]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "history",
    [[UNICODE], ["The quick brown fox jumps over the lazy dog. " * 400], ["a", UNICODE] * 60, [""]],
    ids=["unicode", "long", "many", "empty"],
)
def test_any_history_leads_to_the_sentence(demo: Engine, history: list[str]) -> None:
    assert demo.chat(*history)["message"]["content"] == DEMO_SENTENCE


@pytest.mark.parametrize("prompt", ["Once upon a", "Hello from", UNICODE])
def test_raw_completion(demo: Engine, prompt: str) -> None:
    choice = demo.post("/v1/completions", {"prompt": prompt})["choices"][0]
    assert (choice["text"], choice["finish_reason"]) == (DEMO_SENTENCE, "stop")


def test_a_request_with_tools_is_answered_in_text(demo: Engine) -> None:
    tool = {"name": "look", "description": "", "parameters": {"type": "object", "properties": {}}}
    choice = demo.chat("hi", tools=[{"type": "function", "function": tool}])
    assert choice["message"]["content"] == DEMO_SENTENCE


def test_two_models_are_told_apart_and_a_long_one_talks_long(
    llama_server: Path, speaking_model: SpeakingModel
) -> None:
    with running(llama_server, speaking_model("I am alpha, yes alpha.", "alpha")) as engine:
        assert engine.chat("who?")["message"]["content"] == "I am alpha, yes alpha."
    with running(llama_server, speaking_model(NUMBERS, "long")) as engine:
        texts = [text for chunk in engine.stream("count") if (text := chunk["delta"].get("content"))]
    assert "".join(texts) == NUMBERS
    assert len(texts) == 2000


def test_embeddings(llama_server: Path, speaking_model: SpeakingModel) -> None:
    with running(llama_server, speaking_model("", "embed", kind="embedding"), "--embeddings") as engine:
        answer = engine.post("/v1/embeddings", {"input": ["same", "same", "other"]})
    one, two, other = (row["embedding"] for row in answer["data"])
    assert len(one) == 64
    assert sum(number * number for number in one) == pytest.approx(1, abs=1e-3)
    assert one == two != other


def test_rerank(llama_server: Path, speaking_model: SpeakingModel) -> None:
    body = {"query": "what", "documents": ["alpha beta", "gamma", "zzz"]}
    with running(llama_server, speaking_model("", "rank", kind="rerank"), "--rerank") as engine:
        first, again = (engine.post("/v1/rerank", body)["results"] for _ in range(2))
    scores = {row["index"]: row["relevance_score"] for row in first}
    assert sorted(scores) == [0, 1, 2]
    assert len(set(scores.values())) == 3
    assert {row["index"]: row["relevance_score"] for row in again} == pytest.approx(scores, rel=1e-3)


def test_a_padded_model_is_as_big_as_asked_and_still_speaks(
    llama_server: Path, speaking_model: SpeakingModel
) -> None:
    path = speaking_model("A big one says this.", "big", pad_bytes=20_000_000)
    vocabulary = 2 * 2 * PAD_WIDTH * 1100
    assert 20_000_000 <= path.stat().st_size <= 21_000_000 + vocabulary
    with running(llama_server, path) as engine:
        assert engine.chat("hi")["message"]["content"] == "A big one says this."


def test_the_shipped_demo_is_what_the_builder_makes(tmp_path: Path) -> None:
    out = tmp_path / "again.gguf"
    subprocess.run([sys.executable, "-m", "resources.speaking", out], check=True)
    assert out.read_bytes() == demo_model().read_bytes()
    assert out.stat().st_size <= 230_000
    assert [path.name for path in tmp_path.iterdir()] == ["again.gguf"]
    header = read_header(out)
    assert header.name == "hal0-demo"
    assert (header.context_length or 0) >= 65_536


def test_command_line_arguments(tmp_path: Path) -> None:
    out = tmp_path / "x.gguf"
    arguments = ["--sentence", "One two.", "--name", "x", "--context-length", "4096"]
    subprocess.run([sys.executable, "-m", "resources.speaking", out, *arguments], check=True)
    expected = build_speaking_model(tmp_path / "y.gguf", "One two.", name="x", context_length=4096)
    assert out.read_bytes() == expected.read_bytes()


@given(st.text(alphabet="ab ", min_size=1))
def test_pieces_are_unique_and_make_the_sentence(sentence: str) -> None:
    pieces = split_pieces(sentence)
    assert "".join(pieces) == sentence
    assert len(set(pieces)) == len(pieces)


@pytest.mark.parametrize("sentence", ["", "hello <s>"])
def test_impossible_sentences_are_refused(tmp_path: Path, sentence: str) -> None:
    path = tmp_path / "x.gguf"
    if sentence == "hello <s>":
        build_speaking_model(path, sentence)  # " <s>" is not the token "<s>"
        sentence = "<s> hello"
    with pytest.raises(ValueError, match=r"sentence|special token"):
        build_speaking_model(path, sentence)
