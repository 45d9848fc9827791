"""All records of requests in one place: kept, counted and published. Lives on the router's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from router.activity.database import Database, Query
from router.activity.keeper import Keeper
from router.activity.listing import Listing
from router.activity.record import FAILED, Body, Record
from router.activity.recording import Recording
from router.activity.switches import Switches
from router.activity.tallies import Tallies
from router.config.schema import ActivityConfig, Bodies
from router.state import StateStore

SETTLE_SECONDS: Final = 0.1
"""Seconds until a record reaches listeners; whoever asks for records has them made at once."""

TOGETHER: Final = 64
"""Requests whose records are made in one go: half a millisecond."""

T = TypeVar("T")


class Activity:
    """Attributes:
    tallies: what has been asked since the start.
    switches: what slots have done since the start.
    body_size: bytes to keep of each body of a new request.
    forgotten: records up to this id were deleted by a person since the start; 0: none were.
    open: requests that are not over.
    """

    def __init__(self, file: Path | None = None, config: ActivityConfig | None = None) -> None:
        """Keep records in `file`; None: nowhere."""
        self.tallies = Tallies()
        self.switches = Switches()
        self.body_size = 0
        self.forgotten = 0
        self.open = 0
        self._on_open: list[Callable[[], object]] = []
        self._config = config or ActivityConfig()
        self._file = file
        self._keeper: Keeper | None = None
        self._readers: list[Callable[[Record], object]] = []
        self._on_forgotten: list[Callable[[], object]] = []
        self._over: list[Recording] = []
        self._timer: asyncio.TimerHandle | None = None
        self._last_id = 0
        self._unsubscribe: Callable[[], None] | None = None

    @property
    def config(self) -> ActivityConfig:
        return self._config

    @property
    def lost(self) -> int:
        """Records that could not be kept."""
        return self._keeper.lost if self._keeper is not None else 0

    @property
    def problem(self) -> str | None:
        """One sentence on why records cannot be kept now."""
        return self._keeper.problem if self._keeper is not None else None

    def start(self, store: StateStore) -> None:
        self._unsubscribe = store.subscribe(self.switches.see)
        self.use(self._config)

    async def close(self) -> None:
        """Write what is left."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self._timer is not None:
            self._timer.cancel()
        self.settle()
        await self._close_keeper()

    def use(self, config: ActivityConfig) -> None:
        """Keep what `config` says from now on; with `keep: 0` also what was kept is forgotten."""
        self._config = config
        wanted = config.bodies is not Bodies.OFF and config.keep and self._file is not None
        self.body_size = config.body_size if wanted else 0
        if self._keeper is not None:
            self._keeper.use(config)
            if not config.keep:
                self.settle()
                self._forget(self._last_id)
        elif self._file is not None:
            self._keeper = Keeper(self._file, config)
            self._keeper.start()

    def begin(self) -> None:
        """Note that a request has come; `end` follows however it ends."""
        self.open += 1
        if self.open == 1:
            self._open_changed()

    def end(self, recording: Recording) -> None:
        """Note that the request is over, and do what follows from that soon, for many together: in a row it
        costs a quarter of what it would cost each of them on its way."""
        self.open -= 1
        if not self.open:
            self._open_changed()
        self._over.append(recording)
        if len(self._over) >= TOGETHER:
            self.settle()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._settle_later)

    def settle(self) -> None:
        """Make the records of all that are over, and hand them out."""
        over, self._over = self._over, []
        for recording in over:
            record = recording.done(self._last_id)
            self._last_id = record.id
            self.tallies.add(record)
            if self._keeper is not None and self._config.keep:
                self._keeper.put(record, self._body(recording))
            for tell in self._readers:
                tell(record)

    def _settle_later(self) -> None:
        self._timer = None
        self.settle()

    def subscribe(self, tell: Callable[[Record], object]) -> Callable[[], None]:
        """Call `tell` with each record until the returned function is called."""
        self._readers.append(tell)
        return lambda: self._readers.remove(tell)

    def when_open(self, tell: Callable[[], object]) -> None:
        """Call `tell` whenever the first request has come, or the last one ended."""
        self._on_open.append(tell)

    def _open_changed(self) -> None:
        for tell in self._on_open:
            tell()

    def when_forgotten(self, tell: Callable[[], object]) -> Callable[[], None]:
        """Call `tell` whenever `forgotten` has changed, until the returned function is called."""
        self._on_forgotten.append(tell)
        return lambda: self._on_forgotten.remove(tell)

    async def one(self, number: int) -> tuple[Record, Body | None] | None:
        return await self._ask(lambda database: database.one(number))

    async def listing(self, query: Query) -> Listing:
        """Return matching records, newest first, including those that ended just now, and how it stands with
        all of them."""
        asked = await self._ask(lambda database: (database.select(query), database.rows))
        found, kept = asked or ([], 0)
        return Listing(
            tuple(found),
            found[-1].id if len(found) == query.limit else None,
            self._config.keep,
            kept,
            self.lost,
            self.problem,
            self._config.bodies.value,
            self.forgotten,
        )

    async def clear(self) -> None:
        """Delete every record."""
        self.settle()
        seen = self._last_id  # also those that were only told
        self._forget(max(seen, await self._ask(lambda database: database.clear()) or 0))

    def _forget(self, number: int) -> None:
        self.forgotten = max(self.forgotten, number)
        for tell in self._on_forgotten:
            tell()

    def _body(self, recording: Recording) -> Body | None:
        bodies = self._config.bodies
        if bodies is Bodies.ALL or (bodies is Bodies.ERRORS and recording.outcome in FAILED):
            return recording.body()
        return None

    async def _ask(self, question: Callable[[Database], T]) -> T | None:
        self.settle()
        if self._keeper is None:
            return None
        return await asyncio.wrap_future(self._keeper.ask(question))

    async def _close_keeper(self) -> None:
        if self._keeper is not None:
            keeper, self._keeper = self._keeper, None
            await asyncio.to_thread(keeper.close)
