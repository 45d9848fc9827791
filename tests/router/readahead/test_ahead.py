"""What is read when: switches in their order, then what a person may want; and no longer than that."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable
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
from router.readahead import ahead as module
from router.readahead.ahead import ReadAhead
from router.readahead.plan import BLOCK
from router.readahead.wanted import Wanted, wanted_by
from router.state import Progress, SlotState, SlotStatus, Snapshot, StateStore
from tests.engines.running import until
from tests.router.readahead.disk import cached, drop, make_file

REST = SlotStatus("primary", Kind.CHAT, SlotState.READY, model="alpha", loaded=("alpha",))
DRAINS = replace(
    REST, state=SlotState.DRAINING, target="beta", progress=Progress(SlotState.DRAINING, None, 100.0)
)


class Bench:
    """A store, real files of models, and who reads them ahead."""

    def __init__(self, files: dict[str, Path]) -> None:
        self.store = StateStore()
        self.store.update(slots=(REST,))
        self.files = files
        self.allowed = True
        self.models = {name: Model(name, Kind.CHAT, name, file=file) for name, file in self.files.items()}
        self.ahead = ReadAhead(self.store, lambda: self.models, lambda: self.allowed)

    def show(self, *slots: SlotStatus) -> None:
        self.store.update(slots=slots)

    async def until_read(self, name: str) -> None:
        await seen(lambda: len(cached(self.files[name])) == 12)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Bench]:
    names = ("alpha", "beta", "gamma")
    bench = Bench({name: make_file(folder / f"{name}.gguf", 12) for name in names})
    task = spawn(bench.ahead.run(), name="read ahead")
    await asyncio.sleep(0)
    yield bench
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("state", [s for s in SlotState if s.switching])
def test_every_phase_of_a_switch_wants_its_target(state: SlotState) -> None:
    assert wanted_by(Snapshot(slots=(replace(DRAINS, state=state),))) == (Wanted("beta", "primary", 100.0),)


def test_slots_at_rest_and_those_that_empty_want_nothing() -> None:
    empties = replace(DRAINS, target=None)
    assert wanted_by(Snapshot(slots=(REST, empties, replace(REST, state=SlotState.FAILED)))) == ()


def test_the_oldest_switch_comes_first() -> None:
    older = replace(DRAINS, name="other", target="gamma", progress=Progress(SlotState.QUEUED, None, 50.0))
    assert [wanted.model for wanted in wanted_by(Snapshot(slots=(DRAINS, older)))] == ["gamma", "beta"]


async def test_the_files_of_a_switch_are_read_while_it_drains(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(tmp_path) as bench:
        bench.show(DRAINS)
        await bench.until_read("beta")
        await seen(lambda: "read ahead for beta: 13 MB of 13 MB" in caplog.text)
        assert cached(bench.files["alpha"]) == cached(bench.files["gamma"]) == []


async def test_one_switch_is_read_once(tmp_path: Path, reads: list[str]) -> None:
    async with running(tmp_path) as bench:
        bench.show(DRAINS)
        await bench.until_read("beta")
        drop(bench.files["beta"])
        bench.show(replace(DRAINS, state=SlotState.LOADING, in_flight=1))
        bench.ahead.hint("gamma")
        bench.show(REST)
        bench.show(replace(DRAINS, target="gamma"))
        await bench.until_read("gamma")
        assert reads == ["beta", "gamma"]


async def test_another_switch_of_the_same_slot_is_another_one(tmp_path: Path, reads: list[str]) -> None:
    async with running(tmp_path) as bench:
        bench.show(DRAINS)
        await bench.until_read("beta")
        bench.show(REST)
        drop(bench.files["beta"])
        bench.show(replace(DRAINS, progress=Progress(SlotState.QUEUED, None, 200.0)))
        await bench.until_read("beta")
        assert reads == ["beta", "beta"]


async def test_slots_that_switch_at_once_are_read_one_after_the_other(tmp_path: Path, reads: list[str]) -> None:
    async with running(tmp_path) as bench:
        bench.show(DRAINS, replace(DRAINS, name="other", target="gamma"))
        await bench.until_read("gamma")
        await bench.until_read("beta")
        assert reads == ["beta", "gamma"]


async def test_a_hint_is_read_when_nothing_switches(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.ahead.hint("gamma")
        await bench.until_read("gamma")


async def test_where_it_is_not_allowed_nothing_is_read(tmp_path: Path, reads: list[str]) -> None:
    async with running(tmp_path) as bench:
        bench.allowed = False
        bench.show(DRAINS)
        await settled(lambda: not bench.ahead.busy)
        assert reads == [] and cached(bench.files["beta"]) == []


async def test_a_model_that_is_gone_is_no_matter(tmp_path: Path) -> None:
    async with running(tmp_path) as bench:
        bench.show(replace(DRAINS, target="gone"))
        await settled(lambda: not bench.ahead.busy)
        bench.ahead.hint("gone")
        bench.show(DRAINS)
        await bench.until_read("beta")


class Slow:
    """In the place of the reader: it goes on until it is told to stop."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []

    def __call__(
        self, paths: tuple[Path, ...], _room: object, cancelled: threading.Event, *, idle: bool
    ) -> module.Done:
        self.begun.append(paths[0].stem)
        cancelled.wait(20)
        self.ended.append(paths[0].stem)
        return module.Done(BLOCK, 2 * BLOCK, 0.1)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    made = Slow()
    monkeypatch.setattr(module, "read_ahead", made)
    return made


