"""Records on a disk that is well, full, damaged, taken away, or written to while hal0 is killed."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from router.activity.database import LOG_BYTES, PAGE_BYTES, VERSION, Database, Query
from router.activity.keeper import MOST_BODY_BYTES, MOST_WAITING, Keeper
from router.activity.record import Body, Record
from router.config.schema import ActivityConfig
from tests.modes import is_private
from tests.router.activity.records import record

Make = Callable[..., Keeper]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "activity.db"


@pytest.fixture
def make(file: Path) -> Iterator[Make]:
    made: list[Keeper] = []

    def build(start: bool = True, **config: int) -> Keeper:
        keeper = Keeper(file, ActivityConfig(**config))  # type: ignore[arg-type]
        made.append(keeper)
        if start:
            keeper.start()
        return keeper

    yield build
    for keeper in made:
        keeper.close()


def select(keeper: Keeper, **query: object) -> list[Record]:
    return keeper.ask(lambda database: database.select(Query(**query))).result(20) or []  # type: ignore[arg-type]


def put(keeper: Keeper, *records: Record) -> None:
    for one in records:
        keeper.put(one, None)


def test_what_was_put_is_found_at_once_and_after_a_restart(make: Make, file: Path) -> None:
    keeper = make()
    one = record(asked="ünïcode", tokens_per_second=None, error='It\'s "quoted".')
    put(keeper, one)
    assert select(keeper) == [one]
    keeper.close()
    assert select(make()) == [one]
    assert is_private(file)


def test_its_log_is_as_private(make: Make, file: Path) -> None:
    keeper = make()
    put(keeper, record())
    assert select(keeper)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert len(modes) > 1 and set(modes.values()) == {0o600}, modes


def test_filters_and_pages(make: Make) -> None:
    keeper = make()
    failed = {"status": 404, "outcome": "refused", "code": "model.not_found", "model": ""}
    rows = [record(slot="a", client=f"10.0.0.{n % 3}", **(failed if n % 4 == 0 else {})) for n in range(40)]
    put(keeper, *rows)
    newest = rows[::-1]
    assert select(keeper) == newest
    assert select(keeper, limit=7) == newest[:7]
    assert select(keeper, limit=7, before=newest[6].id) == newest[7:14]
    assert select(keeper, since=rows[30].id) == newest[:9]
    assert select(keeper, failed=True) == [row for row in newest if row.status == 404]
    assert select(keeper, status=404, client="10.0.0.0") == [
        row for row in newest if row.status == 404 and row.client == "10.0.0.0"
    ]
    assert select(keeper, slot="b") == select(keeper, model="x' OR 1=1 --") == []


def test_bodies_are_kept_beside(make: Make) -> None:
    keeper = make()
    with_body, without = record(), record()
    keeper.put(with_body, Body(b"\xff\0", b"said"))
    keeper.put(without, None)
    found = keeper.ask(lambda database: (database.one(with_body.id), database.one(without.id))).result(20)
    assert found == ((with_body, Body(b"\xff\0", b"said")), (without, None))


def test_only_so_many_are_kept(make: Make) -> None:
    keeper = make(keep=1000)
    rows = [record() for _ in range(3000)]
    put(keeper, *rows)
    found = select(keeper, limit=5000)
    assert found == rows[::-1][: len(found)] and 1000 <= len(found) <= 1050
    keeper.use(ActivityConfig(keep=10))
    assert select(keeper, limit=5000) == rows[::-1][:10]


def test_what_is_old_is_forgotten(make: Make) -> None:
    now = time.time_ns() // 1000
    day = 86_400_000_000
    keeper = make(days=2)
    old, new = record(id=now - 3 * day), record(id=now - day)
    put(keeper, old, new)
    assert select(keeper) == [new]


def test_the_file_stays_within_its_size(make: Make, file: Path) -> None:
    """Also with bodies, and also its log."""
    size = 16 << 20
    keeper = make(size=size, keep=1_000_000)
    rows = [record() for _ in range(600)]
    for start in range(0, 600, 50):
        for one in rows[start : start + 50]:
            keeper.put(one, Body(os.urandom(60_000), b""))
        assert select(keeper, limit=1)
        assert sum(path.stat().st_size for path in file.parent.iterdir()) <= size
    found = select(keeper, limit=1000)
    assert found == rows[::-1][: len(found)] and 50 < len(found) < 600
    assert keeper.lost == 0


def test_everything_is_forgotten_when_asked(make: Make, file: Path) -> None:
    keeper = make()
    keeper.put(record(asked="a secret name"), Body(b"a secret question", b""))
    keeper.ask(lambda database: database.clear()).result(20)
    assert select(keeper) == []
    assert all(b"a secret" not in path.read_bytes() for path in file.parent.iterdir())


# -- what goes wrong -----------------------------------------------------------------------------------------


def test_a_damaged_file_is_put_aside_and_said_once(
    make: Make, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_bytes(b"this is no database at all, " * 1000)
    keeper = make()
    rows = [record(), record()]
    put(keeper, rows[0])
    assert select(keeper) == [rows[0]] and keeper.lost == 0
    put(keeper, rows[1])
    assert select(keeper) == rows[::-1]
    assert file.with_name("activity.db.damaged").read_bytes().startswith(b"this is no database")
    assert len(caplog.messages) == 1 and "activity.db.damaged" in caplog.text


def test_a_file_that_is_damaged_in_its_middle_is_put_aside(make: Make, file: Path) -> None:
    first = make()
    put(first, *(record() for _ in range(2000)))
    assert select(first, limit=1)
    first.close()
    raw = bytearray(file.read_bytes())
    raw[PAGE_BYTES * 2 :] = os.urandom(len(raw) - PAGE_BYTES * 2)
    file.write_bytes(raw)
    keeper = make()
    newest = record(id=1 << 52)
    put(keeper, newest)
    assert select(keeper, limit=5) == [newest]
    assert file.with_name("activity.db.damaged").exists()


def test_a_file_of_another_version_is_put_aside(make: Make, file: Path) -> None:
    with sqlite3.connect(file) as other:
        other.execute(f"PRAGMA user_version = {VERSION + 1}")
    other.close()
    keeper = make()
    put(keeper, one := record())
    assert select(keeper) == [one] and file.with_name("activity.db.damaged").exists()


def test_where_there_is_no_file_to_be_had_records_are_lost_and_counted(
    make: Make, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.mkdir()
    keeper = make()
    put(keeper, record(), record())
    assert select(keeper) == [] and keeper.lost == 2
    assert keeper.problem is not None and "cannot be recorded" in keeper.problem
    put(keeper, record())
    assert select(keeper) == [] and keeper.lost == 3
    assert caplog.text.count("cannot be recorded") == 1
    file.rmdir()
    put(keeper, one := record())
    assert select(keeper) == [one] and keeper.problem is None and keeper.lost == 3


def test_a_file_that_is_taken_away_is_made_anew(make: Make, file: Path) -> None:
    keeper = make()
    put(keeper, record())
    assert select(keeper)
    for path in file.parent.iterdir():
        path.unlink()
    put(keeper, record())  # SQLite notices by itself, and calls the file read-only
    select(keeper)
    put(keeper, one := record())
    assert one in select(keeper)


FULL = """
import resource, sys
from pathlib import Path
from router.activity.database import Query
from router.activity.keeper import Keeper
from router.config.schema import ActivityConfig
from tests.router.activity.records import record

