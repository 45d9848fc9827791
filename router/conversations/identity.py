"""What a file is: size, time, and the beginning of its content. Blocking."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

HEADER_BYTES: Final = 1 << 20
"""The part of a GGUF with its tensors' names and shapes, and most of its vocabulary."""

_SHARD: Final = re.compile(r"-[0-9]{5}(-of-[0-9]{5}\.gguf)$")
_SPOTS: Final = 64
_SPOT_BYTES: Final = 4096


class Stamp(NamedTuple):
    """`header` is the SHA-256 of the first HEADER_BYTES."""

    path: str
    size: int
    changed_ns: int
    header: str


def looks(argv: Sequence[str]) -> tuple[tuple[str, int, int], ...]:
    """Return path, size and time of change of every file that a command line names: the engine, the model with
    all its shards, its companions."""
    found = []
    for path in (path for argument in argv for path in _named(argument)):
        try:
            status = path.stat()
        except (OSError, ValueError):  # a flag's value that is not a file
            continue
        if stat.S_ISREG(status.st_mode):
            found.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(found)


def stamps(argv: Sequence[str]) -> tuple[Stamp, ...]:
    """Return what `looks` does, along with a digest of the beginning of each file. Raises OSError."""
    found = []
    for path, size, changed in looks(argv):
        with Path(path).open("rb") as file:
            found.append(Stamp(path, size, changed, hashlib.sha256(file.read(HEADER_BYTES)).hexdigest()))
    return tuple(found)


def _named(argument: str) -> list[Path]:
    first = Path(argument)
    shard = _SHARD.search(first.name)
    if shard is None:
        return [first]
    beginning, end = first.name[: shard.start()], shard[1]
    try:
        beside = [path for path in first.parent.iterdir() if path.name.startswith(beginning)]
    except (OSError, ValueError):
        return []
    return sorted(path for path in beside if (of := _SHARD.search(path.name)) and of[1] == end)


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
