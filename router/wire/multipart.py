"""Reads short fields of a multipart/form-data body, or replaces one; the rest is not touched (RFC 7578)."""

from __future__ import annotations

import re
from collections.abc import Collection
from email.message import Message

from router.base.errors import BadRequest

_NAME = re.compile(rb'^content-disposition:[^\r\n]*\bname="?([^";\r\n]+)"?', re.IGNORECASE | re.MULTILINE)
_MAX_FIELD = 1024


def read_fields(content_type: str, raw: bytes, wanted: Collection[str]) -> dict[str, str]:
    """Return the first value of each wanted field. Raises BadRequest if the body is no multipart form."""
    fields: dict[str, str] = {}
    for part in raw.split(_boundary(content_type)):
        head, blank, body = part.partition(b"\r\n\r\n")
        name = _field(head) if blank else None
        value = body.removesuffix(b"\r\n")
        if name is not None and name in wanted and name not in fields and len(value) <= _MAX_FIELD:
            fields[name] = value.decode(errors="replace").strip()
    return fields


def with_field(content_type: str, raw: bytes, name: str, value: str) -> bytes:
    """Return the body with another value for the field `name`, or with that field in front if it has none.

    Raises BadRequest if the body is no multipart form.
    """
    boundary = _boundary(content_type)
    parts = raw.split(boundary)
    replaced = False
    for number, part in enumerate(parts):
        head, blank, body = part.partition(b"\r\n\r\n")
        if blank and _field(head) == name and len(body) <= _MAX_FIELD:
            parts[number] = head + blank + value.encode() + b"\r\n"
            replaced = True
    if not replaced:
        field = f'\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        parts.insert(1, field.encode())
    return boundary.join(parts)


def _boundary(content_type: str) -> bytes:
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary")
    plain = content_type.isascii()  # it goes on to the engine, in a header
    if not plain or header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise BadRequest("This endpoint takes multipart/form-data with a boundary, as OpenAI's does.")
    return b"--" + boundary.encode("latin-1", "replace")


def _field(head: bytes) -> str | None:
    match = _NAME.search(head)
    return match[1].decode(errors="replace") if match else None
