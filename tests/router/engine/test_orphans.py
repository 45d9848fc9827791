"""Engines of a hal0 that is gone: real processes, and a file that may hold anything."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from router.base.files import write_atomic
from router.engine.orphans import Orphans

WAITS = "import sys; print('up', flush=True); sys.stdin.read()"
WITH_HELPER = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {WAITS!r}]); {WAITS}"

Run = Callable[[str], "psutil.Process"]


@pytest.fixture
def run() -> Iterator[Run]:
    """`run(code)`: a process that waits for the end of its stdin."""
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str = WAITS) -> psutil.Process:
        argv = [sys.executable, "-I", "-S", "-c", code]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None and process.stdout.readline().strip() == b"up"
        return psutil.Process(process.pid)

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "engines.json"


def entry(engine: psutil.Process, owner: psutil.Process) -> list[float]:
    return [engine.pid, engine.create_time(), owner.pid, owner.create_time()]


def test_an_engine_whose_owner_is_gone_is_ended_with_its_helpers(run: Run, file: Path) -> None:
    engine, owner = run(WITH_HELPER), run(WAITS)
    helpers = engine.children()
    write_atomic(file, json.dumps([entry(engine, owner)]).encode())
    assert Orphans(file).reap() == 0, "its owner lives"
    owner.kill()
    owner.wait(10)
    assert Orphans(file).reap() == 1
    _gone, alive = psutil.wait_procs([engine, *helpers], timeout=10)
    assert len(helpers) == 1 and not alive
    assert json.loads(file.read_bytes()) == []


def test_an_engine_of_a_living_hal0_is_left_alone(run: Run, file: Path) -> None:
    engine = run(WAITS)
    orphans = Orphans(file)
    orphans.note(engine.pid)
    assert orphans.reap() == 0 and engine.is_running()
    orphans.forget(engine.pid)
    assert json.loads(file.read_bytes()) == []


def test_another_process_with_the_same_number_is_left_alone(run: Run, file: Path) -> None:
    """Process ids are used again; the start time tells them apart."""
    engine, owner = run(WAITS), run(WAITS)
    pid, started, *rest = entry(engine, owner)
    owner.kill()
    owner.wait(10)
    write_atomic(file, json.dumps([[pid, started - 60, *rest]]).encode())
    assert Orphans(file).reap() == 0 and engine.is_running()


def test_noting_a_process_that_is_gone_notes_nothing(run: Run, file: Path) -> None:
    engine = run(WAITS)
    engine.kill()
    engine.wait(10)
    Orphans(file).note(engine.pid)
    assert not file.exists()


@pytest.mark.parametrize(
    "text",
    ["", "{", "{}", "null", "[1, 2]", "[[1, 2, 3]]", '[["1", 2, 3, 4]]', "[[-5, 1, 7, 1]]", "[[1.5, 1, 2, 1]]"],
)
def test_a_damaged_file_is_no_obstacle(run: Run, file: Path, text: str) -> None:
    write_atomic(file, text.encode())
    orphans = Orphans(file)
    assert orphans.reap() == 0
    engine = run(WAITS)
    orphans.note(engine.pid)
    assert [e[0] for e in json.loads(file.read_bytes())] == [engine.pid]


def test_engines_that_start_at_once_are_all_noted(run: Run, file: Path) -> None:
    engines = [run(WAITS) for _ in range(6)]
    orphans = Orphans(file)
    threads = [threading.Thread(target=orphans.note, args=[engine.pid]) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {e[0] for e in json.loads(file.read_bytes())} == {engine.pid for engine in engines}


def test_a_file_that_cannot_be_written_fails_no_launch(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    orphans = Orphans(tmp_path / "state" / "engines.json")
    orphans.note(run(WAITS).pid)
    assert "could not be saved" in caplog.text
