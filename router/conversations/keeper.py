"""Has conversations saved before an engine is stopped, and given back to the next engine of the same model."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

import aiohttp

from router.base.tasks import spawn
from router.catalog.model import Model
from router.config.schema import ConversationsConfig
from router.conversations.async_store import AsyncStore
from router.conversations.engine import Engine
from router.conversations.key import can_keep, owner, saves_to
from router.conversations.restoring import restore
from router.conversations.saving import Saving
from router.conversations.sequences import NotDone, Sequences
from router.conversations.store import NoRoom
from router.engine.process import EngineProcess
from router.state import KeptStatus

log = logging.getLogger(__name__)

PRUNE_SECONDS: Final = 3600.0
ASK_SECONDS: Final = 2.0
CLOSE_SECONDS: Final = 10.0


class Conversations:
    """Owns what is kept. All coroutines run on the router's loop."""

    def __init__(
        self,
        folder: Path,
        policy: Callable[[], ConversationsConfig],
        http: aiohttp.ClientSession,
        publish: Callable[[tuple[KeptStatus, ...]], object],
    ) -> None:
        """Keep them in `folder`, which is private and holds nothing else. `policy`: hal0.yaml's, as it is
        now."""
        self._http = http
        self._publish = publish
        self._store = AsyncStore(folder, policy)
        self._saving = Saving(self._store)
        self._engines: dict[EngineProcess, Engine] = {}

    # -- life ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Read what is kept; without a folder of its own nothing is."""
        try:
            await self._store.open()
        except OSError as error:
            log.warning("%s cannot be used, so no conversation is kept: %s", self._store.folder, error)
        self._tell()

    async def run(self) -> None:
        """Remove what becomes too old."""
        while True:
            await asyncio.sleep(PRUNE_SECONDS)
            await self.prune()

    async def prune(self) -> None:
        """Remove what hal0.yaml does not allow any more."""
        await self._store.prune()
        self._tell()

    def changed(self) -> None:
        """Remove what hal0.yaml, which has changed, no longer allows."""
        spawn(self.prune(), name="remove conversations")

    async def close(self) -> None:
        """Have what was saved last reach the disk."""
        await self._store.close(CLOSE_SECONDS)

    async def forget(self, model: str | None = None) -> int:
        """Remove all that is kept, or of `model` alone; what running engines have read by now is not saved
        either. Returns how many there were."""
        about = [engine for engine in self._engines.values() if model in (None, engine.model)]
        for engine, tasks in zip(about, await asyncio.gather(*map(_tasks, about)), strict=True):
            engine.idle.clear()
            engine.forgotten = tasks
        count = await self._store.forget(model)
        self._tell()
        return count

    # -- engines ---------------------------------------------------------------------------------------

    async def folder_for(self, model: Model) -> Path | None:
        """Return where an engine of `model` is to save; None: it is not to, or there is no such folder, without
        which llama-server would not start."""
        if self._store.policy().keep <= 0 or not can_keep(model):
            return None
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await self._store.make_folder()
        except (OSError, TimeoutError) as error:
            why = error or f"not there within {ASK_SECONDS:g} s"
            log.warning("%s cannot be used, so %s keeps no conversation: %s", self._store.folder, model.id, why)
            return None
        return self._store.folder

    async def restore(self, slot: str, model: Model, process: EngineProcess) -> None:
        """Give a ready engine what its model had read. Where the engine ends of it, `process.exited` is
        done, and what it ended of is removed."""
        argv = process.launch.argv
        if saves_to(argv) != str(self._store.folder):
            return
        sequences, seen = Sequences(self._http, process), self._store.looks(argv)
        engine = Engine(slot, owner(slot, model), model.id, process, sequences, seen)
        self._engines[process] = engine
        if self._store.has(engine.owner):
            try:
                await restore(self._store, engine)
            except (NotDone, OSError, TimeoutError) as error:
                log.info("slot %s: no conversation is restored: %s", slot, error or type(error).__name__)
            self._tell()

    async def save(self, process: EngineProcess, *, stays: bool = False) -> None:
        """Save what a ready engine has read, within `save_timeout`; one that has not finished by then is
        killed. `stays`: the engine goes on; only what it is not at just now is saved, and it is left alone."""
        engine, policy = self._engines.get(process), self._store.policy()
        if engine is None or process.exited.done() or policy.keep <= 0:
            return
        try:
            async with asyncio.timeout(policy.save_timeout):
                await self._saving.save(engine, stays=stays)
        except (NoRoom, NotDone, OSError, TimeoutError) as error:
            why = str(error) or f"not done within {policy.save_timeout:g} s"
            log.info("slot %s: a conversation with %s is not kept: %s", engine.slot, engine.model, why)
            if engine.writing and not stays:
                process.kill()  # it is still writing what nobody will read
        self._tell()

    async def gone(self, process: EngineProcess) -> None:
        """Remove what the engine, which has ended, had begun to write."""
        engine = self._engines.pop(process, None)
        for id_ in engine.writing if engine is not None else ():
            await self._store.discard(id_)

    def answered(
        self, process: EngineProcess, cached: Callable[[], int], tell: Callable[[int], object]
    ) -> asyncio.Task[None] | None:
        """Note that a request was answered; `cached` says how many of its tokens had been read before. `tell`
        is given how many of them came from the disk, if any did."""
        engine = self._engines.get(process)
        if engine is None or not engine.idle or (tokens := cached()) <= 0:
            return None
        return spawn(_claim(engine, tokens, tell), name=f"kept tokens of {engine.slot}")

    def _tell(self) -> None:
        self._publish(self._store.status)


async def _claim(engine: Engine, cached: int, tell: Callable[[int], object]) -> None:
    try:
        used = await engine.sequences.used()
    except NotDone:
        return
    taken = [one for at in used if (one := engine.idle.pop(at.slot, None)) is not None]
    if len(taken) == 1:  # with two answers at once nobody could tell which is whose
        tell(min(cached, taken[0].tokens))


async def _tasks(engine: Engine) -> dict[int, int]:
    """Return the last request of each sequence; nothing where the engine does not say."""
    try:
        async with asyncio.timeout(ASK_SECONDS):
            return {one.slot: one.task for one in await engine.sequences.used()}
    except (NotDone, TimeoutError):
        return {}
