"""Random interleavings of requests, commands, engine events and time: what must hold after every step."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from router.config.schema import Kind, LimitsConfig, SlotConfig, SwitchPolicy
from router.effects import AbortLeases, CheckModel, Done, Effect, Grant, Refuse, StartEngine, StopEngine
from router.errors import BadModel, EngineFailed
from router.scheduler import SlotScheduler
from router.state import SlotState

MODELS = st.sampled_from(["a", "a-hot", "b", "c"])
NAMES = st.one_of(st.none(), MODELS)


class OneSlot(RuleBasedStateMachine):
    """Plays the supervisor: holds what the scheduler asked for until a rule lets it happen."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.next_ticket = 1
        self.open: set[int] = set()  # requests and commands without an outcome
        self.requests: dict[int, str | None] = {}
        self.leases: dict[int, int] = {}  # ticket -> generation
        self.checks: list[CheckModel] = []
        self.starting: StartEngine | None = None
        self.alive: dict[int, str] = {}  # engines that exist, by generation
        self.stops: list[StopEngine] = []
        self.closed = False

    @initialize(
        selected=st.one_of(st.none(), MODELS),
        policy=st.sampled_from(SwitchPolicy),
        pinned=st.booleans(),
        idle=st.sampled_from([0.0, 20.0]),
    )
    def make(self, selected: str | None, policy: SwitchPolicy, pinned: bool, idle: float) -> None:
        slot = SlotConfig("s", Kind.CHAT, switch=policy, pinned=pinned, idle_unload=idle, drain_timeout=10)
        self.s = SlotScheduler(slot, LimitsConfig(queue=3, wait=25), lambda model: model[0], selected)

    # -- what the outside does -------------------------------------------------------------------------

    @rule(model=NAMES)
    def acquire(self, model: str | None) -> None:
        ticket = self.ticket()
        self.requests[ticket] = model
        self.carry_out(self.s.acquire(ticket, model, self.now))

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(sorted(self.requests)))
        self.open.discard(ticket)
        self.leases.pop(ticket, None)
        del self.requests[ticket]
        self.carry_out(self.s.release(ticket, self.now))

    @rule(model=MODELS)
    def load(self, model: str) -> None:
        self.carry_out(self.s.load(self.ticket(), model, self.now))

    @rule()
    def unload(self) -> None:
        self.carry_out(self.s.unload(self.ticket(), self.now))

    @rule()
    def restart(self) -> None:
        self.carry_out(self.s.restart(self.ticket(), self.now))

    @rule()
    def cancel(self) -> None:
        self.carry_out(self.s.cancel(self.now))

    @rule(seconds=st.sampled_from([0.0, 1.0, 9.0, 30.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.carry_out(self.s.tick(self.now))

    # -- what engines do -------------------------------------------------------------------------------

    @precondition(lambda self: self.checks)
    @rule(good=st.booleans())
    def check_answers(self, good: bool) -> None:
        check = self.checks.pop(0).check
        answer = self.s.checked(check, self.now) if good else None
        self.carry_out(self.s.check_failed(check, BadModel("no"), self.now) if answer is None else answer)

    @precondition(lambda self: self.starting)
    @rule(good=st.booleans())
    def start_answers(self, good: bool) -> None:
        assert self.starting is not None
        generation, self.starting = self.starting.generation, None
        if good:
            self.carry_out(self.s.engine_ready(generation, self.now))
        else:
            del self.alive[generation]
            self.carry_out(self.s.engine_failed(generation, EngineFailed("bad"), self.now))

    @precondition(lambda self: self.starting)
    @rule(fraction=st.floats(0, 1))
    def progress(self, fraction: float) -> None:
        assert self.starting is not None
        self.carry_out(self.s.engine_progress(self.starting.generation, SlotState.LOADING, fraction))

    @precondition(lambda self: self.stops)
    @rule()
    def stop_answers(self) -> None:
        generation = self.stops.pop(0).generation
        self.alive.pop(generation, None)
        self.starting = None
        self.carry_out(self.s.engine_stopped(generation, self.now))

    @precondition(lambda self: self.alive and not self.starting and not self.stops)
    @rule()
    def crash(self) -> None:
        generation = next(iter(self.alive))
        del self.alive[generation]
        self.carry_out(self.s.engine_exited(generation, EngineFailed("crash"), self.now))

    # -- what must hold --------------------------------------------------------------------------------

    @invariant()
    def one_engine_at_most(self) -> None:
        assert len(self.alive) <= 1

    @invariant()
    def leases_balance(self) -> None:
        assert self.s.leases == self.leases

    @invariant()
    def every_open_ticket_waits(self) -> None:
        assert {w.ticket for w in self.s.waiters} == self.open

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        """While someone waits, something is under way or a deadline is set."""
        if self.s.waiters:
            assert self.checks or self.starting or self.stops or self.s.next_deadline() is not None

    @invariant()
    def state_and_engine_agree(self) -> None:
        if self.s.phase is SlotState.READY:
            assert self.alive and self.s.running and self.s.switch is None
            assert self.alive[self.s.generation][0] == self.s.running[0]
        if self.s.phase in (SlotState.UNLOADED, SlotState.FAILED):
            assert not self.alive and self.s.running is None and self.s.switch is None

    def teardown(self) -> None:
        """Let everything that is under way end well: then nobody may be left."""
        if not hasattr(self, "s"):
            return
        for _ in range(200):
            if self.checks:
                self.check_answers(good=True)
            elif self.stops:
                self.stop_answers()
            elif self.starting:
                self.start_answers(good=True)
            elif self.leases:
                ticket = next(iter(self.leases))
                del self.leases[ticket], self.requests[ticket]
                self.carry_out(self.s.release(ticket, self.now))
            elif self.open:
                deadline = self.s.next_deadline()
                assert deadline is not None, "someone waits for nothing"
                self.now = max(self.now, deadline)
                self.carry_out(self.s.tick(self.now))
            else:
                break
        assert not self.open and not self.s.waiters
        self.carry_out(self.s.close(self.now))
        while self.stops:
            self.stop_answers()
        assert not self.alive and self.s.phase is SlotState.UNLOADED

    # -- carrying out ----------------------------------------------------------------------------------

    def ticket(self) -> int:
        ticket, self.next_ticket = self.next_ticket, self.next_ticket + 1
        self.open.add(ticket)
        return ticket

    def carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Grant(ticket, model, generation):
                    self.end(ticket)
                    asked = self.requests[ticket]
                    assert asked in (None, model), "served by the model it named"
                    assert self.alive[generation][0] == model[0], "by an engine that is alive"
                    self.leases[ticket] = generation
                case Refuse(ticket, _) | Done(ticket):
                    self.end(ticket)
                case CheckModel():
                    self.checks = [effect]  # an older check's answer is ignored by its number
                case StartEngine(generation, model):
                    assert not self.alive, "the old engine is reaped before the new one starts"
                    self.alive[generation], self.starting = model, effect
                case StopEngine(generation):
                    assert generation in self.alive and not self.stops
                    self.stops.append(effect)
                case AbortLeases(generation):
                    assert generation in self.leases.values()

    def end(self, ticket: int) -> None:
        assert ticket in self.open, "one outcome each"
        self.open.remove(ticket)


TestOneSlot = OneSlot.TestCase
TestOneSlot.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
