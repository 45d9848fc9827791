"""Whether a whole body that a server elsewhere sent with 200 is an answer. Pure.

Servers say 200 and mean an error, send a page, or another endpoint's answer. Each is a failure like any other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from router.base.error_text import error_text, is_page
from router.upstreams.failure_reasons import moves_on
from router.upstreams.message_words import with_choices
from router.upstreams.rankings import are_results
from router.upstreams.vectors import are_vectors, number_fault

CHAT: Final = "/v1/chat/completions"
TEXT: Final = "/v1/completions"
RESPONSES: Final = "/v1/responses"
MESSAGES: Final = "/v1/messages"
VECTORS: Final = "/v1/embeddings"
RANKINGS: Final = ("/v1/rerank", "/v1/reranking")
SPEECH: Final = "/v1/audio/speech"

NO_JSON: Final = ("NaN", "Infinity")
"""What some write for numbers."""

_UNPROCESSED: Final = 400


class Fault(Exception):
    """What came is no answer. `status`: set where the request itself is at fault, so that every other server
    would say the same; `reason` has no full stop."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class Sort(StrEnum):
    """What a body is, by its first bytes where they tell, else by its Content-Type."""

    STREAM = "stream"
    DOCUMENT = "document"
    PAGE = "page"
    OTHER = "other"


_ANSWERS: Final = (
    "choices",
    "data",
    "results",
    "content",
    "output",
    "text",
    "embedding",
    "embeddings",
    "input_tokens",
)
_REASONS: Final = ("detail", "errors", "errorMessage", "error_msg", "msg", "fault", "__type")
_FIELDS: Final = (b"data:", b"event:", b"retry:", b"id:", b":")
_LONGEST_FIELD: Final = 6
_TEXTS: Final = ("", "text/plain", "application/octet-stream", "application/json", "application/x-ndjson")


