"""A log file that is full."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.base.log_file import LogFile

LIMIT = 200 * 1024
LINE = "x" * 1000


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LogFile]:
    handler = LogFile(tmp_path / "hal0.log", LIMIT, 2)
    yield handler
    handler.close()


def write(log: LogFile, first: int, count: int) -> list[str]:
    lines = [f"{number:06} {LINE}" for number in range(first, first + count)]
    for line in lines:
        log.handle(logging.LogRecord("x", logging.INFO, "", 0, line, None, None))
    return lines


def lines_in(folder: Path, *names: str) -> list[str]:
    return [line for name in names for line in (folder / name).read_text().splitlines()]


def test_it_keeps_two_older_ones(log: LogFile, tmp_path: Path) -> None:
    written = write(log, 0, 500)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["hal0.log", "hal0.log.1", "hal0.log.2"]
    assert lines_in(tmp_path, "hal0.log.2", "hal0.log.1", "hal0.log") == written
    assert all(file.stat().st_size <= LIMIT for file in tmp_path.iterdir())


def test_while_another_program_has_it_open_no_line_is_lost(log: LogFile, tmp_path: Path) -> None:
    """Windows does not let an open file be renamed."""
    written = write(log, 0, 250)
    with (tmp_path / "hal0.log").open("rb"):
        written += write(log, 250, 230)
    everything = lines_in(tmp_path, *(["hal0.log.2"] if (tmp_path / "hal0.log.2").exists() else []))
    assert everything + lines_in(tmp_path, "hal0.log.1", "hal0.log") == written


def test_afterwards_it_is_renamed_again(log: LogFile, tmp_path: Path) -> None:
    with (tmp_path / "hal0.log").open("rb"):
        write(log, 0, 250)
    write(log, 250, 250)
    assert (tmp_path / "hal0.log").stat().st_size <= LIMIT
    assert sorted(file.name for file in tmp_path.iterdir())[:2] == ["hal0.log", "hal0.log.1"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
def test_a_full_disk_is_told_once_and_again_after_there_was_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = LogFile(tmp_path / "hal0.log", LIMIT, 2)
    room, handler.stream = handler.stream, Path("/dev/full").open("w")  # noqa: SIM115
    write(handler, 0, 20)
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"{tmp_path / 'hal0.log'} cannot be written (No space left on device)" in told
    full, handler.stream = handler.stream, room
    write(handler, 20, 1)
    room.flush()
    assert lines_in(tmp_path, "hal0.log") == [f"{20:06} {LINE}"]
    handler.stream = full
    write(handler, 21, 5)
    assert capsys.readouterr().err.count("\n") == 1
    handler.stream = room
    handler.close()
    with pytest.raises(OSError):
        full.close()
