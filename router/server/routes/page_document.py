"""The page's document: one answer that a browser needs nothing else for until it can be used.

Its script and styles stand in it, allowed by their hashes, and before them the state for whoever may read it.
Files and state by themselves would be asked for one after the other.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_STYLE: Final = re.compile(r'<link rel="stylesheet" href="/page/([^"]+)">')
_SCRIPT: Final = re.compile(r'<script src="/page/([^"]+)"></script>')
_STATE: Final = "<body>\n"
"""What the state follows."""

_GZIP_HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
"""RFC 1952: deflate, no name, no time."""


@dataclass(frozen=True, slots=True)
class Document:
    """What stands `before` and `after` the state, and each packed for gzip; sources of a policy that allows the
    `scripts` and `styles` in it."""

    before: bytes = field(repr=False)
    after: bytes = field(repr=False)
    packed_before: bytes = field(repr=False)
    packed_after: bytes = field(repr=False)
    scripts: tuple[str, ...]
    styles: tuple[str, ...]

    def plain(self, state: Mapping[str, Any] | None) -> bytes:
        """Return the whole, with `state` as JSON in its element `#state`; None: without it."""
        return self.before + _element(state) + self.after

    def gzipped(self, state: Mapping[str, Any] | None) -> bytes:
        """Return the same as one member of gzip; only the state has to be packed for it."""
        element = _packed(_element(state), level=1)
        whole = self.plain(state)
        trailer = struct.pack("<2L", zlib.crc32(whole), len(whole) & 0xFFFFFFFF)
        return _GZIP_HEAD + self.packed_before + element + self.packed_after + trailer


def joined(html: str, files: Mapping[str, bytes]) -> Document:
    """Put the scripts and styles that `html` asks for into it. `files`: by their names below /page/."""
    scripts: list[str] = []
    styles: list[str] = []

    def inlined(found: re.Match[str], name: str, sources: list[str]) -> str:
        text = f"\n{files[found[1]].decode()}"
        sources.append(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'")
        return f"<{name}>{text}</{name}>"

    html = _STYLE.sub(lambda found: inlined(found, "style", styles), html)
    html = _SCRIPT.sub(lambda found: inlined(found, "script", scripts), html)
    opening, place, closing = html.partition(_STATE)
    before, after = (opening + place).encode(), closing.encode()
    packed = _packed(before, level=9), _packed(after, level=9, ends=True)
    return Document(before, after, *packed, tuple(scripts), tuple(styles))


def _packed(part: bytes, level: int, ends: bool = False) -> bytes:
    """Deflate a part of a stream; it refers to no other, so each can be packed by itself."""
    packer = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    return packer.compress(part) + packer.flush(zlib.Z_FINISH if ends else zlib.Z_FULL_FLUSH)


def _element(state: Mapping[str, Any] | None) -> bytes:
    if state is None:
        return b""
    # In a script no sign but this one can begin anything else.
    text = json.dumps(state).replace("<", r"\u003c")
    return f'<script type="application/json" id="state">{text}</script>\n'.encode()
