"""Reads the memory exactly, for those who have to decide by it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from router.memory.measure.estimate import Estimator
from router.memory.measure.pools import Measured, MemorySource


class Meter:
    """Belongs to the loop; the source is read on a thread, never twice at a time.

    Attributes:
        last: what was found at the last look; None before the first.
    """

    def __init__(self, source: MemorySource) -> None:
        self.last: Measured | None = None
        self._source = source
        self._estimator = Estimator()
        self._reading = asyncio.Lock()

    async def measure(self, pids: Collection[int] = ()) -> Measured:
        """Return the current figures. `pids`: every engine there is."""
        async with self._reading:
            pools = await asyncio.to_thread(self._source.read, frozenset(pids))
        self.last = Measured(pools, tuple(self._estimator.fill(pools)))
        return self.last
