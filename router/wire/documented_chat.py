"""Messages and tools as OpenAI's chat completions have them, in words that llama-server takes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    made = {name: value for name, value in tool.items() if value is not None}
    if isinstance(function := made.get("function"), dict):
        made["function"] = {name: value for name, value in function.items() if value is not None}
    return made


def message(given: dict[str, Any]) -> dict[str, Any]:
    """Turn a refusal into text: it is what the model said."""
    parts = given.get("content")
    if not isinstance(parts, list) or not any(map(is_refusal, parts)):
        return given
    said = [{"type": "text", "text": part.get("refusal")} if is_refusal(part) else part for part in parts]
    return {**given, "content": said}


def is_refusal(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "refusal"
