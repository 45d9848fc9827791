"""By what the requests of one conversation are known: what a client says, else how they begin. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_NAMED = ("prompt_cache_key", "user")
"""OpenAI's: requests with the same value share a prompt's beginning; the person a client asks for."""


def conversation_key(body: Mapping[str, Any]) -> str | None:
    """Return the same short text for each request of a conversation; None where nothing tells them apart.

    Else its beginning does: what the system is told, and what a person said first. A later request repeats
    that, and adds to it.
    """
    for name in _NAMED:
        if isinstance(said := body.get(name), str) and said:
            return _digest([name, said])
    return _digest(begins) if (begins := _beginning(body)) else None


def _beginning(body: Mapping[str, Any]) -> list[Any]:
    messages = body.get("messages", body.get("input"))
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    if not isinstance(messages, list):
        prompt = body.get("prompt")
        return [prompt] if isinstance(prompt, str) and prompt else []
    told = [body.get("instructions") or body.get("system")]
    for message in messages:
        if not isinstance(message, dict):
            return []
        told.append([message.get("role"), message.get("content")])
        if message.get("role") == "user":
            return told
    return []


def _digest(value: list[Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]
