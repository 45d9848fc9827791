"""Looking for newer versions, against a local server that speaks GitHub's release API."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from router.base.paths import Paths
from router.base.tasks import spawn
from router.config.schema import Config, Kind, Updates
from router.engine.probe import EngineBuild, EngineSource
from router.hub.updates import DAY_SECONDS, Sources, UpdateWatch, how_to_update, is_due, is_quiet, newer
from router.state import SlotState, SlotStatus, Snapshot, StateStore, UpdateStatus
from tests.engines.running import until
from tests.router.engine.fake_engines import installed, paths_in
from tests.router.engine.release_server import Fault, ReleaseServer, serving

ENGINE = UpdateStatus("llama-server", "0.7.0 (build 7)", "b11433")
HAL0 = UpdateStatus("hal0", "0.1.0", "0.6.0")
SLOT = SlotStatus("primary", Kind.CHAT, SlotState.READY)


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.delenv("HAL0_LLAMA_SERVER", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr("router.hub.updates.__version__", "0.1.0")
    made = paths_in(tmp_path)
    installed(made, "release-b7", 7, age=70)
    return made


class Told:
    """A watch, what it told, and the settings it goes by."""

    def __init__(self, paths: Paths, server: ReleaseServer) -> None:
        self.config = Config()
        self.store = StateStore(Snapshot(slots=(SLOT,)))
        self.told: list[tuple[UpdateStatus, ...]] = []
        self.watch = UpdateWatch(
            self.store, lambda: self.config, paths, self.told.append, Sources(server.api, server.api)
        )

    async def look(self) -> tuple[UpdateStatus, ...]:
        await self.watch.look()
        return self.told[-1]


async def test_what_is_newer_is_told_and_remembered_for_a_day(paths: Paths) -> None:
    async with serving() as server:
        first = Told(paths, server)
        assert await first.look() == (ENGINE,)
        seen = json.loads((paths.state / "updates.json").read_text())
        assert seen["newest"] == {"hal0": "b11433", "llama-server": "b11433"}
        server.fault = Fault.RATE_LIMIT
        assert await Told(paths, server).look() == (ENGINE,), "the next hal0 knows it without asking"


async def test_of_hal0_itself_the_command_is_told_too(paths: Paths) -> None:
    seen = {"at": time.time(), "newest": {"hal0": "v0.6.0", "llama-server": "b7"}}
    (paths.state / "updates.json").parent.mkdir(parents=True, exist_ok=True)
    (paths.state / "updates.json").write_text(json.dumps(seen))
    told: list[tuple[UpdateStatus, ...]] = []
    store = StateStore(Snapshot(slots=(SLOT,)))
    watch = UpdateWatch(store, Config, paths, told.append, how=lambda version: f"get hal0 {version}")
    await watch.look()
    assert told == [(replace(HAL0, how="get hal0 0.6.0"),)]


def test_this_hal0_knows_how_it_was_installed() -> None:
    assert how_to_update("0.6.0") in ("git pull && make setup", "pip install --upgrade hal0")


async def test_nothing_is_asked_while_a_slot_is_busy_or_when_it_is_off(paths: Paths) -> None:
    async with serving() as server:
        told = Told(paths, server)
        told.store.update(slots=(replace(SLOT, in_flight=1),))
        assert await told.look() == ()
        told.store.update(slots=(SLOT,))
        told.config = Config(updates=Updates.OFF)
        assert await told.look() == ()
        assert not (paths.state / "updates.json").exists()
        told.config = Config()
        assert await told.look() == (ENGINE,)
        told.config = Config(updates=Updates.OFF)
        assert await told.look() == (), "what was found is not shown any more either"


async def test_offline_nothing_happens(paths: Paths, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with serving(fault=Fault.RATE_LIMIT) as server:
        told = Told(paths, server)
        assert await told.look() == ()
        server.fault = Fault.NONE
        assert await told.look() == (), "not before an hour has passed"
    assert not [record for record in caplog.records if record.name.startswith("router")]
    assert not (paths.state / "updates.json").exists()


@pytest.mark.parametrize(
    ("newest", "hal0", "found"),
    [
        ({"hal0": "v0.6.0"}, "0.1.0", (HAL0,)),
        ({"hal0": "v0.10"}, "0.9.5", (UpdateStatus("hal0", "0.9.5", "0.10"),)),
        ({"hal0": "v0.1.0"}, "0.1.0", ()),
        ({"hal0": "nightly"}, "0.1.0", ()),
        ({}, "0.1.0", ()),
    ],
)
def test_newer_is_by_number(newest: dict[str, str], hal0: str, found: tuple[UpdateStatus, ...]) -> None:
    assert newer(newest, None, hal0) == found


@pytest.mark.parametrize(
    ("source", "build", "told"),
    [
        (EngineSource.DATA, 7, True),
        (EngineSource.DATA, 11433, False),
        (EngineSource.DATA, None, False),
        (EngineSource.PATH, 7, False),
        (EngineSource.CONFIG, 7, False),
    ],
)
def test_only_hal0s_own_llama_server_is_told_of(source: EngineSource, build: int | None, told: bool) -> None:
    engine = EngineBuild(Path("llama-server"), source, "x", build)
    assert bool(newer({"llama-server": "b11433"}, engine)) is told


@pytest.mark.parametrize(
    ("change", "quiet"),
    [({}, True), ({"in_flight": 1}, False), ({"queued": 1}, False), ({"state": SlotState.LOADING}, False)],
)
def test_quiet_is_when_no_slot_has_anything_to_do(change: dict[str, object], quiet: bool) -> None:
    assert is_quiet(Snapshot(slots=(SLOT, replace(SLOT, **change)))) is quiet  # type: ignore[arg-type]


def test_once_a_day() -> None:
    assert is_due(0.0, 1e9) and not is_due(1e9, 1e9 + DAY_SECONDS - 1) and is_due(1e9, 1e9 + DAY_SECONDS)
    assert is_due(2e9, 1e9), "a clock that was set back"


async def test_a_setting_that_changes_is_felt_at_once_and_not_asked_for_before_its_time(paths: Paths) -> None:
    async with serving() as server:
        told = Told(paths, server)
        await told.look()
        told.told.clear()
        running = spawn(told.watch.run(first=1000.0), name="watch")
        await until(lambda: told.told == [(ENGINE,)], "what an earlier look found")
        told.config = Config(updates=Updates.OFF)
        told.watch.again()
        await until(lambda: told.told[-1] == (), "the news to go")
        told.config = Config()
        told.watch.again()
        await until(lambda: told.told[-1] == (ENGINE,), "the news to come back")
        running.cancel()
        await asyncio.wait({running})


async def test_it_looks_again_when_it_is_time(paths: Paths) -> None:
    async with serving() as server:
        told = Told(paths, server)
        running = spawn(told.watch.run(first=0.01, again=1000.0), name="watch")
        await until(lambda: bool(told.told) and told.told[-1] == (ENGINE,), "the first look")
        running.cancel()
        await asyncio.wait({running})
