"""Has an engine write what it has read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Final

from router.base.tasks import spawn
from router.conversations.async_store import AsyncStore
from router.conversations.engine import Engine
from router.conversations.keeping import Kept, Used, worth
from router.conversations.sequences import Moved, NotDone
from router.conversations.store import NoRoom

WATCH_SECONDS: Final = 0.1


class Saving:
    """Knows the models whose states cannot be saved, by what they are valid for."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store
        self._cannot: set[str] = set()

    async def save(self, engine: Engine, *, stays: bool) -> None:
        """Save what is worth saving. `stays`: only what the engine is not working on right now. Raises NotDone,
        NoRoom, OSError; `engine.writing` then names what it may still be writing."""
        used = await engine.sequences.used()
        for one in used:
            engine.idle.pop(one.slot, None)
        said = [u for u in used if not (stays and u.busy) and engine.forgotten.get(u.slot) != u.task]
        chosen = worth(said, self._store.policy().per_model, [one.tokens for one in engine.idle.values()])
        key = (await engine.key())[0] if chosen else ""
        for one in chosen if key not in self._cannot else ():
            await self._save_one(engine, key, one)

    async def _save_one(self, engine: Engine, key: str, used: Used) -> None:
        id_ = await self._store.begin(key, used.tokens)
        engine.writing.add(id_)
        try:
            moved = await self._watched(id_, engine.sequences.save(used.slot, f"{id_}.part"))
        except NotDone as error:
            if error.lasting:
                self._cannot.add(key)
            if error.refused:
                engine.writing.discard(id_)
                await self._store.discard(id_)
            raise
        engine.writing.discard(id_)
        told = (moved.tokens, moved.bytes, time.time(), "")
        await self._store.finish(Kept(id_, engine.owner, key, engine.model, used.slot, *told))

    async def _watched(self, id_: str, saving: Coroutine[Any, Any, Moved]) -> Moved:
        """Await `saving`, but end it before it is too much: how much it becomes is only known afterwards.
        Raises NoRoom."""

        async def outcome() -> Moved | NotDone:
            try:
                return await saving
            except NotDone as error:
                return error

        task = spawn(outcome(), name="save a conversation")
        try:
            while not (await asyncio.wait([task], timeout=WATCH_SECONDS))[0]:
                if await asyncio.to_thread(self._store.too_much, id_):
                    raise NoRoom("it would be more than is allowed, or the disk has")
        finally:
            task.cancel()
        if isinstance(moved := task.result(), NotDone):
            raise moved
        return moved
