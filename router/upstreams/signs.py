"""What comes before an answer: signs of life, and word that there will be none after all. Pure.

hal0 and OpenRouter say 200 and keep their client waiting with comments; whether they can answer comes later.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from router.upstreams.reasons import moves_on

# Comments, Anthropic's pings, and the chunk of hal0's that resets chunk timers (router.wire.encode).
_EVENTS: Final = re.compile(rb'(?:\s|:[^\n]*\n|event: ping\ndata: [^\n]*\n|data: \{"id": "hal0",[^\n]*\n)*')
_SPACE: Final = re.compile(rb"\s*")
_KEPT_ALIVE: Final = {"text/event-stream": _EVENTS, "application/json": _SPACE}
# What is cut in two may still become a sign of life or an error.
_TELLING: Final = re.compile(rb"(?!event:)[^\n]+\n|event:[^\n]*\n[^\n]+\n")
_EVENT_ERROR: Final = re.compile(rb"(?:event: error\n)?data: ?(\{[^\n]*)\n")


def answer_in(content_type: str, body: bytes) -> bytes:
    """What of `body` is more than signs of life; b"" while there is nothing."""
    kind = content_type.partition(";")[0].strip().lower()
    signs = _KEPT_ALIVE.get(kind)
    match = signs.match(body) if signs else None
    rest = body[match.end() :] if match else body
    return b"" if kind == "text/event-stream" and not _TELLING.match(rest) else rest


def failure_in(answer: bytes) -> str | None:
    """Why there is no answer, if that is what it begins with and another server may do better."""
    event = _EVENT_ERROR.match(answer)
    try:
        told: Any = json.loads(event[1] if event else answer if answer.startswith(b'{"error"') else b"")
    except (ValueError, RecursionError):
        return None
    error = told.get("error") if isinstance(told, dict) and not told.get("choices") else None
    if not isinstance(error, dict) or error.get("type") == "invalid_request_error":
        return None
    code = error.get("code")
    if isinstance(code, int) and not moves_on(code):
        return None
    return " ".join(str(error.get("message") or "it reports an error").split())[:300].rstrip(" .")
