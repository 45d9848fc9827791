"""All records of requests, as one thing: kept, counted and told. Lives on the router's loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from router.activity.database import Database, Query
from router.activity.keeper import Keeper
from router.activity.live import Listener
from router.activity.record import FAILED, Body, Outcome, Record
from router.activity.recording import Recording
from router.activity.switches import Switches
from router.activity.tallies import Tallies
from router.config.schema import ActivityConfig, Bodies
from router.state import StateStore

T = TypeVar("T")


class Activity:
    """Attributes:
    tallies: what has been asked since the start.
    switches: what slots have done since the start.
    """

    def __init__(self, file: Path | None = None, config: ActivityConfig | None = None) -> None:
        """`file`: where records are kept; None: nowhere."""
        self.tallies = Tallies()
        self.switches = Switches()
        self._config = config or ActivityConfig()
        self._file = file
        self._keeper: Keeper | None = None
        self._listeners: list[Listener] = []
        self._last_id = 0
        self._unsubscribe: Callable[[], None] | None = None

    @property
    def config(self) -> ActivityConfig:
        return self._config

    @property
    def body_size(self) -> int:
        """Bytes to keep of each body of a request that comes now."""
        return 0 if self._config.bodies is Bodies.OFF or self._keeper is None else self._config.body_size

    @property
    def lost(self) -> int:
        """Records that could not be kept."""
        return self._keeper.lost if self._keeper is not None else 0

    @property
    def problem(self) -> str | None:
        """One sentence why records cannot be kept now."""
        return self._keeper.problem if self._keeper is not None else None

    def start(self, store: StateStore) -> None:
        self._unsubscribe = store.subscribe(self.switches.see)
        self.use(self._config)

    async def close(self) -> None:
        """Write what is left."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        await self._close_keeper()

    def use(self, config: ActivityConfig) -> None:
        """Keep what `config` says from now on; with `keep: 0` also what was kept is forgotten."""
        self._config = config
        if self._keeper is not None:
            self._keeper.use(config)
        elif self._file is not None:
            self._keeper = Keeper(self._file, config)
            self._keeper.start()

    def end(self, recording: Recording, status: int, outcome: Outcome) -> Record:
        """The request is over."""
        self._last_id = number = max(self._last_id + 1, time.time_ns() // 1000)
        record = recording.done(number, status, outcome)
        self.tallies.add(record)
        if self._keeper is not None and self._config.keep:
            self._keeper.put(record, self._body(recording, outcome))
        for listener in self._listeners:
            listener.add(record)
        return record

    def listen(self) -> Listener:
        """Until `leave`."""
        listener = Listener()
        self._listeners.append(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        self._listeners.remove(listener)

    async def select(self, query: Query) -> list[Record]:
        """Newest first; also those that ended just now."""
        return await self._ask(lambda database: database.select(query)) or []

    async def one(self, number: int) -> tuple[Record, Body | None] | None:
        return await self._ask(lambda database: database.one(number))

    async def kept(self) -> int:
        return await self._ask(lambda database: database.rows) or 0

    async def clear(self) -> None:
        await self._ask(lambda database: database.clear())

    def _body(self, recording: Recording, outcome: Outcome) -> Body | None:
        bodies = self._config.bodies
        if bodies is Bodies.ALL or (bodies is Bodies.ERRORS and outcome in FAILED):
            return recording.body()
        return None

    async def _ask(self, question: Callable[[Database], T]) -> T | None:
        if self._keeper is None:
            return None
        return await asyncio.wrap_future(self._keeper.ask(question))

    async def _close_keeper(self) -> None:
        if self._keeper is not None:
            keeper, self._keeper = self._keeper, None
            await asyncio.to_thread(keeper.close)
