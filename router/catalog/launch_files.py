"""The files that an engine reads to load a model: all shards of a split one, and what its flags name."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from router.config.flag_paths import named_files
from router.config.flags import PATH_FLAGS

_SHARD: Final = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})", re.DOTALL)


def shards(first: Path) -> Iterator[Path]:
    """Yield all shards: llama-server is given the first, and derives the names of the others from its name."""
    shard = _SHARD.fullmatch(first.stem)
    if shard is None:
        yield first
        return
    for number in range(1, int(shard["count"]) + 1):
        yield first.with_name(f"{shard['stem']}-{number:05}-of-{shard['count']}{first.suffix}")


def looks(argv: Sequence[str]) -> tuple[tuple[str, int, int], ...]:
    """Return path, size and time of change of every file that a command line names: the engine, the model with
    all its shards, its companions. Blocking."""
    found = {}
    for path in (shard for named in _named(argv) for shard in shards(named)):
        try:
            status = path.stat()
        except (OSError, ValueError):  # a flag's value that is not a file, or a file that is gone
            continue
        if not stat.S_ISDIR(status.st_mode):  # what is put into a folder changes nothing
            found[str(path)] = (str(path), status.st_size, status.st_mtime_ns)
    return tuple(found.values())


def _named(argv: Sequence[str]) -> Iterator[Path]:
    for flag, argument in zip(("", *argv), argv, strict=False):
        name = flag.removeprefix("--")
        if flag.startswith("--") and name in PATH_FLAGS and PATH_FLAGS[name].several:
            yield from (path for _, path in named_files({name: argument}))
        else:
            yield Path(argument)
