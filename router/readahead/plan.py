"""How much of which file is read ahead. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BLOCK: Final = 1 << 20
"""Bytes that are checked and read together; a check costs a system call, about a microsecond."""

_LEAST_MARGIN: Final = 1 << 30
_MARGIN_SHARE: Final = 16


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file as it was found. `missing` says of each BLOCK whether it has to come from the disk; `remote`: it
    is on another computer."""

    path: Path
    size: int
    missing: Sequence[bool]
    remote: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """`length` bytes of a file from `start`."""

    path: Path
    start: int
    length: int


def room(total: int, used: int) -> int:
    """Return the bytes of RAM that files may fill, of `total` of which programs and the files they map use
    `used`.

    What stays free is separate from `memory.headroom`: that is for engines, to which the kernel gives pages of
    files at once.
    """
    return max(0, total - used - margin(total))


def margin(total: int) -> int:
    return max(_LEAST_MARGIN, total // _MARGIN_SHARE)


def plan(files: Iterable[FileSeen], room: int) -> tuple[Part, ...]:
    """Return what is missing of the first `room` bytes of `files`, taken together.

    Those that are cached already count as well: they have to stay, or reading the end would push out the
    beginning, which is needed first.
    """
    parts: list[Part] = []
    for file in files:
        if not file.remote:
            parts += _missing(file, min(file.size, room))
        room -= file.size
        if room <= 0:
            break
    return tuple(parts)


def _missing(file: FileSeen, end: int) -> list[Part]:
    """Return the missing parts, neighbours joined: a disk likes long reads."""
    parts: list[Part] = []
    for number, absent in enumerate(file.missing):
        start = number * BLOCK
        if start >= end:
            break
        if not absent:
            continue
        length = min(BLOCK, end - start)
        if parts and parts[-1].start + parts[-1].length == start:
            parts[-1] = Part(file.path, parts[-1].start, parts[-1].length + length)
        else:
            parts.append(Part(file.path, start, length))
    return parts
