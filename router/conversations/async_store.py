"""The store as the loop uses it: on a thread of its own, and what nobody waits for is done in the background,
on another one where it takes as long as the disk does."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from router.base.tasks import spawn
from router.catalog.launch_files import looks
from router.config.schema import ConversationsConfig
from router.conversations.keeping import DISK_LEFT, Kept
from router.conversations.store import Store
from router.conversations.worker import Worker
from router.state import KeptStatus

log = logging.getLogger(__name__)


class AsyncStore:
    """Attributes:
    folder: where engines write.
    policy: what hal0.yaml allows now.
    """

    def __init__(self, folder: Path, policy: Callable[[], ConversationsConfig]) -> None:
        self.folder = folder
        self.policy = policy
        self._store = Store(folder, policy)
        self._worker = Worker("conversations")
        self._disk = Worker("conversations' disk")  # nothing else may wait for what it waits for
        self._going_on: set[asyncio.Task[None]] = set()

    @property
    def status(self) -> tuple[KeptStatus, ...]:
        counts: Counter[str] = Counter()
        sizes: Counter[str] = Counter()
        for one in self._store.kept:
            counts[one.model] += 1
            sizes[one.model] += one.bytes
        return tuple(KeptStatus(model, counts[model], sizes[model]) for model in sorted(counts))

    def has(self, owner: str) -> bool:
        return any(one.owner == owner for one in self._store.kept)

    def open(self) -> asyncio.Future[None]:
        """Open the store. Raises OSError."""
        return self._worker.run(self._store.open)

    def make_folder(self) -> asyncio.Future[None]:
        """Make it, if it is not there any more. Raises OSError."""
        return self._worker.run(self._store.make_folder)

    def prune(self) -> asyncio.Future[None]:
        return self._worker.run(self._store.prune)

    def forget(self, model: str | None) -> asyncio.Future[int]:
        return self._worker.run(self._store.forget, model)

    def begin(self, key: str, tokens: int) -> asyncio.Future[str]:
        """Begin a state; see `Store.begin`. Raises NoRoom, OSError."""
        return self._worker.run(self._store.begin, key, tokens)

    def discard(self, id_: str) -> asyncio.Future[None]:
        return self._worker.run(self._store.discard, id_)

    async def finish(self, one: Kept) -> None:
        """Make it restorable by the time this returns; soon after, it outlives hal0. Raises NoRoom, OSError."""
        finishing = self._worker.run(self._store.finish, one)
        self._behind(self._settle_after(finishing, one.id))
        await asyncio.shield(finishing)  # whoever waits may give up

    def lend(self, owner: str, key: str) -> asyncio.Future[list[Kept]]:
        return self._worker.run(self._store.lend, owner, key)

    def spoilt(self, one: Kept) -> asyncio.Future[None]:
        """Remove what an engine was lent and did not take."""
        return self._worker.run(lambda: self._store.returned(one.id, restored=False))

    def back(self, one: Kept) -> None:
        """Note that an engine has taken what it was lent, or was not given it: it is as good as before."""

        async def give_back() -> None:
            await self._worker.run(lambda: self._store.returned(one.id, restored=True))
            await self._settle(one.id)

        self._behind(give_back())

    def looks(self, argv: list[str]) -> asyncio.Future[tuple[tuple[str, int, int], ...]]:
        return self._worker.run(looks, argv)

    def too_much(self, id_: str) -> bool:
        """Return whether what an engine is writing must not grow any further. Blocking. Raises OSError."""
        size = self._store.part(id_).stat().st_size
        return size > self.policy().keep or shutil.disk_usage(self.folder).free < DISK_LEFT // 2

    async def close(self, seconds: float) -> None:
        """Have what was put here last reach the disk, within `seconds`."""
        if self._going_on:
            await asyncio.wait(self._going_on, timeout=seconds)
        await asyncio.gather(self._worker.close(seconds), self._disk.close(seconds))

    async def _settle_after(self, finishing: asyncio.Future[None], id_: str) -> None:
        await asyncio.wait([finishing])
        if finishing.exception() is None:  # else whoever waits is told
            await self._settle(id_)

    async def _settle(self, id_: str) -> None:
        try:
            about = await self._disk.run(self._store.flush, id_)
            await self._worker.run(self._store.settled, id_, about)
        except OSError as error:
            log.info("a conversation will not outlive hal0: %s", error.strerror or error)

    def _behind(self, work: Coroutine[Any, Any, None]) -> None:
        task = spawn(work, name="put a conversation on the disk")
        self._going_on.add(task)
        task.add_done_callback(self._going_on.discard)
