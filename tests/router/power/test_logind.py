"""logind's lock and its signal, against a stub on a private bus; a real one has no session here."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest

from router.base.resume import Clocks, Resumed, ResumeWatch
from router.base.tasks import spawn
from router.power.logind import InhibitorLock, follow_sleep
from tests.engines.running import until
from tests.router.power.stub_logind import Logind, stub_logind

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="logind is Linux's")


@pytest.fixture
async def logind(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Logind]:
    async with stub_logind() as stub:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", stub.address)
        yield stub


async def test_a_lock_is_held_until_it_is_released(logind: Logind) -> None:
    lock = InhibitorLock()
    for _ in range(2):
        await asyncio.to_thread(lock.hold)
        assert logind.held == 1
        lock.release()
        await logind.until_held(0)
    assert logind.asked == [
        ("sleep:idle", "hal0", "hal0 answers requests, loads or downloads models", "block")
    ] * 2  # fmt: skip


async def test_a_refusal_is_told_in_its_words(logind: Logind) -> None:
    logind.refuses = True
    with pytest.raises(OSError, match=r"logind refuses \(Permission denied\)"):
        await asyncio.to_thread(InhibitorLock().hold)


async def test_without_a_bus_it_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "router.power")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus")
    with pytest.raises(OSError, match="logind cannot be reached"):
        await asyncio.to_thread(InhibitorLock().hold)
    await follow_sleep(lambda: None, lambda: None)
    assert "logind does not tell of sleep here" in caplog.text


async def test_a_wake_is_noticed_at_once_however_short_the_sleep(logind: Logind) -> None:
    clocks = Clocks(1000.0, 10.0)
    watch = ResumeWatch(lambda: clocks)
    told: list[Resumed] = []
    watch.subscribe(told.append)
    before: list[bool] = []

    def sleeps() -> None:
        before.append(True)
        watch.sleeps()

    following = spawn(follow_sleep(sleeps, watch.woke), name="follow")
    while not before:  # until it listens
        logind.PrepareForSleep(True)
        await asyncio.sleep(0.01)
    logind.PrepareForSleep(False)
    await until(lambda: told == [Resumed(0.0, 0.0)], "the resume")
    logind.PrepareForSleep(True)
    await until(lambda: len(before) >= 2, "another sleep")
    clocks = Clocks(1600.0, 11.0)
    logind.PrepareForSleep(False)
    await until(lambda: len(told) == 2, "the resume")
    assert told[1] == Resumed(599.0, 0.0), "told once, by the clocks"
    following.cancel()
    await asyncio.wait({following})