async def test_reading_ends_with_the_switch(
    tmp_path: Path, slow: Slow, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(tmp_path) as bench:
        bench.show(DRAINS)
        await seen(lambda: slow.begun == ["beta"])
        bench.show(replace(DRAINS, state=SlotState.LOADING))
        assert slow.ended == []
        bench.show(replace(REST, model="beta"))
        await seen(lambda: slow.ended == ["beta"])
        await seen(lambda: "it is not needed any more" in caplog.text)


async def test_a_switch_that_turns_elsewhere_is_followed(tmp_path: Path, slow: Slow) -> None:
    async with running(tmp_path) as bench:
        bench.show(DRAINS)
        await seen(lambda: slow.begun == ["beta"])
        bench.show(replace(DRAINS, target="gamma"))
        await seen(lambda: slow.begun == ["beta", "gamma"])
        assert slow.ended == ["beta"]


async def test_a_switch_goes_before_a_hint_and_ends_it(tmp_path: Path, slow: Slow) -> None:
    async with running(tmp_path) as bench:
        bench.ahead.hint("gamma")
        await seen(lambda: slow.begun == ["gamma"])
        bench.show(DRAINS)
        await seen(lambda: slow.begun == ["gamma", "beta"])
        assert slow.ended == ["gamma"]
        bench.show(REST)
        await settled(lambda: not bench.ahead.busy)
        assert slow.begun == ["gamma", "beta"], "what the hint was for has passed"


async def test_a_hint_that_comes_true_goes_on(tmp_path: Path, slow: Slow) -> None:
    async with running(tmp_path) as bench:
        bench.ahead.hint("beta")
        await seen(lambda: slow.begun == ["beta"])
        bench.show(DRAINS)
        assert slow.ended == []


async def test_a_newer_hint_takes_the_place_of_the_older(tmp_path: Path, slow: Slow) -> None:
    async with running(tmp_path) as bench:
        bench.ahead.hint("beta")
        await seen(lambda: slow.begun == ["beta"])
        bench.ahead.hint("gamma")
        bench.ahead.hint("gamma")
        await seen(lambda: slow.begun == ["beta", "gamma"])


async def test_it_ends_with_its_task(tmp_path: Path, slow: Slow) -> None:
    async with running(tmp_path) as bench:
        bench.show(DRAINS)
        await seen(lambda: slow.begun == ["beta"])
    assert slow.ended == ["beta"]


async def test_a_reader_that_fails_does_not_end_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path) as bench:
        with monkeypatch.context() as patched:
            patched.setattr(module, "read_ahead", lambda *_args, **_named: 1 / 0)
            bench.show(DRAINS)
            await seen(lambda: "beta could not be read ahead" in caplog.text)
        bench.show(replace(DRAINS, target="gamma"))
        await bench.until_read("gamma")


async def seen(condition: Callable[[], bool]) -> None:
    await until(condition, "what was to be read")


async def settled(condition: Callable[[], bool]) -> None:
    await asyncio.sleep(0)
    await seen(condition)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was begun to be read, in order."""
    found: list[str] = []
    real = module.read_ahead

    def note(paths: tuple[Path, ...], *args: Any, **named: Any) -> module.Done:
        found.append(paths[0].stem)
        return real(paths, *args, **named)

    monkeypatch.setattr(module, "read_ahead", note)
    return found
