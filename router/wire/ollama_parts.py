"""What all of Ollama's answers are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from router.base.errors import RouterError

NDJSON = "application/x-ndjson"
Clock = Callable[[], int]
"""Unix nanoseconds."""


def ollama_error(error: RouterError) -> dict[str, Any]:
    return {"error": error.message}


def timestamp(nanoseconds: int) -> str:
    """RFC 3339, as all of Ollama's times."""
    when = datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


def message_part(text: str = "", thinking: str = "", calls: Sequence[Any] = ()) -> dict[str, Any]:
    """/api/chat's."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    message |= {"thinking": thinking} if thinking else {}
    message |= {"tool_calls": list(calls)} if calls else {}
    return {"message": message}


def response_part(text: str = "", thinking: str = "", calls: Sequence[Any] = ()) -> dict[str, Any]:
    """/api/generate's; it has no tools."""
    del calls
    return {"response": text, **({"thinking": thinking} if thinking else {})}


def line(body: Mapping[str, Any]) -> bytes:
    """Of NDJSON; a document is one, too."""
    # A model may write half of a surrogate pair, which UTF-8 cannot say.
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n"
