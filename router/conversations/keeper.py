"""Has conversations saved before an engine is stopped, and given back to the next engine of the same model."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from router.base.tasks import spawn
from router.catalog.model import Model
from router.config.schema import ConversationsConfig
from router.conversations.identity import looks, stamps
from router.conversations.keeping import DISK_LEFT, Kept, Used, worth
from router.conversations.key import can_keep, owner, saves_to, state_key
from router.conversations.sequences import Moved, NotDone, Sequences
from router.conversations.store import NoRoom, Store
from router.conversations.worker import Worker
from router.engine.process import EngineProcess
from router.state import KeptStatus

log = logging.getLogger(__name__)

RESTORE_SECONDS: Final = 30.0
"""An engine that is still reading then is ended, and started again without."""

PRUNE_SECONDS: Final = 3600.0
WATCH_SECONDS: Final = 0.1
CLOSE_SECONDS: Final = 10.0


@dataclass(slots=True)
class _Engine:
    """One that saves for hal0.

    Attributes:
        seen: the files it was launched with, as they looked when it was ready.
        key: what its states are valid for, and how many sequences it has; None before that was asked for.
        idle: what it was given and has not been asked for, by sequence.
        writing: files it may be writing.
        forgotten: the last request of each sequence when a person had all forgotten.
    """

    slot: str
    owner: str
    model: str
    sequences: Sequences
    seen: asyncio.Future[tuple[tuple[str, int, int], ...]]
    key: tuple[str, int] | None = None
    idle: dict[int, Kept] = field(default_factory=dict)
    writing: set[str] = field(default_factory=set)
    forgotten: Mapping[int, int] = field(default_factory=dict)


class Conversations:
    """Owns what is kept. All coroutines run on the router's loop."""

    def __init__(
        self,
        folder: Path,
        policy: Callable[[], ConversationsConfig],
        http: aiohttp.ClientSession,
        publish: Callable[[tuple[KeptStatus, ...]], object],
    ) -> None:
        """`folder` is private and holds nothing else. `policy`: hal0.yaml's, as it is now."""
        self._policy = policy
        self._http = http
        self._publish = publish
        self._store = Store(folder, policy)
        self._worker = Worker("conversations")
        self._engines: dict[EngineProcess, _Engine] = {}
        self._cannot: set[str] = set()

    # -- life ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Read what is kept; without a folder of its own nothing is."""
        try:
            await self._worker.run(self._store.open)
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
        await self._worker.run(self._store.prune)
        self._tell()

    def changed(self) -> None:
        """hal0.yaml allows something else now."""
        spawn(self.prune(), name="remove conversations")

    async def close(self) -> None:
        """Have what was saved last reach the disk."""
        await self._worker.close(CLOSE_SECONDS)

    async def forget(self, model: str | None = None) -> int:
        """Remove all that is kept, or of `model` alone; what running engines have read by now is not saved
        either. Returns how many there were."""
        for engine in self._engines.values():
            if model in (None, engine.model):
                engine.idle.clear()
                engine.forgotten = await _tasks(engine.sequences)
        count = await self._worker.run(self._store.forget, model)
        self._tell()
        return count

    # -- engines ---------------------------------------------------------------------------------------

    def folder_for(self, model: Model) -> Path | None:
        """Where an engine of `model` is to save; None: it is not to."""
        return self._store.folder if self._policy().keep > 0 and can_keep(model) else None

    async def restore(self, slot: str, model: Model, process: EngineProcess) -> None:
        """Give a ready engine what its model had read. Where the engine ends of it, `process.exited` is
        done, and what it ended of is removed."""
        if saves_to(process.launch.argv) != str(self._store.folder):
            return
        seen = self._worker.run(looks, process.launch.argv)
        engine = _Engine(slot, owner(slot, model), model.id, Sequences(self._http, process), seen)
        self._engines[process] = engine
        if any(one.owner == engine.owner for one in self._store.kept):
            try:
                await self._restore(engine, process, *await self._key(engine, process))
            except (NotDone, OSError) as error:
                log.info("slot %s: no conversation is restored: %s", slot, error)
            self._tell()

    async def save(self, process: EngineProcess, *, stays: bool = False) -> None:
        """Save what a ready engine has read, within `save_timeout`; one that has not finished by then is
        killed. `stays`: the engine goes on; only what it is not at just now is saved, and it is left alone."""
        engine, policy = self._engines.get(process), self._policy()
        if engine is None or process.exited.done() or policy.keep <= 0:
            return
        try:
            async with asyncio.timeout(policy.save_timeout):
                await self._save(engine, process, stays=stays)
        except TimeoutError:
            self._gave_up(engine, process, f"not done within {policy.save_timeout:g} s", stays=stays)
        except (NoRoom, NotDone, OSError) as error:
            self._gave_up(engine, process, str(error), stays=stays)
        self._tell()

    async def gone(self, process: EngineProcess) -> None:
        """The engine has ended: what it had begun to write is removed."""
        engine = self._engines.pop(process, None)
        if engine is None:
            return
        for id_ in engine.writing:
            await self._worker.run(self._store.discard, id_)

    def answered(
        self, process: EngineProcess, cached: int, tell: Callable[[int], object]
    ) -> asyncio.Task[None] | None:
        """A request was answered, with `cached` tokens that had been read before. `tell` is given how many
        of them came from the disk, if any did."""
        engine = self._engines.get(process)
        if engine is None or not engine.idle or cached <= 0:
            return None
        return spawn(self._claim(engine, cached, tell), name=f"kept tokens of {engine.slot}")

    # -- how -------------------------------------------------------------------------------------------

    async def _key(self, engine: _Engine, process: EngineProcess) -> tuple[str, int]:
        """Not before it is needed: nobody waits longer for an engine that has nothing to restore. Raises
        NotDone, OSError."""
        if engine.key is None:
            argv = process.launch.argv
            (build, context, slots), files = await asyncio.gather(
                engine.sequences.build(), asyncio.to_thread(stamps, argv)
            )
            if await engine.seen != tuple((file.path, file.size, file.changed_ns) for file in files):
                raise NotDone("its files have changed since")
            engine.key = (state_key(argv, files, build, context, slots), slots)
        return engine.key

    async def _restore(self, engine: _Engine, process: EngineProcess, key: str, slots: int) -> None:
        lent = await self._worker.run(self._store.lend, engine.owner, key)
        free = list(range(slots))
        try:
            while lent and free:
                one = lent.pop(0)
                at = one.slot if one.slot in free else free[0]
                free.remove(at)
                if await self._restored(engine, process, one, at):
                    engine.idle[at] = one
                elif process.exited.done():
                    return
        finally:
            for one in lent:  # no sequence is left for them, or the engine is gone: they are as good as before
                self._return(one)

    async def _restored(self, engine: _Engine, process: EngineProcess, one: Kept, at: int) -> bool:
        try:
            async with asyncio.timeout(RESTORE_SECONDS):
                moved = await engine.sequences.restore(at, f"{one.id}.state")
            if moved != Moved(one.tokens, one.bytes):
                raise NotDone("it came back as another one")
        except (NotDone, TimeoutError) as error:
            why = str(error) or f"not done within {RESTORE_SECONDS:g} s"
            log.warning("slot %s: a conversation cannot be restored and is removed: %s", engine.slot, why)
            if not (isinstance(error, NotDone) and error.refused):
                process.kill()  # nobody knows what it has read
                await asyncio.wait([process.exited], timeout=RESTORE_SECONDS)
            await self._worker.run(lambda: self._store.returned(one.id, restored=False))
            return False
        except asyncio.CancelledError:  # who waits for the engine gives up
            self._return(one)
            raise
        self._return(one)
        return True

    async def _save(self, engine: _Engine, process: EngineProcess, *, stays: bool) -> None:
        used = await engine.sequences.used()
        for one in used:
            engine.idle.pop(one.slot, None)
        said = [u for u in used if not (stays and u.busy) and engine.forgotten.get(u.slot) != u.task]
        chosen = worth(said, self._policy().per_model, [one.tokens for one in engine.idle.values()])
        key = (await self._key(engine, process))[0] if chosen else ""
        for one in chosen if key not in self._cannot else ():
            await self._save_one(engine, key, one)

    async def _save_one(self, engine: _Engine, key: str, used: Used) -> None:
        id_ = await self._worker.run(self._store.begin, key, used.tokens)
        engine.writing.add(id_)
        try:
            moved = await self._watched(id_, engine.sequences.save(used.slot, f"{id_}.part"))
        except NotDone as error:
            if error.lasting:
                self._cannot.add(key)
            if error.refused:
                engine.writing.discard(id_)
                await self._worker.run(self._store.discard, id_)
            raise
        told = (moved.tokens, moved.bytes, time.time(), "")
        engine.writing.discard(id_)
        await self._worker.run(self._store.finish, Kept(id_, engine.owner, key, engine.model, used.slot, *told))
        self._settle(id_)

    async def _watched(self, id_: str, saving: Coroutine[Any, Any, Moved]) -> Moved:
        """How much it becomes is only known afterwards: end it before it is too much. Raises NoRoom."""

        async def outcome() -> Moved | NotDone:
            try:
                return await saving
            except NotDone as error:
                return error

        task = spawn(outcome(), name="save a conversation")
        try:
            while not (await asyncio.wait([task], timeout=WATCH_SECONDS))[0]:
                if await asyncio.to_thread(self._too_much, id_):
                    raise NoRoom("it would be more than is allowed, or the disk has")
        finally:
            task.cancel()
        if isinstance(moved := task.result(), NotDone):
            raise moved
        return moved

    def _too_much(self, id_: str) -> bool:
        size = self._store.part(id_).stat().st_size
        return size > self._policy().keep or shutil.disk_usage(self._store.folder).free < DISK_LEFT // 2

    def _gave_up(self, engine: _Engine, process: EngineProcess, why: str, *, stays: bool) -> None:
        if engine.writing and not stays:
            process.kill()  # it is in the middle of writing what nobody will read
        log.info("slot %s: a conversation with %s is not kept: %s", engine.slot, engine.model, why)

    async def _claim(self, engine: _Engine, cached: int, tell: Callable[[int], object]) -> None:
        try:
            used = await engine.sequences.used()
        except NotDone:
            return
        taken = [one for at in used if (one := engine.idle.pop(at.slot, None)) is not None]
        if len(taken) == 1:  # of two answers at once nobody could tell which had which
            tell(min(cached, taken[0].tokens))

    def _return(self, one: Kept) -> None:
        """Nobody waits for it."""
        spawn(self._given_back(one), name="a conversation was restored")

    async def _given_back(self, one: Kept) -> None:
        await self._worker.run(lambda: self._store.returned(one.id, restored=True))
        self._settle(one.id)

    def _settle(self, id_: str) -> None:
        async def settle() -> None:
            try:
                await self._worker.run(self._store.settle, id_)
            except OSError as error:
                log.info("a conversation will not outlive hal0: %s", error.strerror or error)

        spawn(settle(), name="put a conversation on the disk")

    def _tell(self) -> None:
        counts: Counter[str] = Counter()
        sizes: Counter[str] = Counter()
        for one in self._store.kept:
            counts[one.model] += 1
            sizes[one.model] += one.bytes
        self._publish(tuple(KeptStatus(model, counts[model], sizes[model]) for model in sorted(counts)))


async def _tasks(sequences: Sequences) -> dict[int, int]:
    try:
        return {one.slot: one.task for one in await sequences.used()}
    except NotDone:
        return {}
