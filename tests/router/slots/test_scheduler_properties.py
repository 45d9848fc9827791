"""Random interleavings of requests, commands, engine events and time: what must hold after every step."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from router.base.errors import BadModel, EngineFailed, MemoryInsufficient, RouterError
from router.config.schema import Kind, LimitsConfig, SlotConfig, SwitchPolicy
from router.slots.effects import AbortLeases, CheckModel, Done, Effect, Grant, Refuse, StartEngine, StopEngine
from router.slots.engines import NEVER, Engine
from router.slots.scheduler import SlotScheduler
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
        self.served: dict[int, str] = {}  # ticket -> model
        self.limit = 0  # of the model "a"
        self.checks: list[CheckModel] = []
        self.forced: set[int] = set()  # orders to load by force
        self.passed: str | None = None  # what was found to be launchable last
        self.starting: StartEngine | None = None
        self.read = 0.0  # of what is starting, a fraction
        self.alive: dict[int, str] = {}  # engines that exist, by generation
        self.ready: set[int] = set()
        self.stops: list[StopEngine] = []
        self.closed = False

    @initialize(
        selected=st.one_of(st.none(), MODELS),
        policy=st.sampled_from(SwitchPolicy),
        pinned=st.booleans(),
        idle=st.sampled_from([0.0, 20.0]),
        start=st.sampled_from(["empty", "loaded", "loads beside", "leaves"]),
        limit=st.sampled_from([0, 0, 1, 2]),
    )
    def make(
        self, selected: str | None, policy: SwitchPolicy, pinned: bool, idle: float, start: str, limit: int
    ) -> None:
        """`start`: two engines at once take many steps to come about by chance, so many runs begin there."""
        slot = SlotConfig("s", Kind.CHAT, switch=policy, pinned=pinned, idle_unload=idle, drain_timeout=10)
        self.limit = limit
        self.s = SlotScheduler(
            slot, LimitsConfig(queue=3, wait=25), lambda model: model[0], selected, self.limit_of
        )
        if start == "empty":
            return
        self.load("a", force=False)
        self.check_answers(beside=False)
        self.start_answers(good=True)
        if start != "loaded":
            self.switch_beside("b", held=1, ready=start == "leaves")

    # -- what the outside does -------------------------------------------------------------------------

    @rule(model=NAMES)
    def acquire(self, model: str | None) -> None:
        ticket = self.ticket()
        self.requests[ticket] = model
        draining = self.s.phase is SlotState.DRAINING
        self.carry_out(self.s.acquire(ticket, model, self.now))
        assert not (draining and ticket in self.leases), "who comes later must not hold up a switch"

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), answered=st.booleans())
    def release(self, data: st.DataObject, answered: bool) -> None:
        ticket = data.draw(st.sampled_from(sorted(self.requests)))
        self.open.discard(ticket)
        generation = self.leases.pop(ticket, None)
        self.served.pop(ticket, None)
        del self.requests[ticket]
        self.carry_out(self.s.release(ticket, self.now, answered=answered))
        if answered and generation is not None and generation == self.running_generation():
            assert not self.s.recovered, "an answer closes the case"

    @rule(model=MODELS, force=st.booleans(), afresh=st.booleans())
    def load(self, model: str, force: bool, afresh: bool = False) -> None:
        ticket = self.ticket()
        if force:
            self.forced.add(ticket)
        self.carry_out(self.s.load(ticket, model, self.now, force, afresh=afresh))

    @precondition(lambda self: self.s.phase is SlotState.READY and self.s.engines.leaving is None)
    @rule(model=MODELS, held=st.integers(0, 2), ready=st.booleans())
    def switch_beside(self, model: str, held: int, ready: bool) -> None:
        """With `held` requests on the old engine."""
        for _ in range(held):
            self.acquire(None)
        self.load(model, force=False)
        if self.checks and self.s.awaits(self.checks[0].check):
            self.check_answers(beside=True)
            if ready:
                self.start_answers(good=True)

    @rule(order=st.sampled_from(["unload", "restart", "cancel", "cut", "wait", "hurry", "evict"]))
    def order(self, order: str) -> None:
        """One rule for what ends things, so that chance does not end everything at once."""
        match order:
            case "unload":
                self.carry_out(self.s.unload(self.ticket(), self.now))
            case "restart":
                self.carry_out(self.s.restart(self.ticket(), self.now))
            case "cancel":
                self.carry_out(self.s.cancel(self.now))
            case "evict":
                self.evict()
            case "cut" | "wait" | "hurry":
                self.carry_out(getattr(self.s, order)(self.now))
                assert order != "cut" or self.s.engines.draining is None, "nobody is waited for any more"

    def evict(self) -> None:
        """Another slot wants the memory."""
        needed = self.s.switch or (self.alive and (self.s.in_flight or self.s.queued or self.s.slot.pinned))
        effects = self.s.evict(self.ticket(), self.now)
        if needed:
            assert [type(e) for e in effects] == [Refuse], "who is needed stays"
        self.carry_out(effects)

    @rule(seconds=st.sampled_from([0.0, 1.0, 9.0, 30.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.carry_out(self.s.tick(self.now))
        deadline = self.s.next_deadline()
        assert deadline is None or deadline > self.now, "what was due is done"

    @precondition(lambda self: any(engine.doubted for engine in self.ready_engines()))
    @rule(data=st.data())
    def still_answers(self, data: st.DataObject) -> None:
        doubted = [engine.generation for engine in self.ready_engines() if engine.doubted]
        self.carry_out(self.s.engine_answers(data.draw(st.sampled_from(doubted)), self.now))

    def ready_engines(self) -> list[Engine]:
        return [engine for engine in (self.s.engines.running, self.s.engines.leaving) if engine is not None]

    @rule(seconds=st.sampled_from([0.0, 9.0, 700.0]))
    def stands_still(self, seconds: float) -> None:
        """The loop's clock goes on without hal0: no limit comes nearer."""
        before = self.s.next_deadline()
        self.now += seconds
        waiting = set(self.open)
        self.carry_out(self.s.resumed(seconds, self.now))
        assert self.open == waiting, "nobody is refused for it"
        deadline = self.s.next_deadline()
        if before is not None and deadline is not None and self.s.phase is not SlotState.FAILED:
            assert deadline >= before + seconds - 1e-6

    # -- what engines do -------------------------------------------------------------------------------

    @precondition(lambda self: self.checks)
    @rule(beside=st.booleans())
    def check_answers(self, beside: bool) -> None:
        check = self.checks.pop(0)
        if self.s.awaits(check.check):
            order = self.s.waiters.command
            assert check.force or order is None or order.ticket not in self.forced, "asked for by force"
            self.passed = check.model
        self.carry_out(self.s.checked(check.check, self.now, beside=beside))

    @precondition(lambda self: self.checks)
    @rule(error=st.sampled_from([BadModel("no"), MemoryInsufficient("too large")]))
    def check_fails(self, error: RouterError) -> None:
        before = list(self.stops)
        self.carry_out(self.s.check_failed(self.checks.pop(0).check, error, self.now))
        assert self.stops == before, "what runs is not touched"

    @precondition(lambda self: self.starting)
    @rule(good=st.booleans())
    def start_answers(self, good: bool) -> None:
        assert self.starting is not None
        generation, self.starting = self.starting.generation, None
        if good:
            self.ready.add(generation)
            self.carry_out(self.s.engine_ready(generation, self.now))
        else:
            del self.alive[generation]
            self.carry_out(self.s.engine_failed(generation, EngineFailed("bad"), self.now))

    @precondition(lambda self: self.starting)
    @rule(fraction=st.floats(0, 1))
    def progress(self, fraction: float) -> None:
        assert self.starting is not None
        self.read = max(self.read, fraction)
        phase = SlotState.LOADING if self.read < 1 else SlotState.WARMING
        self.carry_out(self.s.engine_progress(self.starting.generation, phase, self.read))

    @precondition(lambda self: self.stops)
    @rule(data=st.data(), good=st.sampled_from([True, True, True, False]))
    def stop_answers(self, data: st.DataObject | None, good: bool) -> None:
        stop = self.stops[0] if data is None else data.draw(st.sampled_from(self.stops))
        self.stops.remove(stop)
        if self.starting is not None and self.starting.generation == stop.generation:
            self.starting = None
        self.alive.pop(stop.generation, None)
        error = None if good else EngineFailed("it lives on")
        self.carry_out(self.s.engine_stopped(stop.generation, self.now, error))
        if error is not None and not self.closed:
            assert self.s.last_error is not None

    @precondition(lambda self: self.ready & self.alive.keys())
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        generation = data.draw(st.sampled_from(sorted(self.ready & self.alive.keys())))
        del self.alive[generation]
        self.carry_out(self.s.engine_exited(generation, EngineFailed("crash"), self.now))

    # -- what must hold --------------------------------------------------------------------------------

    @invariant()
    def two_engines_at_most(self) -> None:
        """One that answers, and one that loads beside it or leaves."""
        assert len(self.alive) <= 2
        stopping = {stop.generation for stop in self.stops}
        if len(self.alive) == 2 and not stopping:
            assert self.starting or self.s.engines.leaving

    @invariant()
    def whoever_leaves_is_stopped(self) -> None:
        stopping = {stop.generation for stop in self.stops}
        for generation in self.alive.keys() - stopping:
            wanted = generation == self.running_generation()
            loading = self.starting is not None and generation == self.starting.generation
            leaving = self.s.engines.leaving is not None and generation == self.s.engines.leaving.generation
            assert wanted or loading or leaving, "an engine that nobody minds"
            if leaving and self.s.engines.leaving is not None:
                assert generation in self.leases.values(), "it has nothing left to answer"
                patient = self.s.engines.leaving.until == NEVER
                assert patient or self.s.switch is None or self.s.next_deadline() is not None

    @invariant()
    def nobody_who_is_needed_can_be_evicted(self) -> None:
        if self.s.evictable:
            assert len(self.alive) == 1 and not self.leases and not self.open and not self.stops
            assert not self.s.slot.pinned and self.s.switch is None

    @invariant()
    def what_is_past_is_of_what_runs_or_ran(self) -> None:
        if self.s.recovered and self.s.phase is SlotState.FAILED:
            assert self.alive or self.s.engines.leaving, "what is down is not past"

    @invariant()
    def leases_balance(self) -> None:
        assert {ticket: served.generation for ticket, served in self.s.engines.leases.items()} == self.leases

    @invariant()
    def every_open_ticket_waits(self) -> None:
        assert {w.ticket for w in self.s.waiters} == self.open

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        """While someone waits, something is under way or a deadline is set."""
        if self.s.waiters:
            patient = self.s.engines.draining is not None and self.s.engines.draining.until is None
            asked = any(engine.doubted for engine in self.ready_engines())
            going_on = self.checks or self.starting or self.stops or patient or asked
            assert going_on or self.s.next_deadline() is not None

    @invariant()
    def state_and_engine_agree(self) -> None:
        if self.s.running is not None and self.s.phase is not SlotState.STOPPING:
            generation = self.running_generation()
            assert generation is not None and self.alive[generation][0] == self.s.running[0]
        if self.s.phase is SlotState.READY:
            assert self.s.running and self.s.switch is None
        if self.s.phase is SlotState.UNLOADED:
            assert not self.alive
        if self.s.phase is SlotState.FAILED:
            assert self.s.engines.leaving or not self.alive
        if self.s.phase in (SlotState.UNLOADED, SlotState.FAILED):
            assert self.s.running is None and self.s.switch is None

    @invariant()
    def a_limit_holds_and_no_place_stays_empty(self) -> None:
        assert not self.limit or list(self.served.values()).count("a") <= self.limit
        asked = any(engine.doubted for engine in self.ready_engines())
        if self.s.phase is SlotState.READY and self.s.waiters and not asked:
            model = self.s.waiters.head().model or self.s.selected
            assert model == "a" and list(self.served.values()).count("a") == self.limit

    def limit_of(self, model: str) -> int:
        return self.limit if model == "a" else 0

    def teardown(self) -> None:
        """Half of the runs end where they are, the others well: in both nobody and nothing may be left."""
        if not hasattr(self, "s"):
            return
        if self.next_ticket % 2:
            self.end_well()
        self.closed = True
        self.carry_out(self.s.close(self.now))
        assert not self.open and not self.s.waiters
        while self.stops:
            self.stop_answers(data=None, good=True)
        assert not self.alive and self.s.phase is SlotState.UNLOADED

    def end_well(self) -> None:
        for _ in range(200):
            if self.checks:
                self.check_answers(beside=False)
            elif self.stops:
                self.stop_answers(data=None, good=True)
            elif self.starting:
                self.start_answers(good=True)
            elif doubted := [engine for engine in self.ready_engines() if engine.doubted]:
                self.carry_out(self.s.engine_answers(doubted[0].generation, self.now))
            elif self.leases:
                ticket = next(iter(self.leases))
                del self.leases[ticket], self.requests[ticket], self.served[ticket]
                self.carry_out(self.s.release(ticket, self.now))
            elif self.open:
                deadline = self.s.next_deadline()
                assert deadline is not None, "someone waits for nothing"
                self.now = max(self.now, deadline)
                self.carry_out(self.s.tick(self.now))
            else:
                break
        assert not self.open and not self.s.waiters

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
                    # It may have been turned away from since, by whoever was next in what an answer set going.
                    leaving = self.s.engines.leaving
                    here = {self.running_generation(), leaving.generation if leaving else None}
                    assert generation in here and generation in self.ready
                    assert not any(e.doubted for e in self.ready_engines() if e.generation == generation)
                    self.leases[ticket] = generation
                    self.served[ticket] = model
                case Refuse(ticket, _) | Done(ticket):
                    self.end(ticket)
                case CheckModel():
                    self.checks = [effect]  # an older check's answer is ignored by its number
                case StartEngine(generation, model):
                    assert not self.stops and not self.starting, "nothing starts beside what goes"
                    switch = self.s.switch
                    assert model == self.passed or (switch and switch.restoring), "it was looked at first"
                    self.passed = None
                    self.alive[generation], self.starting, self.read = model, effect, 0.0
                case StopEngine(generation):
                    assert generation in self.alive and effect not in self.stops
                    self.stops.append(effect)
                case AbortLeases(generation):
                    assert generation in self.leases.values()

    def running_generation(self) -> int | None:
        running = self.s.engines.running
        return running.generation if running else None

    def end(self, ticket: int) -> None:
        assert ticket in self.open, "one outcome each"
        self.open.remove(ticket)


TestOneSlot = OneSlot.TestCase
TestOneSlot.settings = settings(max_examples=300, stateful_step_count=50)
