"""Saving and giving back, with engines that die, hang and lie, and hundreds of switches."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from router.catalog.model import Model
from router.config.schema import ConversationsConfig, Kind
from router.conversations import saving, store
from router.conversations.keeper import Conversations
from router.engine.readiness import probe_session
from router.state import KeptStatus
from tests.engines.running import soon, until
from tests.router.conversations.stub_engine import StubEngine

TOKENS = list(range(1000))
MODELS = [Model(id=name, kind=Kind.CHAT, display_name=name, file=Path(f"/m/{name}.gguf")) for name in "abc"]


class Hal0:
    """One router's conversations, over a folder that stays."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "conversations"
        self.policy = ConversationsConfig(keep=1 << 20, per_model=2, save_timeout=5.0)
        self.kept: tuple[KeptStatus, ...] = ()
        self.engines: list[StubEngine] = []

    async def begin(self) -> None:
        self.http = probe_session()
        self.conversations = Conversations(self.folder, lambda: self.policy, self.http, self._publish)
        await self.conversations.start()

    def _publish(self, kept: tuple[KeptStatus, ...]) -> None:
        self.kept = kept

    async def end(self) -> None:
        for engine in self.engines:
            await self.conversations.gone(engine)
            await engine.end()
        self.engines.clear()
        await self.conversations.close()
        await self.http.close()

    async def load(self, model: Model = MODELS[0], identity: int = 1, **more: int) -> StubEngine:
        engine = await StubEngine(await self.conversations.folder_for(model), identity, **more).begin()
        self.engines.append(engine)
        await self.conversations.restore("primary", model, engine)
        return engine

    async def unload(self, engine: StubEngine) -> None:
        """As `EngineTasks` stops one."""
        await self.conversations.save(engine)
        await engine.end()
        await self.conversations.gone(engine)
        self.engines.remove(engine)

    @property
    def names(self) -> list[str]:
        return sorted(path.suffix for path in self.folder.iterdir())

    @property
    def count(self) -> int:
        return sum(one.conversations for one in self.kept)


@pytest.fixture
async def hal0(tmp_path: Path) -> AsyncIterator[Hal0]:
    made = Hal0(tmp_path)
    await made.begin()
    yield made
    await made.end()


@asynccontextmanager
async def loaded(hal0: Hal0, **more: int) -> AsyncIterator[StubEngine]:
    engine = await hal0.load(**more)
    yield engine
    await hal0.unload(engine)


async def test_there_and_back(hal0: Hal0) -> None:
    async with loaded(hal0) as engine:
        engine.ask(1, TOKENS)
    assert hal0.kept == (KeptStatus("a", 1, hal0.kept[0].bytes),)
    async with loaded(hal0) as engine:
        assert engine.ask(1, [*TOKENS, 7]) == len(TOKENS)
    assert hal0.count == 1, "the continuation took the place of what it continued"


async def test_an_engine_that_read_nothing_is_asked_once_and_nothing_is_written(hal0: Hal0) -> None:
    async with loaded(hal0) as engine:
        pass
    async with loaded(hal0) as other:
        other.ask(0, TOKENS[:100])  # too little
    assert engine.asked == other.asked == [] and hal0.names == []


async def test_a_disk_that_is_too_slow_costs_the_saving_and_no_more_than_the_limit(hal0: Hal0) -> None:
    hal0.policy = replace(hal0.policy, save_timeout=0.2)
    engine = await hal0.load()
    engine.ask(0, TOKENS)
    engine.hangs = True
    began = time.monotonic()
    await soon(hal0.conversations.save(engine), "the limit")
    assert time.monotonic() - began >= 0.2 and engine.killed
    await hal0.conversations.gone(engine)
    assert hal0.names == [] and hal0.kept == ()


async def test_a_full_disk_costs_the_saving_and_is_tried_again(hal0: Hal0) -> None:
    async with loaded(hal0) as engine:
        engine.ask(0, TOKENS)
        engine.refuses = 500
    assert not engine.killed and hal0.names == []
    async with loaded(hal0) as engine:
        engine.ask(0, TOKENS)
    assert hal0.count == 1


