"""Models that an engine has found damaged, or of a kind it does not know: trying again would be in vain.

A request for one is answered with what the engine said, at once and as a 400, which no client repeats, until
one of its files or the engine changes, or a person loads it. Problems that may pass (memory, a port, a driver)
are not kept here: `router.slots.failures`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from router.base.errors import EngineFailed, ModelDamaged, RouterError
from router.catalog.launch_files import looks
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
            engine.files = await asyncio.to_thread(looks, engine.process.launch.argv)

    def note(self, engine: RunningEngine, error: RouterError) -> None:
        """Note that `engine` did not get ready, and why."""
        if engine.process is not None and isinstance(error, EngineFailed) and not error.mends:
            self._cases[engine.model.launch_key] = _Case(engine.process.launch.argv, engine.files, error)

    async def why_not(self, model: Model) -> RouterError | None:
        """Return what the engine said of it, if it would see the same again."""
        case = self._cases.get(model.launch_key)
        if case is None:
            return None
        if await asyncio.to_thread(looks, case.argv) == case.files:
            return ModelDamaged(case.error.message, details=case.error.details)
        self._cases.pop(model.launch_key, None)
        return None

    def forget(self) -> None:
        """Forget all cases: another engine may know better."""
        self._cases.clear()
