"""Real files are really read into the page cache, as far as there is room and nobody says stop."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import psutil
import pytest

if sys.platform != "linux":
    pytest.skip("the page cache is looked at as on Linux", allow_module_level=True)

from router.platforms import page_cache
from router.readahead.plan import BLOCK
from router.readahead.reader import Done, look, read_ahead
from tests.router.readahead.disk import cached, drop, make_file

ENOUGH = 1 << 40


def read(*paths: Path, room: int = ENOUGH, idle: bool = False) -> Done:
    """On a thread of its own, as its priority stays lowered."""
    found: list[Done] = []
    cancelled = threading.Event()
    thread = threading.Thread(
        target=lambda: found.append(read_ahead(paths, lambda: room, cancelled, idle=idle))
    )
    thread.start()
    thread.join()
    return found[0]


def test_files_are_cached_afterwards(tmp_path: Path) -> None:
    one, other = make_file(tmp_path / "one", 20, beyond=77), make_file(tmp_path / "other", 3)
    assert cached(one) == cached(other) == []
    done = read(one, other)
    assert (done.read, done.wanted) == (23 * BLOCK + 77, 23 * BLOCK + 77)
    assert cached(one) == list(range(21)) and cached(other) == [0, 1, 2]
    assert read(one, other).wanted == 0, "it is cached already"


def test_only_the_beginning_where_there_is_no_more_room(tmp_path: Path) -> None:
    file = make_file(tmp_path / "file", 40)
    assert read(file, room=8 * BLOCK).read == 8 * BLOCK
    found = cached(file)
    # The kernel itself may have read a little on: it does for everybody who reads in order.
    assert found[:8] == list(range(8)) and len(found) <= 8 + 16


def test_what_is_cached_is_not_read_again(tmp_path: Path) -> None:
    file = make_file(tmp_path / "file", 64)
    with file.open("rb") as whole:
        whole.read(8 * BLOCK)
    before = len(cached(file))
    assert 8 <= before < 64
    # The kernel may still be reading on behind what was asked for.
    assert 0 < read(file).read <= (64 - before) * BLOCK


def test_it_ends_between_two_blocks_when_it_is_told_to(tmp_path: Path) -> None:
    file = make_file(tmp_path / "file", 200)
    cancelled = threading.Event()
    asked: list[int] = []

    def room() -> int:
        asked.append(1)
        if len(asked) == 2:  # asked again after some 64 blocks
            cancelled.set()
        return ENOUGH

    found: list[Done] = []
    thread = threading.Thread(target=lambda: found.append(read_ahead([file], room, cancelled)))
    thread.start()
    thread.join()
    assert 60 * BLOCK <= found[0].read <= 66 * BLOCK
    assert len(cached(file)) < 120


def test_it_ends_when_others_have_taken_the_room(tmp_path: Path) -> None:
    file = make_file(tmp_path / "file", 200)
    answers = iter([ENOUGH, 0])
    found: list[Done] = []
    thread = threading.Thread(
        target=lambda: found.append(read_ahead([file], lambda: next(answers), threading.Event()))
    )
    thread.start()
    thread.join()
    assert 60 * BLOCK <= found[0].read < 66 * BLOCK


def test_files_that_are_not_there_or_empty_are_left_out(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    file = make_file(tmp_path / "file", 2)
    assert look(tmp_path / "none") is None and look(tmp_path) is None
    assert read(tmp_path / "none", empty, file).read == 2 * BLOCK


@pytest.mark.parametrize(("idle", "priority"), [(False, (2, 7)), (True, (3, 0))])
def test_only_the_thread_that_reads_goes_behind_others(
    tmp_path: Path, idle: bool, priority: tuple[int, int]
) -> None:
    told: list[tuple[int, int]] = []

    def room() -> int:
        io = psutil.Process(threading.get_native_id()).ionice()
        told.append((int(io.ioclass), io.value))
        return 0

    before = psutil.Process().ionice(), psutil.Process().nice()
    file = make_file(tmp_path / "file", 1)
    thread = threading.Thread(target=lambda: read_ahead([file], room, threading.Event(), idle=idle))
    thread.start()
    thread.join()
    assert told == [priority]
    assert (psutil.Process().ionice(), psutil.Process().nice()) == before


def test_of_files_of_others_it_is_found_out_by_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not own them is told by mincore that all is cached."""
    monkeypatch.setattr(page_cache, "_may_ask", lambda _fd: False)
    file = make_file(tmp_path / "file", 30)
    seen = look(file)
    assert seen is not None and all(seen.missing)
    drop(file)
    assert read(file).read == 30 * BLOCK
    again = look(file)
    assert again is not None and not any(again.missing)
