"""What the supervisor asks of the memory gate, and does with its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import MappingProxyType

import pytest

from router.base.errors import EngineFailed, MemoryInsufficient, SwitchCancelled
from router.base.tasks import spawn
from router.config.schema import Kind, LimitsConfig, SlotConfig
from router.memory.admit.gate import Occupant, Verdict
from router.slots.admission import ROUNDS
from router.slots.lease import Ticket
from router.state import SlotMemory, SlotState, SlotStatus
from tests.engines.running import soon, until
from tests.router.fake_gate import FakeGate
from tests.router.fake_launcher import Step
from tests.router.slots.test_supervisor import MODELS, Bench
from tests.router.slots.test_supervisor import make as make

Two = Callable[..., Awaitable[Bench]]
BESIDE = Verdict(beside=True)
SHORT = MemoryInsufficient("8 GB are missing.", details={"missing": 8 << 30})


@pytest.fixture
async def two(make: Callable[..., Bench]) -> Two:
    """`two(gate)`: alpha in `primary`, and `second` with beta ready in it."""

    async def build(gate: FakeGate, **second: object) -> Bench:
        bench = make(gate=gate)
        config = SlotConfig("second", Kind.CHAT, **second)  # type: ignore[arg-type]
        bench.supervisor.add_slot(config, LimitsConfig(), MappingProxyType(MODELS), "beta")
        await soon(bench.supervisor.load("second", "beta"))
        gate.judged.clear()
        gate.told.clear()
        return bench

    return build


def other(bench: Bench, name: str = "second") -> SlotStatus:
    found = bench.store.snapshot.slot(name)
    assert found is not None
    return found


async def test_beside_the_new_engine_starts_before_the_old_one_stops(make: Callable[..., Bench]) -> None:
    gate = FakeGate(otherwise=BESIDE)
    bench = make(gate=gate)
    await soon(bench.supervisor.load("primary", "alpha"))
    first = bench.slot.pid
    hold = asyncio.Event()
    stream = spawn(bench.request("alpha", hold), name="stream")
    await bench.until(lambda s: s.in_flight == 1, "the stream")
    bench.launcher.automatic -= {"ready"}
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    ready = await bench.launcher.begun("ready", "beta")
    assert len(bench.launcher.running) == 2
    assert (bench.slot.model, bench.slot.target, bench.slot.pid) == ("alpha", "beta", first)
    assert bench.slot.loaded == ("alpha", "alpha-hot"), "it answers meanwhile"
    assert (await soon(bench.request("alpha"))).process.pid == first
    asked = spawn(bench.request(None), name="follows the switch")
    ready.finish()
    await soon(loading)
    assert (await soon(asked)).model.id == "beta"
    assert bench.slot.pid != first and bench.slot.loaded == ("beta",)
    await bench.until(lambda s: s.in_flight == 1, "the stream on the old engine to be the only one")
    assert ("stop", first) not in bench.launcher.calls
    hold.set()
    lease = await soon(stream)
    assert not lease.aborted and lease.process.pid == first
    await until(lambda: len(bench.launcher.running) == 1, "the old engine to be stopped")
    assert SlotState.DRAINING not in bench.phases() and SlotState.STOPPING not in bench.phases()
    assert gate.waited == [], "nothing was stopped for it"


async def test_what_leaves_makes_room_for_another_slot_when_its_requests_have_ended(two: Two) -> None:
    """Row 40: an engine that ends a stream in its own time must not keep memory from others for ever."""
    gate = FakeGate()
    bench = await two(gate)
    await soon(bench.supervisor.load("primary", "alpha"))
    hold = asyncio.Event()
    stream = spawn(bench.request("alpha", hold), name="stream")
    await bench.until(lambda s: s.in_flight == 1, "the stream")
    gate.answers = [BESIDE]
    await soon(bench.supervisor.load("primary", "beta"))
    slot = bench.slot
    assert (slot.state, slot.leaving, slot.draining, slot.drain_deadline) == (
        SlotState.READY,
        ("alpha",),
        1,
        None,
    )
    gate.answers = [Verdict(evict=("primary",)), Verdict()]
    loading = spawn(bench.supervisor.load("second", "gamma"), name="load")
    await bench.until(lambda s: s.drain_deadline is not None, "the time they have now")
    assert [(o.model.id, o.evictable, o.leaving) for o in gate.told[-1] if o.slot == "primary"] == [
        ("alpha", True, True),
        ("beta", False, False),
    ]
    hold.set()
    assert not (await soon(stream)).aborted
    await soon(loading)
    assert (bench.slot.model, other(bench).model, bench.slot.draining) == ("beta", "gamma", 0)


async def test_an_engine_that_leaves_does_not_undo_the_flags_of_the_one_that_came(
    make: Callable[..., Bench],
) -> None:
    """The same order again took the engine that still stopped, without flags, for the one that is there."""
    flags = (("threads", "1"),)
    bench = make(gate=FakeGate(otherwise=BESIDE))
    await soon(bench.supervisor.load("primary", "alpha"))
    first = bench.slot.pid
    bench.launcher.automatic -= {"stop"}
    await soon(bench.supervisor.load("primary", "alpha", flags=flags))
    assert first is not None and len(bench.launcher.running) == 2
    pid = bench.slot.pid
    await soon(bench.supervisor.load("primary", "alpha", flags=flags))
    assert bench.slot.pid == pid
    (await bench.launcher.begun("stop", first)).finish()


async def test_a_failed_start_beside_the_old_engine_leaves_it_alone(make: Callable[..., Bench]) -> None:
    bench = make(gate=FakeGate(otherwise=BESIDE))
    await soon(bench.supervisor.load("primary", "alpha"))
    first = bench.slot.pid
    bench.launcher.automatic -= {"ready"}
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    (await bench.launcher.begun("ready", "beta")).finish(EngineFailed("It is cracked."))
    with pytest.raises(EngineFailed, match="is cracked"):
        await soon(loading)
    assert (bench.slot.state, bench.slot.model, bench.slot.pid) == (SlotState.READY, "alpha", first)
    assert len(bench.launcher.running) == 1


@pytest.mark.parametrize("phase", ["launch", "ready"])
async def test_cancelling_beside_the_old_engine_stops_only_the_new_one(
    make: Callable[..., Bench], phase: str
) -> None:
    bench = make(gate=FakeGate(otherwise=BESIDE))
    await soon(bench.supervisor.load("primary", "alpha"))
    first = bench.slot.pid
    bench.launcher.automatic -= {phase}
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    step = await bench.launcher.begun(phase, "beta")
    await bench.supervisor.cancel("primary")
    with pytest.raises(SwitchCancelled):
        await soon(loading)
    assert (bench.slot.state, bench.slot.model, bench.slot.pid) == (SlotState.READY, "alpha", first)
    if phase == "launch":
        step.finish()  # a process that is being made is stopped when it is there
    await until(lambda: ("stop", 1002) in bench.launcher.calls, "the new engine's stop")
    await until(lambda: list(bench.launcher.running) == [first], "its end")


async def test_what_an_engine_holds_and_says_is_its_own(make: Callable[..., Bench]) -> None:
    """Measured figures and speeds must not pass from the old engine to the new one."""
    bench = make(gate=FakeGate(otherwise=BESIDE))
    await soon(bench.supervisor.load("primary", "alpha"))
    bench.supervisor.set_memory([], {"primary": SlotMemory((100,))})
    bench.supervisor.note_speed("primary", 30.0)
    hold = asyncio.Event()
    stream = spawn(bench.request("alpha", hold), name="stream")
    await bench.until(lambda s: s.in_flight == 1, "the stream")
    assert (bench.slot.memory, bench.slot.tokens_per_second) == (100, 30.0)
    await soon(bench.supervisor.load("primary", "beta"))
    assert (bench.slot.memory, bench.slot.tokens_per_second) == (None, None)
    bench.supervisor.note_speed("primary", 30.0)
    assert bench.slot.tokens_per_second is None, "that may have been the old one's"
    hold.set()
    await soon(stream)
    await until(lambda: len(bench.launcher.running) == 1, "the old engine's end")
    bench.supervisor.note_speed("primary", 50.0)
    await soon(bench.request())
    await bench.until(lambda s: s.tokens_per_second == 50.0, "the new one's speed")
    bench.supervisor.note_speed("primary", 60.0, publish=True)
    await bench.until(lambda s: s.tokens_per_second == 60.0, "the speed of an answer that goes on")


async def test_a_refusal_touches_nothing_and_is_the_answer(two: Two) -> None:
    gate = FakeGate()
    bench = await two(gate)
    await soon(bench.supervisor.load("primary", "alpha"))
    pids = sorted(bench.launcher.running)
    gate.otherwise = SHORT
    for ask in (bench.request("gamma"), bench.supervisor.load("primary", "gamma")):
        with pytest.raises(MemoryInsufficient, match="8 GB are missing") as raised:
            await soon(ask)
        assert raised.value.status == 507 and raised.value.details == {"missing": 8 << 30}
    assert sorted(bench.launcher.running) == pids and bench.slot.state is SlotState.READY
    assert (await soon(bench.request("alpha"))).model.id == "alpha"
    assert bench.slot.last_error is not None and bench.slot.last_error.code == "memory.insufficient"


async def test_validation_comes_before_memory(make: Callable[..., Bench]) -> None:
    gate = FakeGate()
    bench = make(gate=gate)
    bench.launcher.automatic -= {"check"}
    loading = spawn(bench.supervisor.load("primary", "alpha"), name="load")
    (await bench.launcher.begun("check", "alpha")).finish(EngineFailed("no such flag"))
    with pytest.raises(EngineFailed):
        await soon(loading)
    assert gate.judged == []


async def test_force_reaches_the_gate(make: Callable[..., Bench]) -> None:
    gate = FakeGate()
    bench = make(gate=gate)
    await soon(bench.supervisor.load("primary", "alpha"))
    await soon(bench.supervisor.load("primary", "beta", force=True))
    assert gate.judged == [("primary", "alpha", False), ("primary", "beta", True)]
    assert gate.waited == [("primary", "beta", None, True)]


# -- eviction ----------------------------------------------------------------------------------------------


async def test_slots_that_must_make_room_are_named_emptied_and_judged_again(two: Two) -> None:
    gate = FakeGate()
    bench = await two(gate)
    gate.answers = [Verdict(evict=("second",)), Verdict()]
    bench.launcher.automatic -= {"stop"}
    loading = spawn(bench.supervisor.load("primary", "alpha"), name="load")
    stop = await bench.launcher.begun("stop", 1001)
    assert (bench.slot.state, bench.slot.evicting) == (SlotState.QUEUED, ("second",))
    assert other(bench).state is SlotState.STOPPING
    stop.finish()
    bench.launcher.automatic |= {"stop"}
    await soon(loading)
    assert gate.judged == [("primary", "alpha", False)] * 2
    assert [o.slot for o in gate.told[0]] == ["second"] and gate.told[1] == []
    assert bench.slot.evicting == () and other(bench).state is SlotState.UNLOADED
    assert other(bench).model == "beta", "it loads it again when it is asked for"
    assert gate.waited == [("primary", "alpha", None, False)], "its memory may take a moment to come back"


async def test_a_slot_that_came_to_be_used_stays_and_the_gate_is_asked_again(two: Two) -> None:
    gate = FakeGate()
    bench = await two(gate)
    held = bench.supervisor.ticket
    tickets: list[Ticket] = []
    gate.answers = [Verdict(evict=("second",)), SHORT]
    gate.on_judge = lambda: tickets.append(held("second", None)) if not tickets else None
    with pytest.raises(MemoryInsufficient):
        await soon(bench.supervisor.load("primary", "alpha"))
    assert other(bench).state is SlotState.READY and len(gate.judged) == 2
    async with tickets[0] as ticket:
        assert not (await soon(ticket.lease())).aborted


async def test_there_is_an_end_to_making_room(two: Two) -> None:
    gate = FakeGate()
    bench = await two(gate)
    gate.otherwise = Verdict(evict=("second",))
    async with bench.supervisor.ticket("second", None) as ticket:
        await soon(ticket.lease())
        with pytest.raises(MemoryInsufficient, match="second would have to make room and came to be used"):
            await soon(bench.supervisor.load("primary", "alpha"))
        assert len(gate.judged) == ROUNDS + 1
        await soon(bench.supervisor.load("primary", "alpha", force=True))
    assert bench.slot.state is SlotState.READY and other(bench).state is SlotState.READY


async def test_a_switch_that_is_cancelled_meanwhile_evicts_nobody(two: Two) -> None:
    gate = FakeGate()
    bench = await two(gate)
    gate.judging, gate.otherwise = Step(), Verdict(evict=("second",))
    loading = spawn(bench.supervisor.load("primary", "alpha"), name="load")
    await soon(gate.judging.begun.wait())
    await bench.supervisor.cancel("primary")
    gate.judging.finish()
    with pytest.raises(SwitchCancelled):
        await soon(loading)
    await until(lambda: len(gate.judged) == 1, "the judgement")
    assert other(bench).state is SlotState.READY


async def test_a_pinned_slot_is_no_candidate(two: Two) -> None:
    gate = FakeGate()
    bench = await two(gate, pinned=True, priority=7)
    await soon(bench.supervisor.load("primary", "alpha"))
    seen = gate.told[0][0]
    assert (seen.slot, seen.model.id, seen.pid) == ("second", "beta", 1001)
    assert (seen.evictable, seen.priority) == (False, 7)
    assert other(bench).priority == 7


# -- promises ----------------------------------------------------------------------------------------------


async def test_a_promise_counts_from_the_judgement_until_the_engine_runs(two: Two) -> None:
    gate = FakeGate()
    bench = await two(gate)
    await soon(bench.supervisor.load("primary", "alpha"))
    gate.answers = [Verdict(context=8192)]
    bench.launcher.automatic -= {"stop", "launch"}

    def promised() -> list[Occupant]:
        return [o for o in bench.supervisor.occupants() if o.slot == "primary" and o.pid is None]

    loading = spawn(bench.supervisor.load("primary", "gamma"), name="load")
    stop = await bench.launcher.begun("stop", 1002)
    gamma = Occupant("primary", MODELS["gamma"], None, context=8192)
    assert promised() == [gamma], "while the old engine stops"
    assert bench.slot.context_length == 8192, "known before it loads"
    stop.finish()
    launch = await bench.launcher.begun("launch", "gamma")
    assert [(o.model.id, o.context) for o in promised()] == [("gamma", 8192)], "while it is made"
    launch.finish()
    await soon(loading)
    assert promised() == []
    mine = [o for o in bench.supervisor.occupants() if o.slot == "primary"]
    assert [(o.pid, o.context, o.evictable) for o in mine] == [(1003, 8192, True)]
    assert gate.waited == [("primary", "gamma", 8192, False)]
    assert bench.launcher.contexts == {"beta": None, "alpha": None, "gamma": 8192}


@pytest.mark.parametrize("how", ["cancelled", "turned elsewhere", "failed"])
async def test_a_promise_ends_with_its_switch(make: Callable[..., Bench], how: str) -> None:
    gate = FakeGate()
    bench = make(gate=gate)
    await soon(bench.supervisor.load("primary", "alpha"))
    bench.launcher.automatic -= {"stop", "ready"}
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    stop = await bench.launcher.begun("stop", 1001)
    assert [o.model.id for o in bench.supervisor.occupants() if o.pid is None] == ["beta"]
    orders = []
    if how == "cancelled":
        await bench.supervisor.cancel("primary")
    elif how == "turned elsewhere":
        orders.append(spawn(bench.supervisor.load("primary", "gamma"), name="other"))
        await asyncio.wait([loading])
    if how != "failed":
        assert [o.model.id for o in bench.supervisor.occupants() if o.pid is None] == []
    stop.finish()
    bench.launcher.automatic |= {"stop"}
    if how == "failed":
        (await bench.launcher.begun("ready", "beta")).finish(EngineFailed("bad"))
    last = "gamma" if how == "turned elsewhere" else "alpha"
    (await bench.launcher.begun("ready", last)).finish()
    with pytest.raises((SwitchCancelled, EngineFailed)):
        await soon(loading)
    await soon(asyncio.gather(*orders))
    await bench.until(lambda s: s.state is SlotState.READY, "the end")
    assert [(o.model.id, o.pid is None) for o in bench.supervisor.occupants()] == [(last, False)]


async def test_what_is_restored_gets_its_context_back_by_force(make: Callable[..., Bench]) -> None:
    gate = FakeGate(Verdict(context=4096), Verdict(context=2048))
    bench = make(gate=gate)
    await soon(bench.supervisor.load("primary", "alpha"))
    bench.launcher.automatic -= {"ready"}
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    (await bench.launcher.begun("ready", "beta")).finish(EngineFailed("bad"))
    (await bench.launcher.begun("ready", "alpha")).finish()
    with pytest.raises(EngineFailed):
        await soon(loading)
    await bench.until(lambda s: s.state is SlotState.READY, "alpha again")
    assert gate.waited == [("primary", "beta", 2048, False), ("primary", "alpha", 4096, True)]
    assert bench.launcher.contexts["alpha"] == 4096 and len(gate.judged) == 2


async def test_memory_that_does_not_come_back_fails_the_load_and_says_who_holds_it(
    make: Callable[..., Bench],
) -> None:
    gate = FakeGate()
    bench = make(gate=gate)
    await soon(bench.supervisor.load("primary", "alpha"))
    gate.refusal = MemoryInsufficient("chrome (4242) holds 6 GB.")
    with pytest.raises(MemoryInsufficient, match="chrome"):
        await soon(bench.supervisor.load("primary", "beta"))
    await bench.until(lambda s: s.state is SlotState.READY, "alpha again")
    assert bench.slot.model == "alpha" and bench.slot.last_error is not None
    assert "chrome" in bench.slot.last_error.message
    assert ("launch", "beta") not in bench.launcher.calls


async def test_force_given_while_room_is_waited_for_counts(make: Callable[..., Bench]) -> None:
    gate = FakeGate()
    bench = make(gate=gate)
    await soon(bench.supervisor.load("primary", "alpha"))
    gate.waiting = Step()
    gate.refusal = MemoryInsufficient("chrome (4242) holds 6 GB.")
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    await soon(gate.waiting.begun.wait())
    forced = spawn(bench.supervisor.load("primary", "beta", force=True), name="force")
    with pytest.raises(SwitchCancelled):
        await soon(loading)
    gate.waiting.finish()
    await soon(forced)
    assert (bench.slot.state, bench.slot.model) == (SlotState.READY, "beta")


async def test_what_may_not_run_any_more_is_not_restored(make: Callable[..., Bench]) -> None:
    """hal0.yaml was changed while the next model loaded; a model's check comes before a switch only."""
    bench = make(gate=FakeGate())
    await soon(bench.supervisor.load("primary", "alpha"))
    bench.launcher.automatic -= {"ready"}
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    ready = await bench.launcher.begun("ready", "beta")
    barred = replace(MODELS["alpha"], problem="It is computed on other machines, too.")
    bench.supervisor.set_models("primary", {**MODELS, "alpha": barred})
    ready.finish(EngineFailed("bad"))
    with pytest.raises(EngineFailed):
        await soon(loading)
    await bench.until(lambda s: s.state is SlotState.FAILED, "the end")
    assert bench.launcher.calls.count(("launch", "alpha")) == 1 and bench.launcher.running == {}


