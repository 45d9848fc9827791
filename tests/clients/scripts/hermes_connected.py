"""Hermes' own code, by nothing but its settings file: which provider it resolves, and what that answers."""

from __future__ import annotations

import contextlib
import json
import sys

RESULTS = sys.stdout
with contextlib.redirect_stdout(sys.stderr):
    from hermes_cli.config import load_config
    from hermes_cli.runtime_provider import resolve_runtime_provider
    from run_agent import AIAgent

    runtime = resolve_runtime_provider()
    model = load_config()["model"]["default"]
    agent = AIAgent(
        base_url=runtime["base_url"],
        api_key=runtime["api_key"],
        provider=runtime["provider"],
        model=model,
        quiet_mode=True,
        skip_context_files=True,
        skip_memory=True,
    )
    result = agent.run_conversation("Who speaks?")
told = {name: runtime[name] for name in ("provider", "base_url", "api_key")}
RESULTS.write(json.dumps({**told, "model": model, "text": result["final_response"]}))
