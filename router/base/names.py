"""What a name may be, and what it may be shown as. Pure text; what it means is `router.resolve`'s business."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_LATEST: Final = ":latest"
_GGUF: Final = ".gguf"
# Control characters, halves of surrogate pairs (a file name that is not UTF-8 holds them), ends of lines.
_UNSPEAKABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
LONGEST_SHOWN: Final = 300
"""Characters of a client's text in a sentence or a log line; the longest real ids have some 200."""


def spellings(name: str) -> Iterator[str]:
    """`name`, then the other ways to write it: no tag means `:latest`, as everywhere with Ollama, a GGUF may be
    called with its suffix or without, and accents may be encoded as one character or as two."""
    yield name
    if name.lower().endswith(_LATEST):
        yield name[: -len(_LATEST)]
    elif ":" not in name.rpartition("/")[2]:
        yield name + _LATEST
    yield name[: -len(_GGUF)] if name.lower().endswith(_GGUF) else name + _GGUF
    yield from accented(name)


def accented(name: str) -> Iterator[str]:
    """Yield other encodings of `name`: macOS's file names have NFD, what keyboards write is NFC."""
    if not name.isascii():
        forms = (unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name))
        yield from (form for form in forms if form != name)


@lru_cache(maxsize=8192)  # of all that is listed, for each request that names nothing
def folded(name: str) -> str:
    """Return what is equal for names that differ in nothing but upper and lower case, or in how accents are
    encoded: macOS takes file names apart (NFD), keyboards put them together (NFC)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_speakable(text: str) -> bool:
    """Return whether it can stand in JSON, in a log line and on a screen as it is."""
    return _UNSPEAKABLE.search(text) is None


def speakable(text: str, keep: str = "") -> str:
    """`text` with what cannot be said, but for the characters in `keep`, written as `\\x1b`; of a file name, a
    byte that is not UTF-8, too."""
    if text.isprintable():
        return text
    return _UNSPEAKABLE.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), text)


def shown(text: str, most: int = LONGEST_SHOWN) -> str:
    """`speakable`, and cut where somebody sends a megabyte as a name."""
    readable = speakable(text[: most + 1])
    return readable if len(text) <= most else f"{readable[:most]}…"


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds the byte (PEP 383)
        code -= 0xDC00
    if character == "\n":
        return "\\n"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
