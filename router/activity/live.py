"""Records as they happen, for whoever listens."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from router.activity.record import Record

MOST: Final = 1000
"""Records that wait for a listener that does not read; beyond that the oldest are dropped."""


class Listener:
    """Attributes:
    came: set while there is something to take.
    missed: how many were dropped since the last `take`.
    """

    def __init__(self, within: tuple[str, ...] | None = None) -> None:
        """Wait for records of these slots; None: for all."""
        self._within = within
        self.came = asyncio.Event()
        self.missed = 0
        self._records: deque[Record] = deque()

    def add(self, record: Record) -> None:
        if self._within is not None and record.slot not in self._within:
            return
        if len(self._records) >= MOST:
            self._records.popleft()
            self.missed += 1
        self._records.append(record)
        self.came.set()

    def take(self) -> tuple[list[Record], int]:
        """Return what has come since, oldest first, and how many before that were missed."""
        records, missed = list(self._records), self.missed
        self._records.clear()
        self.missed = 0
        self.came.clear()
        return records, missed
