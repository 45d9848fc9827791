"""Messages and tools as OpenAI's chat completions have them, in words that llama-server takes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.base.errors import BadRequest
from router.wire.documented_choice import choose_tools, fit_format
from router.wire.documented_parts import chat_parts


def as_taken(body: dict[str, Any]) -> None:
    """Change `body`. Raises BadRequest."""
    body["messages"] = [message(item) if isinstance(item, dict) else item for item in body["messages"]]
    choose_tools(body)
    fit_format(body)


def tool(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tool without what is not set."""
    made = {name: value for name, value in given.items() if value is not None}
    if isinstance(function := made.get("function"), dict):
        made["function"] = {name: value for name, value in function.items() if value is not None}
    return made


def message(given: dict[str, Any]) -> dict[str, Any]:
    """Return the message with parts, and calls of tools, as llama-server has them; itself where they are."""
    changed: dict[str, Any] = {}
    if isinstance(parts := given.get("content"), list) and (made := chat_parts(parts)) != parts:
        changed["content"] = made
    calls = given.get("tool_calls")
    if isinstance(calls, list) and (typed := [_call(call) for call in calls]) != calls:
        changed["tool_calls"] = typed
    return {**given, **changed} if changed else given


def refuse_unheard(body: Mapping[str, Any]) -> None:
    """Raise BadRequest for what llama-server would leave out of a text completion without a word: whoever reads
    probabilities of what he sent himself would read those of the answer."""
    if body.get("echo") is True:
        raise BadRequest("llama-server gives no prompt back; leave `echo` out.", param="echo")
    if body.get("suffix"):
        raise BadRequest(
            "llama-server fills in at POST /infill; ask there instead of `suffix`.", param="suffix"
        )


def _call(call: Any) -> Any:
    if isinstance(call, dict) and not call.get("type") and isinstance(call.get("function"), dict):
        return {**call, "type": "function"}
    return call
