"""What clients get wrong, against the real engine: never a fault of the server's, in any dialect."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.harness import Hal0
from tests.e2e.mutations import BASES, mutations
from tests.fixtures_models import SpeakingModel

HERE = """
models:
  short: {file: alpha.gguf, flags: {n_predict: 16}}
slots:
  primary: {model: short, autoload: true}
  words: {kind: embedding, model: embed-model}
  rank: {kind: rerank, model: judge}
"""
EACH = 30  # requests of each base, drawn


@pytest.fixture
async def serving(
    make_hal0: Callable[[str], Hal0], model_folder: Path, speaking_model: SpeakingModel
) -> AsyncIterator[Hal0]:
    shutil.copy(speaking_model("Better or worse.", "judge", kind="rerank"), model_folder / "judge.gguf")
    hal0 = make_hal0(HERE)
    await hal0.start()
    await hal0.until_ready()
    yield hal0


async def answer(hal0: Hal0, path: str, body: bytes) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json"}
    timeout = aiohttp.ClientTimeout(total=30)
    async with hal0.session.post(hal0.url + path, data=body, headers=headers, timeout=timeout) as told:
        return told.status, await told.read()


def fault(path: str, status: int, raw: bytes) -> str | None:
    """What is wrong with an answer: it is a server's error, or an error without a sentence."""
    if status < 400:
        return None
    try:
        body: Any = json.loads(raw)
        said = body["error"] if path.startswith("/api/") else body["error"]["message"]
    except (ValueError, KeyError, TypeError) as error:
        return f"{error!r}: {raw[:200]!r}"
    if status >= 500 or not isinstance(said, str) or len(said.split()) < 2:
        return f"{status} {said}"
    return None


@pytest.mark.timeout(300)
async def test_no_wrong_request_is_the_servers_fault(serving: Hal0) -> None:
    """Row 31: an SDK sends what got a 5xx again, three times."""
    faults = []
    for path, body in mutations(tuple(BASES), seed=31, per_base=EACH):
        status, raw = await answer(serving, path, body)
        if (wrong := fault(path, status, raw)) is not None:
            faults.append((path, wrong, body[:300]))
    assert not faults, "\n".join(map(str, faults))
    assert await serving.chat(), "the engine goes on"


@pytest.mark.parametrize("path", ["/completion", "/completions", "/v1/completions"])
async def test_no_request_ends_the_engine(hal0: Hal0, path: str) -> None:
    """llama-server aborts on a grammar trigger of an unknown type, and everybody's requests with it."""
    triggers = [{"type": 9, "value": "x"}]
    lazy = {"grammar": 'root ::= "a"', "grammar_lazy": True, "grammar_triggers": triggers}
    status, told = await hal0.post(path, {"model": "primary", "prompt": "Hi", "max_tokens": 3, **lazy})
    assert (status, told["error"]["param"]) == (400, "grammar_triggers")
    assert await hal0.chat()


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens", "/messages"])
async def test_messages_that_are_missing(hal0: Hal0, path: str) -> None:
    """Row 31: the engine says 500 "'messages' is required"."""
    status, told = await hal0.post(path, {"model": "primary", "max_tokens": 5})
    assert (status, told["type"]) == (400, "error")
    assert (told["error"]["type"], told["error"]["code"]) == ("invalid_request_error", "request.invalid")
    assert "messages" in told["error"]["message"]
