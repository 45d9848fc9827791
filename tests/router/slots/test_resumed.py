"""After a sleep of this computer: no limit has come nearer, and engines are asked before they are trusted."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from types import MappingProxyType

import pytest

from router.base.errors import EngineFailed, MemoryInsufficient
from router.base.resume import Resumed
from router.base.tasks import spawn
from router.config.schema import Kind, LimitsConfig, SlotConfig
from router.engine.process import EngineProcess
from router.slots.effects import CheckModel, Grant, StartEngine
from router.slots.failures import MAX_FAILURES, OPEN_AFTER, Failures
from router.slots.supervisor import Supervisor
from router.state import SlotState, StateStore
from tests.engines.running import soon, until
from tests.router.fake_launcher import FakeLauncher
from tests.router.slots.test_scheduler import bring_up, loaded, make, one
from tests.router.slots.test_supervisor import MODELS

HOURS = 8 * 3600.0

# -- decisions -------------------------------------------------------------------------------------------------


def test_nobody_has_waited_too_long_while_the_computer_slept() -> None:
    s = loaded(wait=120.0)
    s.acquire(1, "a", 0.0)
    s.acquire(2, "b", 10.0)
    assert s.resumed(HOURS, HOURS + 20.0) == []
    assert s.tick(HOURS + 129.0) == [], "of its 120 s one is left"
    assert s.queued == 1
    assert [type(effect).__name__ for effect in s.tick(HOURS + 130.0)] == ["Refuse"]


def test_an_idle_engine_is_not_unloaded_for_the_night() -> None:
    s = loaded(idle_unload=1800.0)
    assert s.resumed(HOURS, HOURS + 60.0) == [] and s.phase is SlotState.READY
    assert s.next_deadline() == HOURS + 1800.0, "what it was idle before counts"
    assert s.idle_since == HOURS


def test_requests_that_are_waited_for_keep_their_time() -> None:
    s = loaded(drain_timeout=30.0)
    s.acquire(1, "a", 0.0)
    s.checked(one(s.load(2, "b", 0.0), CheckModel).check, 0.0)
    assert s.phase is SlotState.DRAINING
    assert s.resumed(HOURS, HOURS) == [] and s.phase is SlotState.DRAINING
    assert s.next_deadline() == HOURS + 30.0


def test_a_model_that_failed_before_is_tried_at_once() -> None:
    s = make()
    for n in range(MAX_FAILURES):
        at = 61.0 * n
        effects = s.checked(one(s.acquire(n, "a", at), CheckModel).check, at)
        s.engine_failed(one(effects, StartEngine).generation, EngineFailed("no driver"), at)
    assert s.last_error is not None
    later = 61.0 * MAX_FAILURES
    assert [type(effect).__name__ for effect in s.acquire(90, "a", later)] == ["Refuse"], "it is parked"
    s.resumed(0.0, later)
    assert s.last_error is not None, "what is shown stays"
    assert Grant(91, "a", MAX_FAILURES + 1) in bring_up(s, s.acquire(91, "a", later), later)


def test_an_engine_that_died_is_started_again_at_the_wake() -> None:
    s = loaded()
    for generation in range(1, 4):
        s.engine_exited(generation, EngineFailed("it died"), 1.0)
        if (at := s.next_deadline()) is not None and generation < 3:
            bring_up(s, s.tick(at), at)
    assert s.phase is SlotState.FAILED
    due = s.next_deadline()
    assert due is not None and due > 1.0
    s.resumed(0.0, 1.5)
    assert s.next_deadline() == 1.5
    assert bring_up(s, s.tick(1.5), 1.5) == [] and s.phase is SlotState.READY


def test_the_breaker_closes() -> None:
    failures = Failures()
    for _ in range(OPEN_AFTER):
        failures.failed("a", EngineFailed("no"), 0.0)
    failures.failed("b", MemoryInsufficient("short"), 0.0)
    assert failures.refusal("a", 1.0) is not None
    failures.resumed(1.0)
    assert failures.refusal("a", 1.0) is None and failures.refusal("b", 1.0) is None


def test_a_ready_engine_serves_nobody_new_before_it_has_answered() -> None:
    s = loaded()
    s.acquire(1, "a", 0.0)
    assert s.resumed(0.0, 1.0) == [] and s.in_flight == 1, "whoever is served is served on"
    assert s.acquire(2, "a", 1.0) == [] and s.acquire(3, None, 1.0) == []
    assert s.phase is SlotState.READY
    assert s.engine_answers(1, 2.0) == [Grant(2, "a", 1), Grant(3, "a", 1)]


def test_where_it_does_not_answer_who_waits_is_served_by_the_next_engine() -> None:
    s = loaded()
    s.resumed(0.0, 1.0)
    s.acquire(1, "a", 1.0)
    effects = s.engine_exited(1, EngineFailed("it did not answer"), 16.0)
    assert bring_up(s, effects, 16.0) == [Grant(1, "a", 2)]


# -- carried out -----------------------------------------------------------------------------------------------


class Seats:
    """A supervisor over engines without processes; `looks` counts how often the clocks were to be looked at."""

    def __init__(self, **slot: object) -> None:
        self.store, self.launcher, self.looks = StateStore(), FakeLauncher(), 0
        self.supervisor = Supervisor(self.store, self.launcher, look_at_clocks=self._look)
        self.supervisor.add_slot(
            SlotConfig("primary", Kind.CHAT, **slot),  # type: ignore[arg-type]
            LimitsConfig(),
            MappingProxyType(MODELS),
            "alpha",
        )

    def _look(self) -> None:
        self.looks += 1

    @property
    def engine(self) -> EngineProcess:
        found = self.supervisor.engine_of("primary")
        assert found is not None
        return found

    async def load(self) -> EngineProcess:
        await soon(self.supervisor.load("primary", "alpha"))
        return self.engine


@pytest.fixture
async def seats() -> AsyncIterator[Seats]:
    made = Seats(idle_unload=0.05)
    yield made
    made.launcher.automatic = {"check", "launch", "ready", "stop"}
    await soon(made.supervisor.close())


async def test_the_clocks_are_looked_at_before_anything_is_overdue(seats: Seats) -> None:
    await seats.load()
    await until(lambda: seats.store.snapshot.slots[0].state is SlotState.UNLOADED, "the idle engine to go")
    assert seats.looks >= 1


async def test_an_engine_that_answers_goes_on() -> None:
    seats = Seats()
    engine = await seats.load()
    seats.supervisor.resumed(Resumed(HOURS, 0.0))
    await until(lambda: seats.launcher.asked == [engine.pid], "the question")
    assert seats.engine is engine
    await soon(seats.supervisor.close())


async def test_an_engine_that_does_not_answer_is_ended_and_started_again() -> None:
    seats = Seats()
    engine = await seats.load()
    assert engine.pid is not None
    seats.launcher.lost.add(engine.pid)
    ended: list[str | None] = []
    engine.kill = lambda reason=None: ended.append(reason)  # type: ignore[method-assign]
    seats.supervisor.resumed(Resumed(HOURS, 0.0))
    async with seats.supervisor.ticket("primary", None) as ticket:
        await until(lambda: len(ended) == 1, "its end")
        assert not ticket.outcome.done() and "did not answer" in (ended[0] or "")
        seats.launcher.kill(engine.pid)
        lease = await soon(ticket.lease())
        assert lease.process is not engine
    await soon(seats.supervisor.close())


async def test_an_engine_that_loads_is_not_asked() -> None:
    seats = Seats()
    seats.launcher.automatic -= {"ready"}
    loading = spawn(seats.supervisor.load("primary", "alpha"), name="load")
    ready = await seats.launcher.begun("ready", "alpha")
    seats.supervisor.resumed(Resumed(HOURS, HOURS))
    assert seats.launcher.asked == []
    ready.finish()
    await soon(loading)
    await soon(seats.supervisor.close())


async def test_what_is_shown_has_no_time_in_it_that_nobody_lived_through() -> None:
    seats = Seats()
    seats.launcher.automatic -= {"ready"}
    loading = spawn(seats.supervisor.load("primary", "alpha"), name="load")
    ready = await seats.launcher.begun("ready", "alpha")
    before = seats.store.snapshot.slots[0].progress
    assert before is not None
    seats.supervisor.resumed(Resumed(HOURS, 0.0))
    after = seats.store.snapshot.slots[0].progress
    assert after is not None and after.began_at == before.began_at + HOURS
    assert after.elapsed(time.time() + HOURS) < 60.0
    ready.finish()
    await soon(loading)
    await soon(seats.supervisor.close())
