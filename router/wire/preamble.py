"""What a model begins every conversation with: its own system prompt, and messages before the client's.

As Ollama does it (server/routes.go): the prompt is for conversations that bring none of their own. Prompts that
are sent finished (completions, infill) pass as they are. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from router.wire.openai import JsonCall

Message = Mapping[str, Any]

_SYSTEM = ("system", "developer")
# A path below one of these has the same body: `/v1/messages/count_tokens`.
_CHATS = ("/v1/chat/completions", "/apply-template")
_ANTHROPIC = ("/v1/messages",)
_RESPONSES = ("/v1/responses",)


def _is_below(path: str, roots: Sequence[str]) -> bool:
    return any(f"{path}/".startswith(f"{root}/") for root in roots)


def preceded(call: JsonCall, path: str, system: str, opening: Sequence[Message]) -> JsonCall:
    """`call`, for the engine's `path`, with what comes before it; itself where nothing does."""
    if not system and not opening:
        return call
    body = dict(call.body)
    if _is_below(path, _CHATS) and isinstance(given := body.get("messages"), list):
        body["messages"] = _messages(given, system, opening)
    elif _is_below(path, _ANTHROPIC) and isinstance(given := body.get("messages"), list):
        body |= {"messages": [*opening, *given], **_unless_given(body, "system", system)}
    elif _is_below(path, _RESPONSES) and isinstance(given := body.get("input"), str | list):
        said = [{"role": "user", "content": given}] if isinstance(given, str) else given
        prompted = any(map(_is_system, said))
        body |= {"input": _messages(said, "", [_item(message) for message in opening]) if opening else given}
        body |= {} if prompted else _unless_given(body, "instructions", system)
    else:
        return call
    return replace(call, body=body, raw=b"")


def _messages(given: Sequence[Any], system: str, opening: Sequence[Message]) -> list[Any]:
    """Put the opening behind the client's own prompt: most templates allow that only at the start."""
    count = next((n for n, message in enumerate(given) if not _is_system(message)), len(given))
    prompted = any(map(_is_system, given))
    head = [{"role": "system", "content": system}] if system and not prompted else []
    return [*head, *given[:count], *opening, *given[count:]]


def _item(message: Message) -> Message:
    """Return a message as the responses API writes what a model said."""
    if message.get("role") != "assistant":
        return message
    text: dict[str, Any] = {"type": "output_text", "text": message.get("content"), "annotations": []}
    return {"type": "message", "role": "assistant", "status": "completed", "content": [text]}


def _is_system(message: Any) -> bool:
    return isinstance(message, Mapping) and message.get("role") in _SYSTEM


def _unless_given(body: Mapping[str, Any], name: str, text: str) -> dict[str, Any]:
    return {name: text} if text and not body.get(name) else {}
