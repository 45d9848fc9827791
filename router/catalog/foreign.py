"""What a file that is called .gguf and is none may be, told by its first bytes, and what to do. Pure."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 64
"""Bytes of a file's beginning that tell."""

_AGAIN: Final = "download it again, or choose another"
_OLD: Final = "an old GGML file, which llama.cpp no longer runs: get a GGUF of this model"
_PACKED: Final = "an archive: unpack it"
_BEGINNINGS: Final = (
    (
        b"version https://git-lfs",
        "a Git LFS pointer, which only names the real file: run `git lfs pull` beside it",
    ),
    (b"PK\x03\x04", _PACKED),
    (b"\x1f\x8b", _PACKED),
    (b"\x28\xb5\x2f\xfd", _PACKED),
    (b"\xfd7zXZ", _PACKED),
    (b"7z\xbc\xaf\x27\x1c", _PACKED),
    (b"Rar!", _PACKED),
    (b"lmgg", _OLD),
    (b"tjgg", _OLD),
    (b"fmgg", _OLD),
)
_PAGE: Final = re.compile(rb"\s*<(?:!doctype|html|\?xml|head|error)", re.IGNORECASE)
_ANSWER: Final = re.compile(
    rb'\s*(?:\{\s*"|Entry not found|Access to model|Repository not found|Not Found|Unauthorized)'
)
_SAFETENSORS: Final = re.compile(rb'.{8}\{\s*"', re.DOTALL)


def what_instead(beginning: bytes) -> str:
    """Return a clause about a file that begins so: what it is, a colon, and what to do."""
    if not beginning:
        return f"it is empty: wait for its download, or {_AGAIN}"
    if found := next((said for magic, said in _BEGINNINGS if beginning.startswith(magic)), None):
        return f"it is {found}"
    if _PAGE.match(beginning) or _ANSWER.match(beginning):
        return "it is the answer of a server that did not give the file: log in there, or correct the address"
    if _SAFETENSORS.match(beginning):
        return "it is a safetensors file: get a GGUF of this model"
    if not beginning.strip(b"\0"):
        return f"it begins with zeros, as a download does that has not ended: wait for it, or {_AGAIN}"
    return f"it is something else: {_AGAIN}"
