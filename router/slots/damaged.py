"""Models that an engine has found damaged, or of a kind it does not know: trying again would be in vain.

A request for one is answered with what the engine said, at once and as a 400, which no client repeats, until
one of its files or the engine changes, or a person loads it. Problems that may pass (memory, a port, a driver)
are not kept here: `router.slots.failures`.
"""

from __future__ import annotations

import asyncio
import re
import stat
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from router.base.errors import EngineFailed, ModelDamaged, RouterError
from router.catalog.model import LaunchKey, Model
from router.slots.seat import RunningEngine

# What llama.cpp says of a file: llama-model-loader.cpp, llama-model.cpp, llama-vocab.cpp, gguf.cpp, clip.cpp.
_LASTING: Final = re.compile(
    r"missing tensor|tensor '[^']*' not found|wrong shape|wrong number of|within the file bounds|corrupted"
    r"|unknown model architecture|unknown (pre-)?tokenizer|cannot find tokenizer|key not found in model"
    r"|error loading model (architecture|hyperparameters|vocabulary)"
    r"|invalid magic|failed to read (magic|key|tensor)|invalid (ggml )?type"
    r"|illegal split|invalid split|unknown projector|unsupported (model|gguf|projector)"
    r"|unexpectedly reached end of file|file is truncated",
    re.IGNORECASE,
)
_SHARD: Final = re.compile(r"-\d{5}(-of-\d{5}\.gguf)$")


def is_lasting(error: RouterError) -> bool:
    """Return whether an engine ended by itself because of what it was to load."""
    code = error.details.get("exit_code")
    return (
        isinstance(error, EngineFailed) and isinstance(code, int) and _LASTING.search(error.message) is not None
    )


@dataclass(frozen=True, slots=True)
class _Case:
    argv: Sequence[str]
    files: tuple[Hashable, ...]
    error: RouterError


class Damaged:
    """Models that an engine found damaged, by what they were launched with: same file and flags, same case."""

    def __init__(self) -> None:
        self._cases: dict[LaunchKey, _Case] = {}

    async def launched(self, engine: RunningEngine) -> None:
        """Remember what it is about to read: a file may be replaced meanwhile."""
        if engine.process is not None:
            engine.files = await asyncio.to_thread(_stamp, engine.process.launch.argv)

    def note(self, engine: RunningEngine, error: RouterError) -> None:
        """Note that `engine` did not get ready, and why."""
        if engine.process is not None and isinstance(error, EngineFailed) and not error.mends:
            self._cases[engine.model.launch_key] = _Case(engine.process.launch.argv, engine.files, error)

    async def why_not(self, model: Model) -> RouterError | None:
        """Return what the engine said of it, if it would see the same again."""
        case = self._cases.get(model.launch_key)
        if case is None:
            return None
        if await asyncio.to_thread(_stamp, case.argv) == case.files:
            return ModelDamaged(case.error.message, details=case.error.details)
        self._cases.pop(model.launch_key, None)
        return None

    def forget(self) -> None:
        """Forget all cases: another engine may know better."""
        self._cases.clear()


def _stamp(argv: Sequence[str]) -> tuple[Hashable, ...]:
    """Return size and time of change of every file the command line names: the engine, the model, its
    companions."""
    found = []
    for path in (path for argument in argv for path in _files(argument)):
        try:
            status = path.stat()
        except (OSError, ValueError):  # not a file: a flag, or a file that is gone
            continue
        if not stat.S_ISDIR(status.st_mode):  # what is put into a folder changes nothing
            found.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(found)


def _files(argument: str) -> list[Path]:
    shard = _SHARD.search(argument)
    if shard is None:
        return [Path(argument)]
    first = Path(argument)
    return sorted(first.parent.glob(f"{_literal(_SHARD.sub('', first.name))}-*{shard[1]}"))


def _literal(text: str) -> str:
    """Escape brackets for a pattern of `glob`: they are the names' own."""
    return re.sub(r"([*?[])", r"[\1]", text)
