"""The file that records are kept in: SQLite, used by one thread (`router.activity.keeper`).

A write-ahead log keeps the file whole whenever hal0 is killed; what was committed stays. Rows are ordered by
their ids, which are times, so the oldest are a range at one end, which is cheap to delete.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from router.activity.record import FAILED, Body, Record
from router.config.schema import ActivityConfig

VERSION: Final = 1
"""Version of the tables; a file of another version is put aside."""

LOG_BYTES: Final = 4 << 20
"""Roughly what the write-ahead log may take beside the file; both together stay within the configured size."""

INDEXED_FROM: Final = 50_000
"""Number of rows from which a full scan takes longer than a person should wait. Indexes double the cost of a
row, so with fewer rows there are none."""

PAGE_BYTES: Final = 4096
_TYPES: Final = {int: "INTEGER", str: "TEXT", float: "REAL"}
_BY: Final = ("slot", "model", "client", "status")
_AT_ONCE: Final = 2000
"""How many rows too many may pile up before they are removed together."""
_STEPS: Final = (32, 8, 1)
"""Rows per statement: each statement lets go of the interpreter, and gets it back late when that is busy. There
are few sizes, as a statement of 32 rows takes 100 KB."""
_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Query:
    """Which records are asked for, newest first; what is None restricts nothing. `since` and `before` are ids,
    neither of them included. `client` is an address. `within`: only of these slots."""

    slot: str | None = None
    model: str | None = None
    client: str | None = None
    status: int | None = None
    failed: bool = False
    since: int | None = None
    before: int | None = None
    limit: int = 100
    within: tuple[str, ...] | None = None


class Unusable(Exception):
    """The file is not a database, is damaged, or belongs to another version."""


class Database:
    """An open file. Methods may raise sqlite3.Error; DatabaseError itself, or Unusable: the file is useless.

    Attributes:
        rows: how many there are.
    """

    def __init__(self, file: Path, config: ActivityConfig) -> None:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        file.chmod(0o600)  # its log gets the same mode
        self._db = sqlite3.connect(file, isolation_level=None, timeout=1.0)
        self._config = config
        self.rows = 0
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    def use(self, config: ActivityConfig) -> None:
        """Keep as much as `config` says from now on."""
        self._config = config
        self._bound()
        self._index()
        self.prune()

    def add(self, records: Sequence[Record], bodies: Sequence[tuple[int, Body]]) -> None:
        """Write all, or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            start = 0
            for step in _STEPS:
                while len(records) - start >= step:
                    part = records[start : start + step]
                    self._db.execute(_INSERTS[step], list(chain.from_iterable(part)))
                    start += step
            rows = ((number, body.request, body.answer) for number, body in bodies)
            self._db.executemany("INSERT OR REPLACE INTO bodies VALUES (?, ?, ?)", rows)
        except BaseException:
            self._db.rollback()
            raise
        self._db.execute("COMMIT")
        self.rows += len(records)

    def prune(self, now_us: int | None = None) -> None:
        """Take away what is too many, too old or too much. `now_us`: to look at ages, too."""
        keep = self._config.keep
        if (excess := self.rows - keep) > min(keep // 20, _AT_ONCE):
            self._remove(excess)
        if now_us is not None:
            self._remove_to(now_us - self._config.days * _DAY_US)
        while self.rows and self._used_pages() > self._most_pages() * 9 // 10:
            self.make_room()
        self._give_back()

    def make_room(self, part: int = 20) -> None:
        """Take away the oldest, one of `part`."""
        self._remove(max(1, self.rows // part))

    def clear(self) -> int:
        """Forget everything; of what it was, nothing is left in the file. Return the newest id there was, or
        0."""
        newest = self._db.execute("SELECT max(id) FROM requests").fetchone()[0]
        self._db.execute("DELETE FROM requests")
        self._db.execute("DELETE FROM bodies")
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.rows = 0
        return int(newest or 0)

    def select(self, query: Query) -> list[Record]:
        if query.within is not None:
            # Of one slot the index has them in the order of their ids, of several it has not.
            wanted = set(query.within) if query.slot is None else {query.slot}.intersection(query.within)
            each = [self.select(replace(query, slot=slot, within=None)) for slot in wanted]
            return sorted(chain.from_iterable(each), reverse=True)[: query.limit]
        where, values = _where(query)
        found = self._db.execute(
            f"SELECT * FROM requests {where} ORDER BY id DESC LIMIT ?",  # noqa: S608 - of fixed parts
            (*values, query.limit),
        )
        return [Record._make(row) for row in found]

    def one(self, number: int) -> tuple[Record, Body | None] | None:
        row = self._db.execute("SELECT * FROM requests WHERE id = ?", (number,)).fetchone()
        if row is None:
            return None
        body = self._db.execute("SELECT request, answer FROM bodies WHERE id = ?", (number,)).fetchone()
        return Record(*row), Body(*body) if body else None

    # -- the file ----------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        self._db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only takes effect before the first table
        self._db.execute("PRAGMA journal_mode = WAL")
        for setting in (
            "synchronous = NORMAL",  # a loss of power may cost the last seconds, never the file
            "cache_size = -256",
            "temp_store = MEMORY",
            f"journal_size_limit = {LOG_BYTES // 2}",
            f"wal_autocheckpoint = {LOG_BYTES // 4 // PAGE_BYTES}",
        ):
            self._db.execute(f"PRAGMA {setting}")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise Unusable(f"its tables are of version {version}")
        if version == 0:
            self._create()
        self._bound()
        self._index()
        self.rows = self._db.execute("SELECT count(*) FROM requests").fetchone()[0]

    def _create(self) -> None:
        columns = [f"{name} {_TYPES[kind]}" for name, kind in _columns()]
        columns[0] += " PRIMARY KEY"
        self._db.execute("BEGIN")
        self._db.execute(f"CREATE TABLE requests ({', '.join(columns)})")
        self._db.execute("CREATE TABLE bodies (id INTEGER PRIMARY KEY, request BLOB, answer BLOB)")
        self._db.execute(f"PRAGMA user_version = {VERSION}")
        self._db.execute("COMMIT")

    def _index(self) -> None:
        wanted = self._config.keep > INDEXED_FROM
        for name in _BY:
            self._db.execute(
                f"CREATE INDEX IF NOT EXISTS by_{name} ON requests ({name})"
                if wanted
                else f"DROP INDEX IF EXISTS by_{name}"
            )
        failed = f"CREATE INDEX IF NOT EXISTS failures ON requests (id) WHERE {_FAILED}"
        self._db.execute(failed if wanted else "DROP INDEX IF EXISTS failures")

    def _bound(self) -> None:
        self._db.execute(f"PRAGMA max_page_count = {self._most_pages()}")

    def _most_pages(self) -> int:
        return max(64, (self._config.size - LOG_BYTES) // PAGE_BYTES)

    def _used_pages(self) -> int:
        return int(self._pragma("page_count")) - int(self._pragma("freelist_count"))

    def _give_back(self) -> None:
        """Give back to the disk what has become free and is more than the next rows will take."""
        free = int(self._pragma("freelist_count"))
        if free > 512 and free > int(self._pragma("page_count")) // 4:
            self._db.execute("PRAGMA incremental_vacuum(2048)").fetchall()

    def _pragma(self, name: str) -> Any:
        return self._db.execute(f"PRAGMA {name}").fetchone()[0]

    def _remove(self, count: int) -> None:
        """Remove the `count` oldest rows."""
        found = "SELECT id FROM requests ORDER BY id LIMIT 1 OFFSET ?"
        row = self._db.execute(found, (count - 1,)).fetchone()
        self._remove_to(row[0] if row else (1 << 62))

    def _remove_to(self, number: int) -> None:
        """Remove all rows up to this id."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            gone = self._db.execute("DELETE FROM requests WHERE id <= ?", (number,)).rowcount
            self._db.execute("DELETE FROM bodies WHERE id <= ?", (number,))
        except BaseException:
            self._db.rollback()
            raise
        self._db.execute("COMMIT")
        self.rows -= max(0, gone)


_FAILED: Final = f"outcome IN ({', '.join(repr(str(outcome)) for outcome in sorted(FAILED))})"


def _columns() -> Iterator[tuple[str, type]]:
    """Yield names and types: `float | None` is written as REAL."""
    for name, hint in get_type_hints(Record).items():
        yield name, next(iter(get_args(hint)), hint)


def _insert(rows: int) -> str:
    places = f"({', '.join('?' * len(Record._fields))})"
    return f"INSERT OR REPLACE INTO requests VALUES {', '.join([places] * rows)}"  # noqa: S608 - of fixed parts


_INSERTS: Final = {step: _insert(step) for step in _STEPS}


def _where(query: Query) -> tuple[str, list[Any]]:
    tests: list[tuple[str, Any]] = [
        ("slot = ?", query.slot),
        ("model = ?", query.model),
        ("client = ?", query.client),
        ("status = ?", query.status),
        ("id > ?", query.since),
        ("id < ?", query.before),
    ]
    parts = [test for test, value in tests if value is not None]
    values = [value for _test, value in tests if value is not None]
    if query.failed:
        parts.append(_FAILED)
    return f"WHERE {' AND '.join(parts)}" if parts else "", values
