"""Parts of a message as OpenAI's two chat APIs write them: clients mix them up, and llama-server reads only its
own of each. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, Final

from router.base.errors import BadRequest
from router.wire.lenient import mapping, text

_TEXTS: Final = frozenset({"text", "input_text", "output_text", "summary_text"})
_PICTURES: Final = frozenset({"image_url", "input_image", "image"})
_FILES: Final = frozenset({"file", "input_file"})
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking", "reasoning", "reasoning_text"})
_READABLE: Final = ("text/", "application/json", "application/xml", "application/yaml", "application/x-yaml")


def chat_parts(parts: list[Any]) -> list[Any]:
    """Return the parts as chat completions have them. Raises BadRequest for files that are no text."""
    return [made for part in parts for made in _part(part)]


def response_parts(parts: list[Any]) -> list[Any]:
    """Do the same for what is given to the responses API."""
    made = chat_parts(parts)
    return [_given(part) for part in made]


def picture(part: Mapping[str, Any]) -> str:
    """Return the address of a picture, "" where it has none."""
    given = part.get("image_url") or part.get("url") or part.get("image")
    if isinstance(given, Mapping):
        given = given.get("url")
    source = mapping(part.get("source"))
    if source.get("type") == "base64":
        return f"data:{text(source.get('media_type')) or 'image/png'};base64,{text(source.get('data'))}"
    return text(given) or text(source.get("url"))


def unreadable(what: str, field: str = "messages") -> BadRequest:
    return BadRequest(
        f"`{field}` has {what}, which no model here can read; send its text, or pictures of its pages.",
        param=field,
    )


def _part(part: Any) -> Iterator[Any]:
    if isinstance(part, str):
        yield {"type": "text", "text": part}
        return
    kind = text(mapping(part).get("type"))
    if kind == "refusal":
        yield {"type": "text", "text": part.get("refusal")}
    elif kind in _FILES:
        yield {"type": "text", "text": _file(mapping(part.get("file")) or part)}
    elif kind in _PICTURES and (url := picture(part)):
        detail = part if kind == "image_url" and isinstance(part.get("image_url"), dict) else None
        yield detail or {"type": "image_url", "image_url": {"url": url}}
    elif (
        isinstance(part, dict) and isinstance(part.get("text"), str) and (kind in _TEXTS or "type" not in part)
    ):
        yield part if kind == "text" else {"type": "text", "text": part["text"]}
    elif kind not in _THOUGHTS:
        yield part


def _file(given: Mapping[str, Any]) -> str:
    """Return the text of a file, below its name. Raises BadRequest."""
    name = text(given.get("filename"))
    head, comma, data = text(given.get("file_data")).partition(",")
    kind = head.removeprefix("data:").partition(";")[0]
    if not comma or not head.endswith(";base64") or not kind.startswith(_READABLE):
        what = kind if comma else name or "no data"
        raise unreadable(f"a file ({what[:80]})")
    try:
        said = base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        raise unreadable(f"a file ({kind[:40]}) that is not text in UTF-8") from None
    return f"{name}\n{said}" if name else said


def _given(part: Any) -> Any:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text":
        return {"type": "input_text", "text": part.get("text")}
    return {"type": "input_image", "image_url": picture(part)} if kind == "image_url" else part
