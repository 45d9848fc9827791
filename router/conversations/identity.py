"""What a file is: size, time, and the beginning of its content. Blocking."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from router.catalog.launch_files import looks

HEADER_BYTES: Final = 1 << 20
"""The part of a GGUF with its tensors' names and shapes, and most of its vocabulary."""

_SPOTS: Final = 64
_SPOT_BYTES: Final = 4096


class Stamp(NamedTuple):
    """`header` is the SHA-256 of the first HEADER_BYTES."""

    path: str
    size: int
    changed_ns: int
    header: str


def stamps(argv: Sequence[str]) -> tuple[Stamp, ...]:
    """Return what `looks` finds, along with a digest of the beginning of each file. Raises OSError."""
    found = []
    for path, size, changed in looks(argv):
        with Path(path).open("rb") as file:
            found.append(Stamp(path, size, changed, hashlib.sha256(file.read(HEADER_BYTES)).hexdigest()))
    return tuple(found)


def sample(path: Path) -> str:
    """Return a digest of a state file's beginning, its end and spots in between: a file that was swapped, or is
    full of holes, has a different one. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        digest.update(str(size).encode())
        step = max(_SPOT_BYTES, size // _SPOTS)
        for at in (*range(0, size, step), max(0, size - _SPOT_BYTES)):
            file.seek(at)
            digest.update(file.read(_SPOT_BYTES))
    return digest.hexdigest()
