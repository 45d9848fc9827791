"""Hermes' own code in a conversation of many turns, with another model asked in between. Runs in .venv-hermes.

    hermes_conversation.py BASE MODEL OTHER TURNS EVERY

After each EVERY turns OTHER is asked something short. Prints one JSON line per turn: `{"text", "seconds",
"sent", "cached", "back"}`, tokens as Hermes counted them; `back`: OTHER was asked just before."""

from __future__ import annotations

import contextlib
import json
import sys
import time
import urllib.request
from typing import Any

RESULTS = sys.stdout
with contextlib.redirect_stdout(sys.stderr):
    from run_agent import AIAgent


def ask_other(base: str, model: str) -> None:
    body = {"model": model, "messages": [{"role": "user", "content": "Who speaks?"}]}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{base}/v1/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        json.load(answer)


def turns(base: str, model: str, other: str, count: int, every: int) -> None:
    agent = AIAgent(
        base_url=base + "/v1",
        api_key="none",
        provider="custom",
        model=model,
        quiet_mode=True,
        skip_context_files=True,
        skip_memory=True,
    )
    history: list[dict[str, Any]] = []
    sent = cached = 0
    for number in range(count):
        back = number > 0 and number % every == 0
        if back:
            ask_other(base, other)
        began = time.monotonic()
        result = agent.run_conversation(f"Turn {number}: who speaks?", conversation_history=history)
        if result.get("failed"):
            raise RuntimeError(result["error"])
        history = result["messages"]
        told = {"text": result["final_response"], "seconds": time.monotonic() - began, "back": back}
        told["sent"] = result["prompt_tokens"] - sent
        told["cached"] = result["cache_read_tokens"] - cached
        sent, cached = result["prompt_tokens"], result["cache_read_tokens"]
        RESULTS.write(json.dumps(told) + "\n")
        RESULTS.flush()


sys.stdout = sys.stderr
base, model, other, count, every = sys.argv[1:]
turns(base, model, other, int(count), int(every))
