"""`together:`: what is loaded at the same time, who is waited for, and how it is explained."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from types import MappingProxyType
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from router.base.errors import EngineFailed, MemoryInsufficient, NotTogether, RouterError, WaitTimeout
from router.base.tasks import spawn
from router.catalog.model import Model
from router.config.schema import Kind, LimitsConfig, SlotConfig
from router.config.together import may_be_together
from router.engine.log import EngineLog
from router.engine.process import EngineProcess
from router.memory.admit.gate import Gate, Occupants, Verdict
from router.slots.lease import Lease
from router.slots.supervisor import Supervisor
from router.state import SlotState, SlotStatus, StateStore
from tests.engines.running import soon, until
from tests.router.fake_gate import FakeGate
from tests.router.fake_launcher import FakeLauncher, Step

SETS = (("chat", "embed"), ("coder",))
NAMES = ("chat", "embed", "coder", "free")


class Desk:
    """A supervisor with the slots of NAMES, each with three models named after it: `chat1`, ..."""

    def __init__(
        self,
        launcher: FakeLauncher | None = None,
        gate: Gate | None = None,
        *,
        sets: tuple[tuple[str, ...], ...] = SETS,
        pinned: tuple[str, ...] = (),
        wait: float = 120.0,
    ) -> None:
        self.store = StateStore()
        self.launcher = launcher or FakeLauncher()
        self.supervisor = Supervisor(self.store, self.launcher, gate=gate)
        self.supervisor.set_together(sets)
        for name in NAMES:
            models = {
                m: Model(m, Kind.CHAT, display_name=m, command=f"{m} {{port}}")
                for m in (f"{name}1", f"{name}2", f"{name}3")
            }
            slot = SlotConfig(name, Kind.CHAT, pinned=name in pinned)
            self.supervisor.add_slot(slot, LimitsConfig(wait=wait), MappingProxyType(models), f"{name}1")

    def slot(self, name: str) -> SlotStatus:
        found = self.store.snapshot.slot(name)
        assert found is not None
        return found

    async def until(self, name: str, wanted: Any, what: str) -> None:
        await until(lambda: wanted(self.slot(name)), f"{what}; it is {self.slot(name)}")

    async def ask(self, slot: str, hold: asyncio.Event | None = None) -> Lease:
        async with self.supervisor.ticket(slot, None) as ticket:
            lease = await ticket.lease()
            if hold is not None:
                await hold.wait()
            return lease

    def loaded(self) -> set[str]:
        return {status.name for status in self.store.snapshot.slots if status.pid is not None}


@pytest.fixture
async def desk() -> Any:
    desk = Desk()
    yield desk
    await soon(desk.supervisor.close(), "close")


async def test_a_load_unloads_the_slots_of_other_sets(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "router.slots")
    for name in ("chat", "embed", "free"):
        await soon(desk.supervisor.load(name, f"{name}1"))
    assert desk.loaded() == {"chat", "embed", "free"}
    await soon(desk.supervisor.load("coder", "coder1"))
    assert desk.loaded() == {"coder", "free"}, "one that is in no set is beside all"
    assert desk.slot("coder").apart == ()
    sentence = "unloads chat and embed: together: in hal0.yaml does not let both be loaded at the same time"
    assert f"slot coder: {sentence}" in caplog.messages
    await soon(desk.ask("embed"))
    assert desk.loaded() == {"embed", "free"}, "so does a request"


async def test_the_state_says_why_a_slot_is_emptied(desk: Desk) -> None:
    await soon(desk.supervisor.load("chat", "chat1"))
    desk.launcher.automatic -= {"stop"}
    loading = spawn(desk.supervisor.load("coder", "coder1"), name="load")
    stop = await desk.launcher.begun("stop", 1001)
    assert (desk.slot("coder").evicting, desk.slot("coder").apart) == (("chat",), ("chat",))
    desk.launcher.automatic |= {"stop"}
    stop.finish()
    await soon(loading)


async def test_one_that_is_in_use_is_waited_for(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "router.slots")
    hold = asyncio.Event()
    stream = spawn(desk.ask("chat", hold), name="stream")
    await desk.until("chat", lambda s: s.in_flight == 1, "the stream")
    await soon(desk.supervisor.load("embed", "embed1"))
    waiting = spawn(desk.ask("coder"), name="asks for coder")
    await desk.until("coder", lambda s: s.apart == ("chat", "embed"), "it to wait")
    assert desk.slot("coder").state is SlotState.QUEUED and desk.slot("coder").evicting == ()
    assert desk.loaded() == {"chat", "embed"}, "nothing is emptied before all can be"
    assert "waits until chat is idle" in caplog.text
    hold.set()
    assert (await soon(waiting)).model.id == "coder1"
    assert not (await soon(stream)).aborted and desk.loaded() == {"coder"}


async def test_a_wait_can_be_given_up(desk: Desk) -> None:
    hold = asyncio.Event()
    stream = spawn(desk.ask("chat", hold), name="stream")
    await desk.until("chat", lambda s: s.in_flight == 1, "the stream")
    loading = spawn(desk.supervisor.load("coder", "coder1"), name="load")
    await desk.until("coder", lambda s: s.apart == ("chat",), "it to wait")
    await desk.supervisor.cancel("coder")
    with pytest.raises(RouterError, match="cancelled"):
        await soon(loading)
    assert desk.slot("coder").apart == () and desk.loaded() == {"chat"}
    hold.set()
    await soon(stream)
    assert desk.loaded() == {"chat"}


async def test_who_waited_too_long_is_told_for_whom() -> None:
    desk = Desk(wait=0.2)
    hold = asyncio.Event()
    stream = spawn(desk.ask("chat", hold), name="stream")
    await desk.until("chat", lambda s: s.in_flight == 1, "the stream")
    with pytest.raises(WaitTimeout, match="for chat, in use and by together: ") as told:
        await soon(desk.ask("coder"))
    assert told.value.retry_after
    hold.set()
    await soon(stream)
    await soon(desk.supervisor.close())


async def test_a_pinned_one_stays_and_the_refusal_says_so() -> None:
    desk = Desk(pinned=("chat",))
    await soon(desk.supervisor.load("chat", "chat1"))
    for force in (False, True):
        with pytest.raises(NotTogether) as told:
            await soon(desk.supervisor.load("coder", "coder1", force=force))
    assert told.value.message == (
        'Model "coder1" was not loaded into "coder": together: in hal0.yaml does not let it be loaded at the '
        "same time as chat, which is pinned; unload chat first, or change together:."
    )
    assert (told.value.status, told.value.code) == (409, "slot.not_together")
    await soon(desk.supervisor.unload("chat"))
    assert (await soon(desk.ask("coder"))).model.id == "coder1", "no failure was counted"
    await soon(desk.supervisor.close())


async def test_bytes_are_counted_without_those_that_leave_and_a_refusal_touches_nothing() -> None:
    gate = FakeGate()
    desk = Desk(gate=gate)
    await soon(desk.supervisor.load("chat", "chat1"))
    gate.answers = [MemoryInsufficient("It is too large.")]
    with pytest.raises(MemoryInsufficient):
        await soon(desk.supervisor.load("coder", "coder1"))
    assert [(o.slot, o.apart) for o in gate.told[-1]] == [("chat", True)]
    assert desk.loaded() == {"chat"}
    gate.answers = [Verdict(beside=False)]
    await soon(desk.supervisor.load("coder", "coder1"))
    assert gate.told[-1] == [], "it is judged again once they have left"
    assert desk.loaded() == {"coder"}
    await soon(desk.supervisor.close())


async def test_what_nobody_waits_for_unloads_nothing(desk: Desk) -> None:
    """As at hal0's start: a request has come before it. Asked for, it is loaded."""
    await soon(desk.supervisor.load("chat", "chat1"))
    with pytest.raises(NotTogether, match="the same time as chat, which is loaded already"):
        await soon(desk.supervisor.load_unasked("coder", "coder1"))
    assert desk.loaded() == {"chat"}
    await soon(desk.ask("coder"))
    assert desk.loaded() == {"coder"}


