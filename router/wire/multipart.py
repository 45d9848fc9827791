"""Reads a few short fields of a multipart/form-data body without touching it (RFC 7578)."""

from __future__ import annotations

import re
from collections.abc import Collection
from email.message import Message

from router.errors import BadRequest

_NAME = re.compile(rb'^content-disposition:[^\r\n]*\bname="?([^";\r\n]+)"?', re.IGNORECASE | re.MULTILINE)
_MAX_FIELD = 1024


def read_fields(content_type: str, raw: bytes, wanted: Collection[str]) -> dict[str, str]:
    """The first value of each wanted field. Raises BadRequest if the body is no multipart form."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary")
    plain = content_type.isascii()  # it goes on to the engine, in a header
    if not plain or header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise BadRequest("This endpoint takes multipart/form-data with a boundary, as OpenAI's does.")
    fields: dict[str, str] = {}
    for part in raw.split(b"--" + boundary.encode("latin-1", "replace")):
        head, blank, body = part.partition(b"\r\n\r\n")
        match = _NAME.search(head)
        if not blank or match is None:
            continue
        name = match[1].decode(errors="replace")
        value = body.removesuffix(b"\r\n")
        if name in wanted and name not in fields and len(value) <= _MAX_FIELD:
            fields[name] = value.decode(errors="replace").strip()
    return fields
