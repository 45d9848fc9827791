"""An engine that saves for hal0, and what its states are valid for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from router.conversations.identity import stamps
from router.conversations.keeping import Kept
from router.conversations.key import state_key
from router.conversations.sequences import NotDone, Sequences
from router.engine.process import EngineProcess


@dataclass(slots=True)
class Engine:
    """Attributes:
    slot, model: how people know it; `owner`: whose its conversations are.
    seen: the files it was launched with, as they looked when it was ready.
    idle: what it was given and nobody has asked for yet, by sequence.
    writing: files it may be writing.
    forgotten: the last request of each sequence when a person had everything forgotten.
    """

    slot: str
    owner: str
    model: str
    process: EngineProcess
    sequences: Sequences
    seen: asyncio.Future[tuple[tuple[str, int, int], ...]]
    idle: dict[int, Kept] = field(default_factory=dict)
    writing: set[str] = field(default_factory=set)
    forgotten: Mapping[int, int] = field(default_factory=dict)
    _key: tuple[str, int] | None = None

    async def key(self) -> tuple[str, int]:
        """Return what its states are valid for, and how many sequences it has. Not asked before it is needed:
        nobody waits longer for an engine that has nothing to restore. Raises NotDone, OSError."""
        if self._key is None:
            argv = self.process.launch.argv
            (build, context, slots), files = await asyncio.gather(
                self.sequences.build(), asyncio.to_thread(stamps, argv)
            )
            if await self.seen != tuple((file.path, file.size, file.changed_ns) for file in files):
                raise NotDone("its files have changed since")
            self._key = (state_key(argv, files, build, context, slots), slots)
        return self._key