async def test_other_sets_count_for_what_is_loaded_next(desk: Desk) -> None:
    await soon(desk.supervisor.load("chat", "chat1"))
    hold = asyncio.Event()
    stream = spawn(desk.ask("chat", hold), name="stream")
    await desk.until("chat", lambda s: s.in_flight == 1, "the stream")
    loading = spawn(desk.supervisor.load("coder", "coder1"), name="load")
    await desk.until("coder", lambda s: s.apart == ("chat",), "it to wait")
    desk.supervisor.set_together(())
    await soon(loading, "the load that is free to go now")
    assert desk.loaded() == {"chat", "coder"}
    desk.supervisor.set_together(SETS)
    assert desk.loaded() == {"chat", "coder"}, "what is loaded stays"
    await soon(desk.supervisor.load("coder", "coder2"), "nobody is waited for: it had its place")
    hold.set()
    await soon(stream)
    await soon(desk.supervisor.load("coder", "coder1"))
    assert desk.loaded() == {"coder"}
    assert desk.store.snapshot.together == SETS


class Wild(FakeLauncher):
    """A launcher and a gate: every step waits until the test ends it. `broken`: slots that were loaded together
    and may not be."""

    def __init__(self, sets: tuple[tuple[str, ...], ...]) -> None:
        super().__init__()
        self.automatic = set()
        self.pending: list[tuple[str, Step]] = []
        self.broken: list[set[str]] = []
        self._sets = sets
        self._starting: list[str] = []

    async def launch(self, model: Model, log: EngineLog, *args: Any, **kw: Any) -> EngineProcess:
        slot = model.id[:-1]
        self._starting.append(slot)
        now = {*self._starting, *(engine.launch.argv[0][:-1] for engine in self.running.values())}
        if not may_be_together(now, self._sets):
            self.broken.append(now)
        try:
            return await super().launch(model, log, *args, **kw)
        finally:
            self._starting.remove(slot)

    async def judge(self, slot: str, model: Model, occupants: Occupants, *, force: bool = False) -> Verdict:
        """See Gate: it takes its time, too."""
        await self._step("judge", model.id)
        return Verdict()

    async def wait_for_room(self, *_: Any, **__: Any) -> None:
        return

    async def prompt_cache(self, *_: Any) -> int | None:
        return None

    async def _step(self, name: str, what: str | int) -> None:
        self.calls.append((name, what))
        if name in self.automatic:
            return
        step = Step()
        self.pending.append((name, step))
        await step.pass_through()