@pytest.mark.parametrize("order", ["unload", "close"])
async def test_waiting_for_room_can_be_broken_off(make: Callable[..., Bench], order: str) -> None:
    gate = FakeGate()
    bench = make(gate=gate)
    await soon(bench.supervisor.load("primary", "alpha"))
    gate.waiting = Step()
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    await soon(gate.waiting.begun.wait())
    assert [o.model.id for o in gate.told_while_waiting[0]] == ["beta"]
    await soon(bench.supervisor.unload("primary") if order == "unload" else bench.supervisor.close())
    assert gate.waiting.cancelled and bench.slot.state is SlotState.UNLOADED
    with pytest.raises(Exception, match=r"replaced|shutting down"):
        await soon(loading)
    assert ("launch", "beta") not in bench.launcher.calls


async def test_closing_while_the_gate_judges_or_others_are_evicted(two: Two) -> None:
    gate = FakeGate()
    bench = await two(gate)
    gate.otherwise = Verdict(evict=("second",))
    bench.launcher.automatic -= {"stop"}
    loading = spawn(bench.supervisor.load("primary", "alpha"), name="load")
    stop = await bench.launcher.begun("stop", 1001)
    closing = spawn(bench.supervisor.close(), name="close")
    with pytest.raises(Exception, match="shutting down"):
        await soon(loading)
    stop.finish()
    await soon(closing)
    assert bench.launcher.running == {} and bench.slot.evicting == ()