def sort_of(content_type: str, began: bytes, *, complete: bool = False) -> Sort | None:
    """None: more must come before it can be told."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith(("audio/", "video/", "image/")):
        return Sort.OTHER
    began = began.lstrip(b" \t\r\n\xef\xbb\xbf")
    if not began:
        return Sort.OTHER if complete else None
    if began[:1] in b"{[":
        return Sort.DOCUMENT
    if began[:1] == b"<" or kind in ("text/html", "application/xhtml+xml"):
        return Sort.PAGE if began[:1] == b"<" or kind else Sort.OTHER
    if kind == "text/event-stream":
        return Sort.STREAM
    if kind in _TEXTS or kind.endswith("+json"):
        if len(began) < _LONGEST_FIELD and not complete:
            return None
        if began.startswith(_FIELDS):
            return Sort.STREAM
    return Sort.DOCUMENT if "json" in kind else Sort.OTHER


def fault_in(document: Any) -> Fault | None:
    """Return the error that a document, or an event of a stream, is; None if it is none."""
    if isinstance(document, list):
        return (
            fault_in(document[0])
            if document and isinstance(document[0], Mapping) and "error" in document[0]
            else None
        )
    if not isinstance(document, Mapping):
        return None
    error = document.get("error")
    marked = bool(error) or document.get("object") == "error" or document.get("type") == "error"
    if not marked and (any(document.get(name) for name in _ANSWERS) or not _says_why_not(document)):
        return _fault_in_choice(document)
    said = error_text(document).rstrip(" .") or "it reports an error"
    return Fault(said, _requests_fault(error if isinstance(error, Mapping) else document))


def _says_why_not(document: Mapping[str, Any]) -> bool:
    """Return whether a body with nothing of an answer in it says why. `base_resp`: MiniMax, with a status of 0
    in every answer."""
    base = document.get("base_resp")
    if isinstance(base, Mapping) and base.get("status_code"):
        return True
    message = document.get("message")  # Ollama's is an object, and an answer
    return (isinstance(message, str) and message != "") or any(document.get(name) for name in _REASONS)


def _fault_in_choice(document: Mapping[str, Any]) -> Fault | None:
    """OpenRouter: `{"choices": [{"error": {…}, "finish_reason": "error"}]}`. OpenAI: a response that failed."""
    choices = document.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if isinstance(first, Mapping) and (first.get("error") or first.get("finish_reason") == "error"):
        error = first.get("error")
        said = error_text(first).rstrip(" .") if error else ""
        return Fault(said or "it broke off with an error", _requests_fault(error))
    if document.get("object") == "response" and document.get("status") == "failed":
        return Fault(error_text(document.get("error")).rstrip(" .") or "it failed")
    return None


def _requests_fault(error: Any) -> int | None:
    """Return the status, where the error says that the request is wrong."""
    if not isinstance(error, Mapping):
        return None
    for name in ("code", "status", "status_code"):
        code = error.get(name)
        if isinstance(code, str) and code.isdecimal() and len(code) == 3:
            code = int(code)
        if isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600:
            return None if moves_on(code) else code
    return _UNPROCESSED if error.get("type") == "invalid_request_error" else None


# -- documents ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shape:
    """What an endpoint answers: `name` for people, `is_met` by its document."""

    name: str
    is_met: Callable[[Any], bool]
    may_be_list: bool = False


def _rows(*names: str, of: str = "") -> Callable[[Mapping[str, Any]], bool]:
    """Return the check that one of the fields is a list of objects that have `of`; none of them is empty."""

    def met(document: Mapping[str, Any]) -> bool:
        rows = next((document[name] for name in names if isinstance(document.get(name), list)), None)
        return bool(rows) and all(
            isinstance(r, Mapping) and (not of or r.get(of) is not None) for r in rows or ()
        )

    return met


def _message(document: Mapping[str, Any]) -> bool:
    document = with_choices(document)
    return _rows("choices")(document) and all(_spoken(choice.get("message")) for choice in document["choices"])


def _spoken(message: Any) -> bool:
    if not isinstance(message, Mapping):
        return False
    calls = message.get("tool_calls")
    called = isinstance(calls, list) and all(isinstance(call, Mapping) for call in calls)
    said = isinstance(message.get("content"), str | list | Mapping | int | float | None)
    return said and (calls is None or called)


def _has(name: str, kind: type) -> Callable[[Mapping[str, Any]], bool]:
    return lambda document: isinstance(document.get(name), kind) and not isinstance(document.get(name), bool)


_COUNTS: Final = ("/count_tokens", "/input_tokens")
_COUNT: Final = Shape("a count (input_tokens)", _has("input_tokens", int))
_SHAPES: Final[Mapping[str, Shape]] = {
    CHAT: Shape("a chat completion (choices with a message)", _message),
    TEXT: Shape("a completion (choices with a text)", _rows("choices", of="text")),
    RESPONSES: Shape("a response (output)", _has("output", list)),
    MESSAGES: Shape("a message (content)", _has("content", list)),
    VECTORS: Shape("embeddings (data)", are_vectors),
    **dict.fromkeys(RANKINGS, Shape("a ranking (results)", are_results, may_be_list=True)),
    "/v1/images/generations": Shape("images (data)", _rows("data")),
    "/v1/images/edits": Shape("images (data)", _rows("data")),
    "/v1/images/variations": Shape("images (data)", _rows("data")),
}


def _shape(path: str) -> Shape | None:
    return _COUNT if path.endswith(_COUNTS) else _SHAPES.get(path)


def takes_documents(path: str) -> bool:
    """Return whether the endpoint answers with JSON and nothing else."""
    return _shape(path) is not None


def parse(text: str) -> Any:
    """Parse JSON; NaN, which some write for a probability, is null. Raises Fault saying what came instead."""
    try:
        return json.loads(text, parse_constant=lambda _name: None)
    except (ValueError, RecursionError):
        raise Fault(not_json(text)) from None


def read_document(path: str, text: str, *, strict: bool) -> Any:
    """Return the answer. Raises Fault where it is an error, no JSON, or not what this endpoint answers; None
    where it may be plain text and is, if not `strict`."""
    try:
        document = parse(text)
    except Fault:
        if strict or takes_documents(path):
            raise
        return None
    if (fault := fault_in(document)) is not None:
        raise fault
    shape = _shape(path)
    sorts = list | Mapping if shape is not None and shape.may_be_list else Mapping
    if shape is not None and not (isinstance(document, sorts) and shape.is_met(document)):
        raise Fault(f"what it sent is not {shape.name}{_instead(document)}")
    if path == SPEECH:
        raise Fault("it sent JSON and no sound")
    if path == VECTORS:
        exact = "null" not in text and not has_no_json(text)
        if (wrong := number_fault(document, exact=exact)) is not None:
            raise Fault(wrong)
    return document


def has_no_json(text: str) -> bool:
    return any(word in text for word in NO_JSON)


def _instead(document: Any) -> str:
    names = [str(name)[:30] for name in document][:4] if isinstance(document, Mapping) else []
    said = error_text(document, 100).rstrip(" .")
    return (f", but has {', '.join(names)}" if names else "") + (f' ("{said}")' if said else "")


def not_json(text: str) -> str:
    """Return why it is no answer."""
    said = error_text(text).rstrip(" .")
    if not text.strip():
        return "its answer is empty"
    if is_page(text):
        return (
            f'it sent a web page instead of an answer ("{said}"); correct its base_url'
            if said
            else ("it sent a web page instead of an answer; correct its base_url")
        )
    if text.lstrip()[:1] in ("{", "["):
        return "its answer is broken off, or not valid JSON"
    return f'its answer is not JSON ("{said[:100]}")'