SLOTS = st.sampled_from(NAMES)
OPS = st.one_of(
    st.tuples(st.just("load"), SLOTS, st.sampled_from("123"), st.booleans()),
    st.tuples(st.sampled_from(["unload", "cancel", "restart", "ask", "ask"]), SLOTS),
    st.tuples(st.just("step"), st.integers(0, 3), st.sampled_from([True, True, True, False])),
    st.tuples(st.just("step"), st.integers(0, 3), st.just(True)),
    st.tuples(st.sampled_from(["leave", "dies"]), st.integers(0, 3)),
)
MANY = (
    SETS,
    (("chat", "embed"), ("embed", "coder"), ("chat", "coder")),
    (("chat",), ("embed",), ("coder", "free")),
)


def load(slot: str, number: str, steps: int) -> list[tuple[Any, ...]]:
    """A load, and so many steps of it."""
    return [("load", slot, number, False), *[("step", 0, True)] * steps]


# A slot that goes back to the model before, which takes no other check, while another one is loaded.
RETURNS = [
    *load("chat", "1", 4),
    *load("chat", "2", 3),  # checked, and what ran is stopped
    *load("chat", "3", 2),  # what was starting is stopped
    *load("coder", "1", 0),
    ("step", 1, True),
    ("step", 1, True),
    ("step", 1, True),
    ("cancel", "chat"),
    *[("step", 0, True)] * 6,
]


@settings(max_examples=150, deadline=None)
@example(ops=RETURNS, sets=SETS, pinned=())
@given(
    ops=st.lists(OPS, min_size=5, max_size=60),
    sets=st.sampled_from(MANY),
    pinned=st.sampled_from([(), ("chat",)]),
)
def test_no_state_ever_breaks_it(
    ops: list[tuple[Any, ...]], sets: tuple[tuple[str, ...], ...], pinned: tuple[str, ...]
) -> None:
    asyncio.run(play(ops, sets, pinned))


async def play(ops: list[tuple[Any, ...]], sets: tuple[tuple[str, ...], ...], pinned: tuple[str, ...]) -> None:
    launcher = Wild(sets)
    desk = Desk(launcher, launcher, sets=sets, pinned=pinned)
    tasks: list[asyncio.Task[Any]] = []
    holds: list[asyncio.Event] = []
    leases: list[Lease] = []

    async def ask(slot: str, hold: asyncio.Event) -> None:
        async with desk.supervisor.ticket(slot, None) as ticket:
            leases.append(await ticket.lease())
            await hold.wait()

    async def quietly(order: Any) -> None:
        with contextlib.suppress(RouterError):
            await order

    def start(order: Any) -> None:
        tasks.append(spawn(quietly(order), name="order"))

    for op, *words in ops:
        match op, words:
            case "load", (slot, number, force):
                start(desk.supervisor.load(slot, f"{slot}{number}", force=force))
            case "unload" | "cancel" | "restart", (slot,):
                start(getattr(desk.supervisor, op)(slot))
            case "ask", (slot,):
                holds.append(asyncio.Event())
                start(ask(slot, holds[-1]))
            case "leave", (index,) if index < len(holds):
                holds.pop(index).set()
            case "dies", (index,) if index < len(launcher.running):
                engine = list(launcher.running.values())[index]
                if not engine.exited.done():
                    engine.exited.set_result(-9)
            case "step", (index, good) if index < len(launcher.pending):
                name, step = launcher.pending.pop(index)
                # An engine that outlives every signal is nobody's to count.
                step.finish(None if good or name == "stop" else EngineFailed("It is cracked."))
        await turns()
        assert launcher.broken == []
        assert not any(lease.aborted for lease in leases), "who is served is never cut off for another slot"
    launcher.automatic = {"check", "judge", "launch", "ready", "stop"}
    for _name, step in launcher.pending:
        step.finish()
    for hold in holds:
        hold.set()
    await soon(asyncio.gather(*tasks), "everybody who asked to be told something")
    for name in NAMES:
        try:
            await soon(desk.supervisor.load(name, f"{name}1"), f"{name} at rest")
        except NotTogether as error:
            assert error.details["apart"] == list(pinned) and pinned[0] in desk.loaded()
        assert may_be_together(desk.loaded(), sets)
    await soon(desk.supervisor.close(), "close")
    assert launcher.broken == []


async def turns() -> None:
    """Let everything happen that happens without a new event."""
    for _ in range(2):
        for _ in range(15):
            await asyncio.sleep(0)
        await asyncio.to_thread(int)  # what others have a thread do is done by then, most of the time
