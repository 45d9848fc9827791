"""What the engine's events add to an answer, whichever of its three dialects they are in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from router.wire.ollama import Dialect


@dataclass(frozen=True, slots=True)
class Delta:
    """What one event of the engine adds. `calls` are OpenAI's pieces of tool calls."""

    text: str = ""
    thinking: str = ""
    calls: Sequence[Mapping[str, Any]] = ()
    logprobs: Sequence[Any] = ()
    finish: str | None = None
    usage: Mapping[str, Any] | None = None
    timings: Mapping[str, Any] | None = None


def chat_delta(body: Mapping[str, Any]) -> Delta:
    choice = _first_choice(body)
    delta = choice.get("delta") or {}
    thinking = delta.get("reasoning_content") or delta.get("reasoning") or ""
    calls = delta.get("tool_calls") or ()
    return Delta(delta.get("content") or "", thinking, calls, *_end(choice, body))


def text_delta(body: Mapping[str, Any]) -> Delta:
    choice = _first_choice(body)
    return Delta(choice.get("text") or "", "", (), *_end(choice, body))


def native_delta(body: Mapping[str, Any]) -> Delta:
    """llama.cpp's own events; the last has `stop` and why."""
    if not body.get("stop"):
        return Delta(body.get("content") or "")
    finish = "length" if body.get("stop_type") == "limit" else "stop"
    usage = {"prompt_tokens": body.get("tokens_evaluated"), "completion_tokens": body.get("tokens_predicted")}
    return Delta(body.get("content") or "", finish=finish, usage=usage, timings=body.get("timings"))


READERS: Mapping[Dialect, Callable[[Mapping[str, Any]], Delta]] = {
    "chat": chat_delta,
    "text": text_delta,
    "native": native_delta,
}


def _first_choice(body: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = body.get("choices")
    return choices[0] if choices else {}


def _end(choice: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[Any, Any, Any, Any]:
    logprobs = (choice.get("logprobs") or {}).get("content") or ()
    return logprobs, choice.get("finish_reason"), body.get("usage"), body.get("timings")
