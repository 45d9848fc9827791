"""Which files are the parts of one split model, by their names (`x-00001-of-00003.gguf`). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SHARD: Final = re.compile(r"(?P<stem>.+)-(?P<no>\d{5})-of-(?P<count>\d{5})", re.IGNORECASE)
# What browsers and file managers add to the name of a file that was there already.
_COPY: Final = re.compile(r"(?: ?\(\d+\)| - copy(?: \(\d+\))?|_copy)$", re.IGNORECASE)

Key = tuple[str, int]
"""What all parts of a model are called, and how many there are."""


@dataclass(slots=True)
class Sorted:
    """The files of one folder.

    Attributes:
        sets: the parts that are there of each split model, by their number from 1.
        copies: further files of a part that is there, each with the name of that.
        others: files that are no parts.
    """

    sets: dict[Key, dict[int, Path]] = field(default_factory=dict)
    copies: dict[Path, str] = field(default_factory=dict)
    others: list[Path] = field(default_factory=list)


def sort_files(files: Iterable[Path]) -> Sorted:
    """Tell parts from whole models. A copy stands in for a part that is not there."""
    sets: dict[Key, dict[int, Path]] = {}
    copied: list[tuple[Key, int, Path]] = []
    found = Sorted()
    for file in files:
        if (part := _part(file.stem)) is not None:
            sets.setdefault(part[0], {})[part[1]] = file
        elif (part := _part(_COPY.sub("", file.stem))) is not None:
            copied.append((*part, file))
        else:
            found.others.append(file)
    found.sets = _halves_joined(sets)
    for key, number, file in copied:
        there = found.sets.setdefault(key, {})
        if number in there:
            found.copies[file] = there[number].name
        else:
            there[number] = file
    return found


def _part(stem: str) -> tuple[Key, int] | None:
    shard = SHARD.fullmatch(stem)
    return (
        ((shard["stem"], int(shard["count"])), int(shard["no"])) if shard and int(shard["count"]) > 1 else None
    )


def _halves_joined(sets: Mapping[Key, dict[int, Path]]) -> dict[Key, dict[int, Path]]:
    """Group parts: those whose names differ in case are one model, unless each case has all of them."""
    joined: dict[Key, dict[int, Path]] = {}
    first_called: dict[Key, Key] = {}
    for (stem, count), shards in sets.items():
        key = first_called.setdefault((stem.casefold(), count), (stem, count))
        if joined.get(key, {}).keys() & shards.keys():
            key = (stem, count)
        joined[key] = joined.get(key, {}) | shards
    return joined
