"""What OpenAI's documentation allows and llama-server refuses, in words that it takes. Pure.

A null is a field that is not set. Measured with each value of the table in tests/e2e/test_documented_values.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from router.wire.openai import JsonCall

_RESPONSES = "/v1/responses"
_SAID_ANOTHER_WAY = frozenset({"tools", "messages", "top_logprobs"})


def as_taken(call: JsonCall, path: str) -> JsonCall:
    """`call`, for the engine's `path`; itself where nothing has to be said another way."""
    plain = None not in call.body.values() and _SAID_ANOTHER_WAY.isdisjoint(call.body)
    if plain and not path.startswith(_RESPONSES):
        return call  # most are: it is looked at with every request
    body = {name: value for name, value in call.body.items() if value is not None}
    if not body.get("logprobs") and body.get("top_logprobs") == 0:
        del body["top_logprobs"]
    for name, change in (("tools", _tool), ("messages", _message)):
        if isinstance(body.get(name), list):
            body[name] = [change(item) if isinstance(item, dict) else item for item in body[name]]
    if path.startswith(_RESPONSES) and isinstance(body.get("input"), list):
        body["input"] = [_item(item) for item in body["input"] if not _is_hidden(item)]
    return call if body == call.body else replace(call, body=body, raw=b"")


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    made = {name: value for name, value in tool.items() if value is not None}
    if isinstance(function := made.get("function"), dict):
        made["function"] = {name: value for name, value in function.items() if value is not None}
    return made


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """Turn a refusal into text: it is what the model said."""
    parts = message.get("content")
    if not isinstance(parts, list) or not any(map(_is_refusal, parts)):
        return message
    said = [{"type": "text", "text": part.get("refusal")} if _is_refusal(part) else part for part in parts]
    return {**message, "content": said}


def _is_refusal(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "refusal"


def _is_hidden(item: object) -> bool:
    """Reasoning that only its own server could read, encrypted or summed up."""
    return isinstance(item, dict) and item.get("type") == "reasoning" and not item.get("content")


def _item(item: Any) -> Any:
    """Give an assistant's message with a plain text the parts that llama-server expects."""
    if (
        not isinstance(item, dict)
        or item.get("role") != "assistant"
        or not isinstance(item.get("content"), str)
    ):
        return item
    said = {"type": "output_text", "text": item["content"], "annotations": []}
    return {"type": "message", "status": "completed", **item, "content": [said]}
