"""What the engine's events add to an answer, whichever of its three dialects they are in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from router.wire.lenient import content_text, mapping, mappings, text
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
    delta = mapping(choice.get("delta")) or mapping(choice.get("message"))
    thinking = text(delta.get("reasoning_content")) or text(delta.get("reasoning"))
    return Delta(
        content_text(delta.get("content")), thinking, mappings(delta.get("tool_calls")), *_end(choice, body)
    )


def text_delta(body: Mapping[str, Any]) -> Delta:
    choice = _first_choice(body)
    return Delta(text(choice.get("text")), "", (), *_end(choice, body))


def native_delta(body: Mapping[str, Any]) -> Delta:
    """llama.cpp's own events; the last has `stop` and why."""
    if not body.get("stop"):
        return Delta(text(body.get("content")))
    finish = "length" if body.get("stop_type") == "limit" else "stop"
    usage = {"prompt_tokens": body.get("tokens_evaluated"), "completion_tokens": body.get("tokens_predicted")}
    timings = mapping(body.get("timings")) or None
    return Delta(text(body.get("content")), finish=finish, usage=usage, timings=timings)


READERS: Mapping[Dialect, Callable[[Mapping[str, Any]], Delta]] = {
    "chat": chat_delta,
    "text": text_delta,
    "native": native_delta,
}


def _first_choice(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(iter(mappings(body.get("choices"))), {})


def _end(choice: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[Any, Any, Any, Any]:
    logprobs = mappings(mapping(choice.get("logprobs")).get("content"))
    finish = text(choice.get("finish_reason")) or None
    return logprobs, finish, mapping(body.get("usage")) or None, mapping(body.get("timings")) or None
