"""Files that were cut into pieces for uploading, by their names: no split models, whose parts are loaded. Pure.

`x.gguf.part1of2` (mradermacher), `x.gguf-split-a` (TheBloke), `x.gguf.partaa` and `x.gguf.001` (split, 7-Zip):
each but the first is no GGUF, and no program can do anything with them until they are joined.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_NUMBER: Final = r"(?:\d{1,3}[-_]?of[-_]?\d{1,3}|[a-z]{1,2}|\d{1,3})"
_BEHIND: Final = re.compile(
    rf"(?P<whole>.+\.gguf)(?:[-._](?:part|split)[-._]?{_NUMBER}|\.\d{{3}})", re.IGNORECASE
)
_WITHIN: Final = re.compile(rf"(?P<stem>.+?)[-._](?:part|split)[-._]?{_NUMBER}\.gguf", re.IGNORECASE)


def whole_behind(name: str) -> str | None:
    """Return what `name`, which does not end in `.gguf`, is a piece of."""
    piece = _BEHIND.fullmatch(name)
    return piece["whole"] if piece else None


def whole_within(name: str) -> str | None:
    """Return what `name`, which ends in `.gguf`, may be a piece of; whole models are called so, too."""
    piece = _WITHIN.fullmatch(name)
    return f"{piece['stem']}.gguf" if piece else None


def to_be_joined(whole: str, pieces: Iterable[str]) -> str:
    """Return a sentence about the pieces of `whole` that are there."""
    names = sorted(
        pieces, key=lambda name: [int(text) if text.isdigit() else text for text in re.split(r"(\d+)", name)]
    )
    listed = ", ".join(names[:3]) + (", …" if names[3:] else "")
    return f"{whole} is here in pieces ({listed}): join them to {whole}, in this order and byte by byte."
