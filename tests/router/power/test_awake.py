"""Sleep is held off while there is work, and never longer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from router.base.tasks import spawn
from router.config.schema import Kind
from router.power import awake
from router.power.awake import KeepAwake, works
from router.state import DownloadState, DownloadStatus, SlotState, SlotStatus, Snapshot, StateStore
from tests.engines.running import until

IDLE = SlotStatus("primary", Kind.CHAT, SlotState.READY)


@pytest.mark.parametrize(
    ("snapshot", "wanted"),
    [
        (Snapshot(slots=(IDLE,)), False),
        (Snapshot(slots=(replace(IDLE, in_flight=1),)), True),
        (Snapshot(slots=(replace(IDLE, queued=1),)), True),
        (Snapshot(slots=(replace(IDLE, state=SlotState.LOADING),)), True),
        (Snapshot(slots=(replace(IDLE, state=SlotState.FAILED),)), False),
        (Snapshot(downloads=(DownloadStatus("a/b:Q4", DownloadState.RUNNING),)), True),
        (Snapshot(downloads=(DownloadStatus("a/b:Q4", DownloadState.PAUSED),)), False),
    ],
)
def test_what_counts_as_work(snapshot: Snapshot, wanted: bool) -> None:
    assert works(snapshot) is wanted


class Lock:
    """An Inhibitor. `steps`: what was done with it; `error`: what `hold` raises."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.error: OSError | None = None

    def hold(self) -> None:
        self.steps.append("hold")
        if self.error is not None:
            raise self.error

    def release(self) -> None:
        self.steps.append("release")


class Bench:
    def __init__(self) -> None:
        self.store = StateStore()
        self.lock, self.open, self.wanted = Lock(), 0, True
        self.keeper = KeepAwake(self.store, self.lock, lambda: self.wanted, lambda: self.open)

    def requests(self, count: int) -> None:
        self.open = count
        self.keeper.look()

    async def until_awake(self, wanted: bool) -> None:
        await until(lambda: self.store.snapshot.awake is wanted, f"awake is {wanted}")


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(awake, "LEAST_SECONDS", 0.05)
    bench = Bench()
    running = spawn(bench.keeper.run(), name="awake")
    yield bench
    running.cancel()
    await asyncio.wait({running})
    assert not bench.store.snapshot.awake
    assert bench.lock.error or bench.lock.steps.count("hold") == bench.lock.steps.count("release")


async def test_it_is_held_while_a_request_is_open_and_let_go_at_once(bench: Bench) -> None:
    bench.requests(1)
    await bench.until_awake(True)
    bench.store.update(slots=(replace(IDLE, in_flight=1),))
    bench.requests(0)
    assert bench.store.snapshot.awake, "a slot answers"
    bench.store.update(slots=(IDLE,))
    await bench.until_awake(False)
    assert bench.lock.steps == ["hold", "release"]


async def test_what_ends_at_once_asks_nobody(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awake, "LEAST_SECONDS", 60.0)
    for _ in range(3):
        bench.requests(1)
        await asyncio.sleep(0)
        bench.requests(0)
        await asyncio.sleep(0)
    assert bench.lock.steps == []


async def test_it_is_not_held_where_it_is_not_wanted(bench: Bench) -> None:
    bench.requests(1)
    await bench.until_awake(True)
    bench.wanted = False
    bench.keeper.look()
    await bench.until_awake(False)


async def test_a_failure_costs_one_line(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.lock.error = OSError("logind refuses (Permission denied)")
    for count in (1, 2):
        bench.requests(1)
        await until(lambda: bench.lock.steps.count("hold") == count, "a try")  # noqa: B023
        bench.requests(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == [
        "this computer may fall asleep while hal0 works: logind refuses (Permission denied)"
    ]
    bench.lock.error = None
    bench.lock.steps.clear()
    bench.requests(1)
    await bench.until_awake(True)
    bench.requests(0)
    await bench.until_awake(False)
