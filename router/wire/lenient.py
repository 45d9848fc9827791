"""Reads what engines send, whatever its shape: what is not as it should be counts as absent. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_HALF_ESCAPE: Final = re.compile(
    r"\\(?:u[0-9a-fA-F]{0,3}|u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?)?$"
)
_CLOSING: Final = {"{": "}", "[": "]"}


def json_or_none(written: str | bytes) -> Any:
    """Parse JSON; None where it is none, or nested too deeply."""
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return None


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return those of a list; one alone is a list of it."""
    if isinstance(value, Mapping):
        return [value]
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def content_text(value: object) -> str:
    """Return the text of a message: a text, or parts that have texts."""
    parts = mappings(value) if isinstance(value, list) else []
    return "".join(text(part.get("text")) for part in parts) or text(value)


def whole(value: object) -> int | None:
    """Read a whole number, which some write as a string or with a point."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def arguments_text(value: object) -> str:
    """Read the arguments of a tool call: OpenAI's are JSON in a string, some servers send the object."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else text(value)


def as_far_as_it_goes(written: str) -> dict[str, Any]:
    """Read a JSON object that may be cut off anywhere: what is open is closed, what says nothing yet is left
    out."""
    try:
        found = json.loads(written)
    except RecursionError:
        return {}
    except ValueError:
        found = _closed(written)
    return found if isinstance(found, dict) else {}


def _closed(written: str) -> object:
    # Where it could end: behind each value and each opening bracket, with what is open there.
    ends: list[tuple[int, str]] = []
    open_, quoted, skip = "", False, False
    escapes = [0, 0]  # where the last two begin: a letter beyond 16 bits is written as two
    for at, letter in enumerate(written):
        if skip:
            skip = False
        elif quoted:
            skip, quoted = letter == "\\", letter != '"'
            escapes = [escapes[1], at] if skip else escapes
        elif letter == '"':
            quoted = True
        elif letter in _CLOSING:
            open_ = _CLOSING[letter] + open_
            ends.append((at + 1, open_))
        elif letter == ",":
            ends.append((at, open_))
        elif open_ and letter == open_[0]:
            open_ = open_[1:]
            ends.append((at + 1, open_))
    half = next((at for at in escapes if _HALF_ESCAPE.fullmatch(written, at)), len(written))
    last = written[:half] + '"' if quoted else written
    tries = [last + open_, *(written[:end] + closing for end, closing in reversed(ends[-_TRIES:]))]
    for attempt in tries:
        if (value := json_or_none(attempt)) is not None:
            return value
    return None


_TRIES: Final = 50  # a cut is at the end; what is wrong further up is no JSON at all