async def test_a_model_whose_state_cannot_be_saved_is_known_as_such(hal0: Hal0) -> None:
    for _ in range(2):
        async with loaded(hal0) as engine:
            engine.ask(0, TOKENS)
            engine.refuses = 501
        assert hal0.names == []
    assert engine.asked == []
    async with loaded(hal0, identity=2) as engine:  # a newer build
        engine.ask(0, TOKENS)
    assert hal0.count == 1


async def test_what_grows_beyond_what_is_allowed_is_ended(hal0: Hal0, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "WATCH_SECONDS", 0.01)
    hal0.policy = replace(hal0.policy, keep=2000)
    engine = await hal0.load(size=10_000)
    engine.ask(0, TOKENS)
    engine.hangs = True
    await soon(hal0.conversations.save(engine), "the watch")
    await hal0.conversations.gone(engine)
    assert engine.killed and hal0.names == []


@pytest.mark.parametrize("where", ["save", "restore"])
async def test_an_engine_that_dies_of_it_takes_only_that_with_it(hal0: Hal0, where: str) -> None:
    async with loaded(hal0) as engine:
        engine.ask(0, TOKENS)
        engine.ask(1, [5] * 600)
    assert hal0.count == 2
    engine = await StubEngine(hal0.folder, 1).begin()
    hal0.engines.append(engine)
    engine.dies = where
    await soon(hal0.conversations.restore("primary", MODELS[0], engine), "the restore")
    if where == "save":
        engine.ask(0, [*TOKENS, 8])
        await soon(hal0.conversations.save(engine), "the save")
    assert engine.exited.done()
    await hal0.conversations.gone(engine)
    await until(lambda: hal0.count == (1 if where == "restore" else 2), "what is left")
    await until(lambda: hal0.names.count(".json") == hal0.count, "all on the disk")
    assert ".part" not in hal0.names


async def test_only_what_is_idle_is_carried_over_to_an_engine_beside(hal0: Hal0) -> None:
    old = await hal0.load()
    old.ask(0, TOKENS)
    old.ask(1, [5] * 600)
    old.busy.add(1)
    await hal0.conversations.save(old, stays=True)
    assert old.asked == ["save"] and not old.killed
    new = await hal0.load()
    assert new.sequences[0] == TOKENS and new.sequences[1] == []


async def test_the_tokens_that_came_from_the_disk_are_told_once(hal0: Hal0) -> None:
    told: list[int] = []
    async with loaded(hal0) as engine:
        engine.ask(0, TOKENS)
        assert hal0.conversations.answered(engine, lambda: 900, told.append) is None, "it has read them itself"
    async with loaded(hal0) as engine:
        engine.ask(1, [9] * 300)  # another conversation, with tokens of its own
        await soon(hal0.conversations.answered(engine, lambda: 30, told.append) or asyncio.sleep(0))
        assert told == []
        engine.ask(0, [*TOKENS, 1])
        await soon(hal0.conversations.answered(engine, lambda: 990, told.append) or asyncio.sleep(0))
        assert hal0.conversations.answered(engine, lambda: 999, told.append) is None
    assert told == [990]


async def test_forgotten_is_also_what_an_engine_has_just_read(hal0: Hal0) -> None:
    async with loaded(hal0) as engine:
        engine.ask(0, TOKENS)
        engine.ask(1, [5] * 600)
        await hal0.conversations.forget()
        engine.ask(1, [5] * 700)
    assert engine.asked == ["save"] and hal0.count == 1


async def test_too_old_is_removed(hal0: Hal0) -> None:
    async with loaded(hal0) as engine:
        engine.ask(0, TOKENS)
    hal0.policy = replace(hal0.policy, max_age=0.0)
    await hal0.conversations.prune()
    assert hal0.names == [] and hal0.kept == ()


async def test_a_folder_that_cannot_be_used_keeps_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    (tmp_path / "conversations").write_text("a file")
    hal0 = Hal0(tmp_path)
    await hal0.begin()
    async with loaded(hal0) as engine:
        engine.ask(0, TOKENS)
    assert hal0.kept == ()
    await hal0.end()


