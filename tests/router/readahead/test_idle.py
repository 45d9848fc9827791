"""Guesses are read when nobody needs the computer, once for each load, and never against a person's will."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "linux":
    pytest.skip("the page cache is looked at as on Linux", allow_module_level=True)

from router.base.tasks import spawn
from router.catalog.model import Model
from router.config.schema import Kind
from router.readahead import ahead
from router.readahead.ahead import ReadAhead
from router.readahead.habits import HabitsFile
from router.readahead.idle import Computer, IdleReader, is_idle, look_at_computer
from router.readahead.predict import Asked
from router.readahead.reader import Done
from router.state import SlotState, SlotStatus, Snapshot, StateStore
from tests.engines.running import until
from tests.router.readahead.disk import cached, drop, make_file

NOW = 1_000_000.0
QUIET = Computer(cpu=3.0, on_battery=False)
READY = SlotStatus(
    "primary", Kind.CHAT, SlotState.READY, model="alpha", loaded=("alpha",), idle_since=NOW - 601
)
HABIT = tuple(Asked(("alpha", "beta")[number % 2], float(number), 12) for number in range(13))
"""alpha and beta in turn, alpha last."""


def test_idle_is_a_while_without_requests_on_a_quiet_computer_with_mains() -> None:
    def idle(*slots: SlotStatus, computer: Computer = QUIET) -> bool:
        return is_idle(Snapshot(slots=slots), computer, NOW)

    assert idle(READY) and idle() and idle(replace(READY, state=SlotState.UNLOADED, idle_since=None))
    assert not idle(READY, replace(READY, name="other", idle_since=NOW - 599))
    assert not idle(replace(READY, in_flight=1, idle_since=None))
    assert not idle(replace(READY, queued=1))
    assert not idle(replace(READY, state=SlotState.DRAINING))
    assert not idle(READY, computer=Computer(20.0, False))
    assert not idle(READY, computer=Computer(0.0, True))


def test_this_computer_can_be_looked_at() -> None:
    assert 0.0 <= look_at_computer().cpu <= 100.0


class Bench:
    """A computer that is idle, with the files of two models."""

    def __init__(self, folder: Path) -> None:
        self.store = StateStore()
        self.store.update(slots=(replace(READY, idle_since=time.time() - 601),))
        self.files = {name: make_file(folder / f"{name}.gguf", 12) for name in ("alpha", "beta")}
        models = {name: Model(name, Kind.CHAT, name, file=file) for name, file in self.files.items()}
        self.ahead = ReadAhead(self.store, lambda: models, lambda: False)
        self.allowed = True
        self.computer = QUIET
        self.file = HabitsFile(folder / "state" / "habits.json")
        self.idle = IdleReader(self.store, self.ahead, self.file, lambda: self.allowed, lambda: self.computer)

    def show(self, **changes: Any) -> None:
        (slot,) = self.store.snapshot.slots
        self.store.update(slots=(replace(slot, **changes),))

    def turn_to(self, model: str) -> None:
        """By a switch that takes no time."""
        self.show(state=SlotState.LOADING, target=model)
        self.show(state=SlotState.READY, target=None, model=model)

    async def look(self) -> None:
        """One look, and what it has read."""
        await self.idle.look()
        await until(lambda: not self.ahead.busy, "the guess to be read")

    def is_read(self) -> bool:
        return len(cached(self.files["beta"])) == 12


@asynccontextmanager
async def running(folder: Path, habits: tuple[Asked, ...] = HABIT) -> AsyncIterator[Bench]:
    bench = Bench(folder)
    bench.file.save({"primary": habits})
    reading = spawn(bench.ahead.run(), name="read ahead")
    end = await bench.idle.begin()
    yield bench
    end()
    reading.cancel()
    await asyncio.wait([reading])


async def test_what_is_likely_next_is_read_once_for_each_load(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        await bench.look()
        assert bench.is_read() and cached(bench.files["alpha"]) == []
        drop(bench.files["beta"])
        await bench.look()
        assert not bench.is_read()
        bench.turn_to("beta")
        bench.turn_to("alpha")
        await bench.look()
        assert bench.is_read(), "it was asked for again since"


async def test_what_was_cached_and_then_dropped_is_read_all_the_same(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.files["beta"].read_bytes()
        await bench.look()
        drop(bench.files["beta"])
        await bench.look()
        assert bench.is_read()


async def test_without_a_habit_nothing_is_read(tmp_path: Path) -> None:
    async with running(tmp_path, HABIT[-3:]) as bench:
        await bench.look()
        assert not bench.is_read()


@pytest.mark.parametrize("computer", [Computer(0.0, True), Computer(90.0, False)])
async def test_on_battery_or_at_work_nothing_is_read(tmp_path: Path, computer: Computer) -> None:
    async with running(tmp_path) as bench:
        bench.computer = computer
        await bench.look()
        assert not bench.is_read()
        bench.computer = QUIET
        await bench.look()
        assert bench.is_read()


async def test_a_request_ends_what_is_read_for_a_guess(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()

    def slow(_paths: object, _room: object, cancelled: threading.Event, *, idle: bool) -> Done:
        assert idle
        begun.set()
        cancelled.wait(20)
        ended.set()
        return Done(1, 2, 0.1)

    async with running(tmp_path) as bench:
        with monkeypatch.context() as patched:
            patched.setattr(ahead, "read_ahead", slow)
            await bench.idle.look()
            await until(begun.is_set, "the guess to be read")
            bench.show(in_flight=1)
            await until(ended.is_set, "its end")
            await until(lambda: not bench.ahead.busy, "its end")
        bench.show(in_flight=0)
        await bench.look()
        assert bench.is_read(), "the rest has its turn later"


async def test_what_slots_turn_to_is_remembered(tmp_path: Path) -> None:
    async with running(tmp_path, ()) as bench:
        bench.show(in_flight=1)
        bench.turn_to("beta")
        bench.turn_to("beta")
        bench.turn_to("alpha")
        await bench.look()
        assert [one.model for one in bench.file.load()["primary"]] == ["alpha", "beta", "alpha"]


async def test_who_does_not_want_it_is_not_remembered(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.allowed = False
        await bench.look()
        bench.turn_to("beta")
        await bench.look()
        assert bench.file.load() == {} and not bench.is_read()
