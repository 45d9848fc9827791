from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.system.redact import redact

KEY = "abcDEF123456789xyz"


@pytest.mark.parametrize(
    "line",
    [
        f"request: Authorization: Bearer {KEY}",
        f"authorization: bearer {KEY}",
        f"Authorization: Basic {KEY}",
        f"api_key={KEY}",
        f'"api-key": "{KEY}",',
        f"API_KEYS: [{KEY}]",
        f"llama-server --api-key {KEY} --port 8101",
        f"LLAMA_API_KEY={KEY}",
        f"x-api-key: {KEY}",
        f"password = {KEY}",
        f"GET https://user:{KEY}@example.org/model.gguf",
        f"token: hf_{KEY}",
        f"using sk-{KEY}",
        f"using hf_{KEY} for the download",
    ],
)
def test_secrets_go(line: str) -> None:
    assert KEY not in redact(line)
    assert "[hidden]" in redact(line)


@pytest.mark.parametrize(
    "line",
    [
        "0.00.100.236 I srv    load_model: loading model '/models/qwen3-30b.gguf'",
        "llm_load_print_meta: BOS token        = 151643 '<|endoftext|>'",
        "slot update_slots: id  0 | task 0 | n_past = 12, n_tokens = 12, progress = 1.000000",
        "eval time = 120.00 ms / 42 tokens (2.86 ms per token, 350.00 tokens per second)",
        "max_tokens: 4096",
        "GET http://127.0.0.1:8080/v1/models 200",
        "task-manager risk-free sky-blue",
        "basic settings, bearer of news",
    ],
)
def test_what_an_engine_says_all_day_stays(line: str) -> None:
    assert redact(line) == line


def test_a_line_made_to_be_slow_is_not() -> None:
    began = time.process_time()
    redact("a-" * 50_000)
    assert time.process_time() - began < 2


@given(st.text(max_size=200))
def test_redacting_twice_changes_nothing_more(line: str) -> None:
    assert redact(redact(line)) == redact(line)
