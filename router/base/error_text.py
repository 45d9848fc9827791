"""The telling sentence of an error body, whatever its shape. Pure.

Its shapes: OpenAI's and Anthropic's envelopes, FastAPI's `detail`, OpenRouter's `metadata.raw`, Google's list,
AWS's `__type`, problem+json (RFC 9457), TGI's `error_type`, Groq's `failed_generation`, OAuth's
`error_description`, XML, the pages of nginx and Cloudflare, JSON in a string, and plain text.
"""

from __future__ import annotations

import html
import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from typing import Any, Final

SAID: Final = 300
"""Characters of the longest sentence."""

_DEEPEST: Final = 8
_MOST: Final = 3  # of a list of errors
_READ: Final = 256 * 1024
# The first that says something is the kind of error, the first of the second group what happened.
_KINDS: Final = ("title", "error")
_MESSAGES: Final = (
    "message",
    "Message",
    "msg",
    "detail",
    "details",
    "error_description",
    "error_message",
    "errorMessage",
    "description",
    "reason",
    "errors",
    "error_msg",
    "status_msg",
    "base_resp",
    "faultstring",
    "fault",
    "cause",
    "failure",
    "response",
    "text",
)
_LAST: Final = ("__type", "type", "code", "error_code", "status")
_MORE: Final = ("raw", "failed_generation")
_TITLE: Final = re.compile(r"<(title|h1|h2|message)\b[^>]*>(.*?)</\1\s*>", re.IGNORECASE | re.DOTALL)
_UNSEEN: Final = re.compile(r"<(script|style|head)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")
_EVENT: Final = re.compile(r"^data: ?(.*)$", re.MULTILINE)


def error_text(body: object, limit: int = SAID) -> str:
    """Return what `body` (bytes, text, or JSON that was read already) says is wrong, on one line of at most
    `limit` characters; "" where it says nothing."""
    if isinstance(body, bytes | bytearray):
        body = bytes(body[:_READ]).removeprefix(BOM_UTF8).decode(errors="replace")
    line = _line(_value_text(body, 0))
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def is_page(text: str) -> bool:
    """Return whether it is HTML or XML."""
    return bool(re.match(r"\s*<(!doctype|html|head|body|title|h1|center|\?xml|!--)", text, re.IGNORECASE))


def _value_text(value: object, depth: int) -> str:
    match value:
        case str():
            return _text(value, depth)
        case Mapping() if depth < _DEEPEST:
            return _object(value, depth + 1)
        case list() | tuple() if depth < _DEEPEST:
            sentences = dict.fromkeys(
                said for row in value[:50] if (said := _line(_value_text(row, depth + 1)))
            )
            return "; ".join([said.rstrip(" .") if n else said for n, said in enumerate(sentences)][:_MOST])
    return ""


def _text(text: str, depth: int) -> str:
    text = text.strip()
    if text in ("null", "true", "false"):
        return ""
    if is_page(text):
        return _page(text)
    if (event := _EVENT.search(text)) and (text.startswith(("data:", "event:", ":"))):
        text = event[1].strip()
    start = text.find("{") if depth or text[:1] != "[" else 0
    if text[:1] in ("{", "[", '"'):
        start = 0
    if start < 0 or depth >= _DEEPEST:
        return text
    try:
        inner, end = json.JSONDecoder().raw_decode(text[start:])
    except (ValueError, RecursionError):
        return text
    if isinstance(inner, str | Mapping | list) and not text[start + end :].strip(" \n.'\")"):
        # `Error code: 400 - {"error": …}` says its own words best, the JSON behind them more.
        inner_text = _value_text(inner, depth + 1)
        before = "" if start == 0 else text[:start].rstrip(" -:='\"(b")
        if inner_text or start == 0:
            return f"{before}: {inner_text}" if before and inner_text else inner_text
    return text


def _object(body: Mapping[str, Any], depth: int) -> str:
    kind = _first(body, _KINDS, depth)
    said = _first(body, _MESSAGES, depth)
    if (place := _place(body.get("loc"))) and said:
        return f"{place}: {said}"
    if kind and said and not _same(kind, said):
        said = f"{kind.rstrip(' .:')}: {said}"
    said = said or kind or _code(body)
    metadata = body.get("metadata")
    for more in (metadata if isinstance(metadata, Mapping) else {}, body):
        raw = _first(more, _MORE, depth)
        if raw and not _same(said, raw):
            said = f"{said.rstrip(' .:')}: {raw}" if said else raw
    return said


def _first(body: Mapping[str, Any], names: tuple[str, ...], depth: int) -> str:
    return next((said for name in names if (said := _line(_value_text(body.get(name), depth)))), "")


def _code(body: Mapping[str, Any]) -> str:
    """Return what is better than nothing: `rate_limit_error`, `code 1013`."""
    for name in _LAST:
        value = body.get(name)
        if isinstance(value, str) and value.strip() and value not in ("error", "object"):
            return value.rpartition("#")[2]
        if isinstance(value, int) and not isinstance(value, bool):
            return f"{name} {value}"
    return ""


def _place(loc: object) -> str:
    """FastAPI's `loc`, as the client wrote it: `messages.0.content`."""
    steps: Iterator[str] = (str(s) for s in loc) if isinstance(loc, list | tuple) else iter(())
    return ".".join(step for n, step in enumerate(steps) if n or step != "body")


def _same(one: str, other: str) -> bool:
    one, other = one.casefold().rstrip(" ."), other.casefold().rstrip(" .")
    return one in other or other in one


def _page(text: str) -> str:
    """Its title, else its first heading, else its first words."""
    found = {name.lower(): _line(_TAG.sub(" ", words)) for name, words in reversed(_TITLE.findall(text))}
    for name in ("message", "title", "h1", "h2"):
        if found.get(name):
            return html.unescape(found[name])
    return html.unescape(_line(_TAG.sub(" ", _UNSEEN.sub(" ", text))))


def _line(text: str) -> str:
    words = " ".join(text.split())
    return words if words.isprintable() else "".join(c if c.isprintable() else " " for c in words).strip()
