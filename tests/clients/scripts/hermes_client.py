"""Hermes' own code: what its setup asks, and what a turn and a title do. Runs in .venv-hermes."""

from __future__ import annotations

import contextlib
import sys

from relay import named, serve

# Hermes reports to people on stdout, at import too; ours is for results.
RESULTS = sys.stdout
with contextlib.redirect_stdout(sys.stderr):
    from agent.model_metadata import get_model_context_length
    from agent.title_generator import generate_title
    from hermes_cli.models import probe_api_models
    from run_agent import AIAgent

TITLE_TIMEOUT = 8.0
"""Seconds: 30 for titles, 8 for memory rewrites, both not streamed; the shorter."""


def models(base: str, _model: str, _request_id: str) -> str:
    return " ".join(probe_api_models(None, base + "/v1")["models"])


def models_without_v1(base: str, _model: str, _request_id: str) -> str:
    return " ".join(probe_api_models(None, base)["models"])


def context(base: str, model: str, _request_id: str) -> str:
    return str(get_model_context_length(model, base_url=base + "/v1", provider="custom"))


def context_by_flag(base: str, _model: str, _request_id: str) -> str:
    return str(get_model_context_length("narrow", base_url=base + "/v1", provider="custom"))


def chat(base: str, model: str, request_id: str) -> str:
    """One turn with all of Hermes' tools."""
    agent = AIAgent(
        base_url=base + "/v1",
        api_key="none",
        provider="custom",
        model=model,
        quiet_mode=True,
        skip_context_files=True,
        skip_memory=True,
        request_overrides={"extra_headers": named(request_id)},
    )
    result = agent.run_conversation("Who speaks?")
    if result.get("failed"):
        raise RuntimeError(result["error"])
    return result["final_response"]


def title(base: str, model: str, _request_id: str) -> str:
    problems = []
    runtime = {"provider": "custom", "base_url": base + "/v1", "api_key": "none", "model": model}
    text = generate_title(
        "Who speaks?",
        "I do.",
        timeout=TITLE_TIMEOUT,
        failure_callback=lambda _task, problem: problems.append(problem),
        main_runtime={**runtime, "api_mode": "chat_completions"},
    )
    if text is None:
        raise problems[0]
    return text


cases = (models, models_without_v1, context, context_by_flag, chat, title)
sys.stdout = sys.stderr
serve({case.__name__: case for case in cases}, RESULTS)
