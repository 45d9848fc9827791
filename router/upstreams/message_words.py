"""What a message or a delta of a server elsewhere holds, under the names and in the words of OpenAI. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from router.wire.lenient import mapping, mappings, text

_REASONS: Final = {
    **{name: name for name in ("stop", "length", "tool_calls", "content_filter", "function_call")},
    **dict.fromkeys(("max_tokens", "max_length", "max_output_tokens", "model_length", "limit"), "length"),
    **dict.fromkeys(("tool_use", "tool_call", "tool", "tools", "function"), "tool_calls"),
    **dict.fromkeys(("safety", "refusal", "blocked", "recitation", "sensitive"), "content_filter"),
}
_NO_REASON: Final = frozenset({"", "null", "none"})
_THOUGHTS: Final = ("thinking", "reasoning_text", "thought")
"""Names of what OpenAI has none for, and most call `reasoning_content` or `reasoning`."""


def finish_reason(said: Any, *, called: bool) -> str | None:
    """Return one of OpenAI's five words, None where the answer goes on. `called`: tools were called, which some
    servers call `stop`, and agents then do not carry out."""
    if said is None or (isinstance(said, str) and said.strip().lower() in _NO_REASON):
        return None
    meant = _REASONS.get(said.strip().lower(), "stop") if isinstance(said, str) else "stop"
    if meant == "stop" and called:
        return "tool_calls"
    return "stop" if meant == "tool_calls" and not called else meant


def with_choices(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a chat completion with a list of choices that have messages, if only its shape is another."""
    choices = [_with_message(choice) for choice in mappings(document.get("choices"))]
    return {**document, "choices": choices} if choices and choices != document["choices"] else document


def _with_message(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    message = choice.get("message")
    if message is None:
        said = choice.get("text")
        message = choice.get("delta") or ({"role": "assistant", "content": said} if said is not None else None)
    if isinstance(message, Mapping) and isinstance(message.get("tool_calls"), Mapping | list):
        message = {**message, "tool_calls": mappings(message["tool_calls"])}
    return choice if message is choice.get("message") else {**choice, "message": message}


def with_thoughts(message: dict[str, Any]) -> dict[str, Any]:
    """Return the message with what was thought under a name that clients look at; itself where it is."""
    if isinstance(message.get("reasoning"), Mapping):
        thoughts = mapping(message.pop("reasoning"))
        message["reasoning"] = text(thoughts.get("text")) or text(thoughts.get("content"))
    if text(message.get("reasoning_content")) or text(message.get("reasoning")):
        return message
    said = next((text(message.get(name)) for name in _THOUGHTS if text(message.get(name))), "")
    said = said or "".join(text(part.get("text")) for part in mappings(message.get("reasoning_details")))
    said = said or _thought_parts(message.get("content"))
    if said:
        message["reasoning_content"] = said
    return message


def content(value: Any) -> Any:
    """Return text for parts of it, one part alone, or a number; what is neither stays."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        value = [value]
    return "".join(map(_part, value)) if isinstance(value, list) else value


def call(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool call, or a piece of one, with its function in one object and its arguments in a text."""
    made = dict(given)
    if made.get("function") is None and isinstance(made.get("name"), str):
        made["function"] = {name: made.pop(name) for name in ("name", "arguments") if name in made}
    if isinstance(made.get("id"), int):
        made["id"] = str(made["id"])
    function = made.get("function")
    if isinstance(function, Mapping):
        arguments = function.get("arguments")
        if arguments is not None and not isinstance(arguments, str):
            made["function"] = {**function, "arguments": json.dumps(arguments)}
    return made


def _part(part: Any) -> str:
    """Return the text of what Mistral and others send in parts."""
    if isinstance(part, str):
        return part
    return text(part.get("text")) if isinstance(part, Mapping) else ""


def _thought_parts(parts: Any) -> str:
    """Mistral: `{"type": "thinking", "thinking": [{"type": "text", "text": …}]}`, beside parts of text."""
    thoughts = (part.get("thinking") for part in mappings(parts) if part.get("type") == "thinking")
    return "".join(text(content(thought)) for thought in thoughts)
