"""Gives a ready engine what its model had read."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from router.conversations.async_store import AsyncStore
from router.conversations.engine import Engine
from router.conversations.keeping import Kept
from router.conversations.sequences import Moved, NotDone

log = logging.getLogger(__name__)

RESTORE_SECONDS: Final = 30.0
"""An engine that is still reading then is ended, and started again without."""


async def restore(store: AsyncStore, engine: Engine) -> None:
    """Restore all that is kept for it, as far as it has sequences. Raises NotDone, OSError, TimeoutError, with
    nothing lost; if its process dies of what it is given, nothing is left of that."""
    async with asyncio.timeout(RESTORE_SECONDS):
        key, slots = await engine.key()
    lent = await store.lend(engine.owner, key)
    free = list(range(slots))
    try:
        while lent and free and not engine.process.exited.done():
            one = lent.pop(0)
            at = one.slot if one.slot in free else free[0]
            free.remove(at)
            if await _restored(store, engine, one, at):
                engine.idle[at] = one
    finally:
        for one in lent:
            store.back(one)


async def _restored(store: AsyncStore, engine: Engine, one: Kept, at: int) -> bool:
    try:
        async with asyncio.timeout(RESTORE_SECONDS):
            moved = await engine.sequences.restore(at, f"{one.id}.state")
        if moved != Moved(one.tokens, one.bytes):
            raise NotDone("it came back as another one")
    except (NotDone, TimeoutError) as error:
        why = str(error) or f"not done within {RESTORE_SECONDS:g} s"
        log.warning("slot %s: a conversation cannot be restored and is removed: %s", engine.slot, why)
        if not (isinstance(error, NotDone) and error.refused):
            engine.process.kill()  # nobody knows what it has read
            await asyncio.wait([engine.process.exited], timeout=RESTORE_SECONDS)
        await store.spoilt(one)
        return False
    except asyncio.CancelledError:  # whoever waits for the engine gives up
        store.back(one)
        raise
    store.back(one)
    return True
