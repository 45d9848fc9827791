"""The files that an engine reads to load a model: all shards of a split one, and what its flags name."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from router.base.files import is_dir
from router.config.flag_paths import named_files
from router.config.flags import PATH_FLAGS

Look: TypeAlias = tuple[str, int, int]
"""A file's path, its size, and the time of its last change in ns."""

_SHARD: Final = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})", re.DOTALL)


def shards(first: Path) -> Iterator[Path]:
    """Yield all shards: llama-server is given the first, and derives the names of the others from its name."""
    shard = _SHARD.fullmatch(first.stem)
    if shard is None:
        yield first
        return
    for number in range(1, int(shard["count"]) + 1):
        yield first.with_name(f"{shard['stem']}-{number:05}-of-{shard['count']}{first.suffix}")


def looks(argv: Sequence[str]) -> tuple[Look, ...]:
    """Return a look at every file that a command line names: the engine, the model with all its shards, its
    companions. Blocking."""
    return _looks(shard for named in _named(argv) for shard in shards(named))


def model_looks(file: Path, flags: Mapping[str, str | bool]) -> tuple[Look, ...]:
    """Return a look at every file that an engine reads for the model `file` under `flags`; of one that is not
    there the size is -1. Blocking."""
    beside = (path for name, path in named_files(flags) if not PATH_FLAGS[name].made)
    paths = [shard for named in (file, *beside) for shard in shards(named)]
    there = _looks(paths)
    missing = {str(path) for path in paths} - {look[0] for look in there}
    return (*there, *((path, -1, 0) for path in sorted(missing) if not is_dir(Path(path))))


def _looks(paths: Iterable[Path]) -> tuple[Look, ...]:
    found = {}
    for path in paths:
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