async def test_five_hundred_switches_with_kills_at_every_point(tmp_path: Path) -> None:
    """Engines of three models, whose build changes now and then, are asked, switched, killed while they save
    and while they are given something, and so is hal0. No engine is ever given another one's state."""
    chance = random.Random(14)
    hal0 = Hal0(tmp_path)
    hal0.policy = ConversationsConfig(keep=24_000, per_model=2, save_timeout=5.0)
    await hal0.begin()
    talks: dict[tuple[str, int], list[int]] = {}
    builds, came_back, killed = {model.id: 1 for model in MODELS}, 0, 0
    for _ in range(500):
        model = chance.choice(MODELS)
        if chance.random() < 0.05:
            builds[model.id] += 1
        engine = await StubEngine(hal0.folder, builds[model.id] * 10 + MODELS.index(model)).begin()
        engine.dies = chance.choice(["", "", "", "", "", "save", "restore"])
        hal0.engines.append(engine)
        await hal0.conversations.restore("primary", model, engine)
        for slot in range(2) if not engine.exited.done() else ():
            if chance.random() < 0.7:
                talk = talks.setdefault((model.id, slot), [chance.randrange(1 << 20) for _ in range(280)])
                if len(talk) > 1200:
                    del talk[100:]
                talk += [chance.randrange(1 << 20) for _ in range(chance.randrange(60))]
                came_back += engine.ask(slot, talk) > 200
        if chance.random() < 0.1:
            engine.kill()
        await hal0.conversations.save(engine)
        await engine.end()
        killed += engine.exited.result() != 0
        assert engine.wrong == []
        if chance.random() < 0.05:  # hal0 is killed: nothing is tidied up
            hal0.engines.clear()
            (hal0.folder / "feedbeeffeedbeef.part").write_bytes(b"half")
            await hal0.end()
            await hal0.begin()
            assert ".part" not in hal0.names
        else:
            await hal0.conversations.gone(engine)
            hal0.engines.remove(engine)
        states = list(hal0.folder.glob("*.state"))
        assert sum(path.stat().st_size for path in states) <= hal0.policy.keep
        assert ".part" not in hal0.names
    await hal0.end()
    kept = list(hal0.folder.glob("*.json"))
    assert {p.stem for p in kept} == {p.stem for p in hal0.folder.glob("*.state")}
    assert came_back > 100 and killed > 50


async def test_nobody_waits_for_a_slow_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has not reached the disk yet is given back, and another one saved, at once; it is told of later."""
    slow = threading.Event()
    monkeypatch.setattr(store, "sync", lambda _file: slow.wait(60.0))
    hal0 = Hal0(tmp_path)
    await hal0.begin()
    try:
        engine = await hal0.load()
        engine.sequences[0], engine.tasks[0] = TOKENS, 1
        await soon(hal0.unload(engine))
        other = await soon(hal0.load(MODELS[1], 2))
        other.sequences[0], other.tasks[0] = TOKENS, 1
        await soon(hal0.unload(other))
        again = await soon(hal0.load())
        assert again.sequences[0] == TOKENS and not again.wrong
        assert ".json" not in hal0.names, "the disk has nothing yet"
        slow.set()
        await until(lambda: hal0.names.count(".json") == 2, "both told of")
    finally:
        slow.set()
        await hal0.end()
    assert sorted(hal0.names) == [".json", ".json", ".state", ".state"]


@pytest.mark.parametrize("instead", [None, "a file"])
async def test_without_its_folder_an_engine_starts_all_the_same(tmp_path: Path, instead: str | None) -> None:
    """llama-server ends at once if it is to save into a folder that is not there: no model loaded any more."""
    hal0 = Hal0(tmp_path)
    await hal0.begin()
    try:
        hal0.folder.rmdir()
        if instead:
            hal0.folder.write_text(instead)
        folder = await hal0.conversations.folder_for(MODELS[0])
        assert (folder is not None and folder.is_dir()) if instead is None else folder is None
    finally:
        await hal0.end()