keeper = Keeper(Path(sys.argv[1]), ActivityConfig())
keeper.start()
keeper.put(record(), None)
assert len(keeper.ask(lambda db: db.select(Query())).result(20)) == 1
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
for _ in range(500):
    keeper.put(record(), None)
keeper.ask(lambda db: 0).result(20)
lost = keeper.lost
assert lost == 500, lost
assert keeper.problem, "nobody is told"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
keeper.put(record(), None)
assert len(keeper.ask(lambda db: db.select(Query())).result(20)) == 2
assert keeper.problem is None and keeper.lost == 500
keeper.close()
print("well")
"""


def test_a_full_disk_costs_the_records_and_nothing_else(file: Path) -> None:
    """Files may not grow, as on a full disk; then they may again."""
    done = subprocess.run([sys.executable, "-c", FULL, str(file)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "well\n", done.stderr


def test_a_full_file_makes_room_by_itself(file: Path) -> None:
    database = Database(file, ActivityConfig(size=LOG_BYTES + 80 * PAGE_BYTES))
    for _ in range(40):
        batch = [record(error="x" * 400) for _ in range(20)]
        try:
            database.add(batch, [])
        except sqlite3.OperationalError as error:
            assert error.sqlite_errorcode == sqlite3.SQLITE_FULL
            database.make_room()
    assert 0 < database.rows < 800
    database.close()


def test_a_disk_that_stands_still_costs_no_memory_without_end(make: Make) -> None:
    keeper = make(start=False)  # nobody takes anything
    for _ in range(MOST_WAITING):
        keeper.put(record(), Body(b"x" * 1000, b""))
    put(keeper, record(), record())
    assert keeper.lost == 2
    assert len(keeper._bodies) * 1000 <= MOST_BODY_BYTES + 1000


KILLED = """
import sys, time
from pathlib import Path
from router.activity.keeper import Keeper
from router.config.schema import ActivityConfig
from tests.router.activity.records import record

keeper = Keeper(Path(sys.argv[1]), ActivityConfig(keep=1_000_000))
keeper.start()
while True:
    for _ in range(20):
        now = time.time_ns() // 1000
        keeper.put(record(id=now), None)
        print(now, flush=True)
    time.sleep(0.01)
"""


@pytest.mark.parametrize("seconds", [1.3, 1.9])
def test_a_kill_costs_at_most_the_last_second(file: Path, make: Make, seconds: float) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert writer.stdout is not None
    put_ids = [int(writer.stdout.readline())]
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        put_ids.append(int(writer.stdout.readline()))
    writer.kill()
    rest, _ = writer.communicate()
    put_ids += [int(line) for line in rest.split(b"\n")[:-1]]
    found = {row.id for row in select(make(), limit=1_000_000)}
    lost = [number for number in put_ids if number not in found]
    assert found and all(number > put_ids[-1] - 1_000_000 for number in lost), len(lost)
    assert not file.with_name("activity.db.damaged").exists()
