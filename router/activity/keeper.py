"""Keeps records on disk, from a thread of its own: no fault of the disk reaches a request."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from router.activity.database import Database, Unusable
from router.activity.record import Body, Record
from router.config.schema import ActivityConfig

log = logging.getLogger(__name__)

GATHER_SECONDS: Final = 0.5
"""Seconds of records that a kill costs at most; rows written together cost a third."""

MOST_WAITING: Final = 20_000
"""Records that may wait for the disk; any beyond that are lost, and counted."""

MOST_BODY_BYTES: Final = 8 << 20
"""Bytes of bodies that may wait; records that come beyond that are kept without."""

_AGES_SECONDS: Final = 600.0
_TRIES: Final = 4
_PART: Final = 512  # records per transaction, so that a query never waits long

T = TypeVar("T")


class Keeper:
    """Attributes:
    lost: records that could not be kept since the start.
    problem: one sentence on why they cannot be kept now; None while all is well.
    """

    def __init__(self, file: Path, config: ActivityConfig) -> None:
        self.lost = 0
        self.problem: str | None = None
        self._file = file
        self._config = config
        self._waiting: deque[Record] = deque()
        self._bodies: deque[tuple[int, Body]] = deque()
        # Bytes of bodies put and taken: each is counted by one thread alone.
        self._put_bytes = self._taken_bytes = 0
        self._orders: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._database: Database | None = None
        self._ages_due = 0.0
        self._thread = threading.Thread(target=self._run, name="activity", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Write what waits, and end. Blocks; nothing may be put any more."""
        if self._thread.is_alive():
            self._orders.put(None)
            self._thread.join()

    # -- what the router's loop calls --------------------------------------------------------------------

    def put(self, record: Record, body: Body | None) -> None:
        """Queue `record` for writing; return at once."""
        waiting = self._waiting
        if len(waiting) >= MOST_WAITING:
            self.lost += 1
            return
        if body is not None and self._put_bytes - self._taken_bytes < MOST_BODY_BYTES:
            self._put_bytes += len(body.request) + len(body.answer)
            self._bodies.append((record.id, body))
        waiting.append(record)
        if len(waiting) == 1:
            self._orders.put(_nothing)  # the thread sleeps while there is nothing to write

    def ask(self, question: Callable[[Database], T]) -> Future[T | None]:
        """Return what `question` finds once everything queued has been written; None where the file is of no
        use."""
        answer: Future[T | None] = Future()

        def run() -> None:
            if not answer.set_running_or_notify_cancel():
                return
            self._write()
            found: list[T] = []
            self._guarded(lambda database: found.append(question(database)))
            answer.set_result(found[0] if found else None)

        self._orders.put(run)
        return answer

    def use(self, config: ActivityConfig) -> None:
        """Keep what `config` says from now on."""

        def run() -> None:
            self._config = config
            self._guarded(lambda database: database.use(config))

        self._orders.put(run)

    # -- the thread --------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._guarded(lambda _database: None)  # creates it, and counts its rows
        due: float | None = None
        while True:
            timeout = None if due is None else max(0.0, due - time.monotonic())
            try:
                order = self._orders.get(timeout=timeout)
            except queue.Empty:
                due = None
                self._write()
                continue
            if order is None:
                break
            order()
            if self._waiting and due is None:
                due = time.monotonic() + GATHER_SECONDS
        self._write()
        if self._database is not None:
            with suppress(sqlite3.Error):  # what was committed is safe without it
                self._database.close()

    def _write(self) -> None:
        while self._waiting:
            records = _taken(self._waiting, _PART)
            last = records[-1].id
            bodies = []
            while self._bodies and self._bodies[0][0] <= last:
                number, body = self._bodies.popleft()
                self._taken_bytes += len(body.request) + len(body.answer)
                bodies.append((number, body))
            if not self._guarded(lambda db, r=records, b=bodies: self._add(db, r, b)):  # type: ignore[misc]
                self.lost += len(records)

    def _add(self, database: Database, records: list[Record], bodies: list[tuple[int, Body]]) -> None:
        for left in range(_TRIES, -1, -1):
            try:
                database.add(records, bodies)
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_FULL or not left:
                    raise
            database.make_room(4)  # the bound, or the disk: either way the oldest go
        now = time.monotonic()
        ages = now >= self._ages_due
        database.prune(time.time_ns() // 1000 if ages else None)
        if ages:
            self._ages_due = now + _AGES_SECONDS

    def _guarded(self, use: Callable[[Database], object]) -> bool:
        """Do `use`, and return whether that worked. A file that is of no use is put aside and done without;
        after any other fault it is tried again with the next records."""
        for _attempt in range(2):
            try:
                if self._database is None:
                    self._database = Database(self._file, self._config)
                use(self._database)
            except (sqlite3.Error, OSError, Unusable) as error:
                self._forget()
                if _is_damage(error):
                    self._put_aside(error)
                    continue
                self._tell(f"Requests cannot be recorded in {self._file} ({error}); what is asked is answered.")
                return False
            except Exception:
                log.exception("bug while recording requests")  # and the thread goes on
                return False
            self._tell(None)
            return True
        return False

    def _forget(self) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None

    def _put_aside(self, error: Exception) -> None:
        """Put the file aside; an older one that was put aside goes."""
        aside = self._file.with_name(self._file.name + ".damaged")
        try:
            self._file.replace(aside)
            for end in ("-wal", "-shm"):
                self._file.with_name(self._file.name + end).unlink(missing_ok=True)
        except OSError as why:
            log.warning("the damaged %s cannot be put aside: %s", self._file, why)
            return
        log.warning("the record of requests was damaged (%s); it is now %s, and a new one begins", error, aside)

    def _tell(self, problem: str | None) -> None:
        if problem is not None and self.problem is None:
            log.warning("%s", problem)
        elif problem is None and self.problem is not None:
            log.info("requests are recorded again; %d were not", self.lost)
        self.problem = problem


def _nothing() -> None:
    """Do nothing: being called wakes the thread."""


def _taken(waiting: deque[Record], most: int) -> list[Record]:
    taken = []
    with suppress(IndexError):
        for _ in range(most):
            taken.append(waiting.popleft())  # noqa: PERF401 - the deque may grow meanwhile
    return taken


def _is_damage(error: Exception) -> bool:
    """Return whether the file is what is wrong, rather than the disk it is on."""
    if isinstance(error, Unusable):
        return True
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
