"""`strip` and `force` of hal0.yaml, as the real llama-server tells what it was asked, in each API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.harness import Hal0

CONFIG = """\
models:
  ruled:
    file: alpha.gguf
    request: {temperature: 0.5, strip: [top_k, n_predict], force: {max_tokens: 2, top_p: 0.25}}
slots:
  primary: {model: ruled, autoload: true}
"""
SAID = [{"role": "user", "content": "Hello?"}]


@pytest.mark.parametrize(
    ("path", "body", "tokens"),
    [
        ("/v1/chat/completions", {"messages": SAID, "max_tokens": 5}, "usage.completion_tokens"),
        ("/v1/chat/completions", {"messages": SAID, "max_completion_tokens": 5}, "usage.completion_tokens"),
        ("/v1/responses", {"input": "Hello?", "max_output_tokens": 5}, "usage.output_tokens"),
        ("/v1/completions", {"prompt": "Hello?", "max_tokens": 5}, "usage.completion_tokens"),
        ("/v1/messages", {"messages": SAID, "max_tokens": 5}, "usage.output_tokens"),
        ("/v1/responses", {"input": "Hello?"}, "usage.output_tokens"),
        ("/api/chat", {"messages": SAID, "stream": False}, "eval_count"),
        ("/completion", {"prompt": "Hello?", "n_predict": 5}, "tokens_predicted"),
    ],
)
async def test_the_engine_is_asked_by_the_rules(
    make_hal0: Callable[[str], Hal0], path: str, body: dict[str, Any], tokens: str
) -> None:
    hal0 = make_hal0(CONFIG)
    await hal0.start()
    await hal0.until_ready("ruled")
    status, answer = await hal0.post(path, {"model": "primary", "top_k": 7, "top_p": 0.75, **body})
    assert status == 200, answer
    for name in tokens.split("."):
        answer = answer[name]
    assert answer == 2
    slots = await hal0.get("/slots?model=primary")
    asked = next(slot["params"] for slot in slots if slot.get("params"))
    assert asked["temperature"] == 0.5 and asked["top_p"] == 0.25 and asked["top_k"] == 40
