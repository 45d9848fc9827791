"""Pure decisions for one slot: who is served now, who waits, what is switched, stopped, refused.

`SlotScheduler` is told events (`acquire`, `engine_ready`, `tick`, ...) with the time, and answers with
effects (`router.slots.effects`) for the supervisor to carry out. It does no I/O and reads no clock, so tests
can drive it through every interleaving. One instance owns all mutable state of its slot.

The rules: requests for the running model are granted at once. A request for another model waits until it is
first in the queue; then the slot turns to it, and everyone who waits for the same model joins. A person's
command goes before all requests and refuses none: those for another model have their turn after it, unless the
slot is pinned or switched by hand. A failed or cancelled switch ends with the model before it. A request
addressed to the slot itself follows whatever switch is under way and never causes one away from it. Two
engines at most: where both fit, the old one serves those that name its model until the new one is ready, and
ends what it has begun in its own time, unless a third one needs its place. A model with a limit serves that
many requests at once; the others wait in the queue, where one for another model keeps its place before them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable

from router.base.errors import MemoryInsufficient, ModelDamaged, NotTogether, RouterError, ShuttingDown
from router.config.schema import LimitsConfig, SlotConfig, SwitchPolicy
from router.slots import waiting
from router.slots.effects import Done, Effect, Grant, Refuse
from router.slots.engines import NEVER
from router.slots.failures import Failures
from router.slots.machine import RESTING, REVERSIBLE, StateMachine
from router.slots.switch import Switch
from router.slots.waiting import Queue, Waiter
from router.state import SlotState


class SlotScheduler:
    """The one owner of a slot's state.

    Attributes:
        slot, limits: the policy.
        selected: what the slot's name means: the model it holds, or will load next.
        waiters: requests and commands that cannot be served yet.
        engines: those that exist; changed by the machine.
    """

    def __init__(
        self,
        slot: SlotConfig,
        limits: LimitsConfig,
        process_key: Callable[[str], Hashable],
        selected: str | None = None,
        limit: Callable[[str], int] = lambda _model: 0,
    ) -> None:
        """`process_key(model)` is equal for models that one process can serve; `limit(model)` is how many
        requests it serves at once, 0: any number."""
        self.slot = slot
        self.limits = limits
        self.selected = selected
        self.waiters = Queue()
        self._failures = Failures()
        self._machine = StateMachine(self._failures)
        self.engines = self._machine.engines
        self._process_key = process_key
        self._limit = limit
        self._ended: RouterError | None = None  # why nobody is served any more

    # -- what readers need ---------------------------------------------------------------------------

    @property
    def phase(self) -> SlotState:
        return self._machine.phase

    @property
    def switch(self) -> Switch | None:
        return self._machine.switch

    @property
    def target(self) -> str | None:
        return self.switch.target if self.switch else None

    @property
    def running(self) -> str | None:
        """The model the ready engine was launched with."""
        running = self.engines.running
        return running.model if running is not None else None

    @property
    def in_flight(self) -> int:
        """Number of requests that are being served."""
        return len(self.engines.leases)

    @property
    def queued(self) -> int:
        """Number of requests that wait."""
        return self.waiters.requests

    @property
    def idle_since(self) -> float | None:
        """When the last lease ended, or the load if there was none; None while busy or not ready."""
        running = self.engines.running if self.phase is SlotState.READY else None
        return self.engines.idle_since if running and not self.engines.is_busy(running) else None

    @property
    def evictable(self) -> bool:
        """Whether the model may make room for another slot's: nobody would miss it now."""
        idle = self.phase is SlotState.READY and not self.engines.leases and not self.waiters
        return idle and self.engines.leaving is None and not self.slot.pinned and self._ended is None

    @property
    def last_error(self) -> tuple[str, RouterError] | None:
        """(model, error) of the last failure; cleared by the next success, which after a restart is the first
        answer."""
        return self._failures.last_error

    @property
    def crashed(self) -> bool:
        """Whether what ran died by itself, and is to be started again."""
        return self._machine.crashed

    @property
    def recovered(self) -> bool:
        """Whether `last_error` is past: the model's engine has been restarted since."""
        return self._failures.past

    def awaits(self, check: int) -> bool:
        """Return whether that check's answer still matters."""
        return self.phase is SlotState.QUEUED and self.switch is not None and self.switch.check == check

    def next_deadline(self) -> float | None:
        """Return when `tick` must be called at the latest, on the clock of the `now` arguments."""
        times: list[float | None] = [w.deadline for w in self.waiters if self._may_time_out(w)]
        times += [self._idle_deadline(), self._restart_at(), *(engine.until for engine in self.engines.going)]
        return min((at for at in times if at is not None and at != NEVER), default=None)

    # -- events: requests ----------------------------------------------------------------------------

    def acquire(self, ticket: int, model: str | None, now: float) -> list[Effect]:
        """Lease `model` to a request; None: whatever the slot holds."""
        if self._serves(model) and self._ended is None and not self._is_full(model):
            return [self._grant(ticket, model)]
        waiter = Waiter(ticket, model, now + self.limits.wait)
        if (error := self._ended or self._refusal(waiter, now)) is not None:
            return [Refuse(ticket, error)]
        self.waiters.add(waiter)
        return self._advance(now)

    def release(self, ticket: int, now: float, *, answered: bool = False) -> list[Effect]:
        """Note that the request is over (served, failed or gone), whether it held a lease or still waited.
        `answered`: it got a complete answer."""
        generation = self.engines.release(ticket, now)
        if generation is None:
            self.waiters.take(lambda w: w.ticket == ticket)
            return self._drop_unwanted_switch() + self._advance(now)
        running = self.engines.running
        if answered and running is not None and running.generation == generation:
            self._failures.answered(running.model)
        return self._advance(now)

    # -- events: a person's commands -----------------------------------------------------------------

    def load(
        self, ticket: int, model: str, now: float, force: bool = False, *, afresh: bool = False
    ) -> list[Effect]:
        """Put `model` into the slot, before all waiting requests and instead of any switch under way. `afresh`:
        in an engine that is still to be started."""
        self._failures.forget(model)
        newer_than = self.engines.generation if afresh else -1
        return self._command(Waiter(ticket, model, command=True, newer_than=newer_than, force=force), now)

    def restart(self, ticket: int, now: float) -> list[Effect]:
        """Give the selected model a new process."""
        if self.selected is None:
            return [Refuse(ticket, waiting.no_model(self.slot))]
        self._failures.forget(self.selected)
        running = self.engines.running
        newer_than = running.generation if running else self.engines.generation - 1
        return self._command(Waiter(ticket, self.selected, command=True, newer_than=newer_than), now)

    def unload(self, ticket: int, now: float) -> list[Effect]:
        """Empty the slot; requests that wait load it again afterwards. Unloading an empty slot is Done."""
        return self._command(Waiter(ticket, None, command=True), now)

    def evict(self, ticket: int, now: float) -> list[Effect]:
        """Empty the slot for another one's model, unless somebody has come to need it. A person's order is not
        replaced either."""
        if self.evictable:
            return self.unload(ticket, now)
        empty = self.phase in (SlotState.UNLOADED, SlotState.FAILED) and self.engines.leaving is None
        return [Done(ticket) if empty else Refuse(ticket, waiting.in_use(self.slot))]

    def cancel(self, now: float) -> list[Effect]:
        """Give up the switch under way, at whatever phase, and go back to the model before it."""
        switch = self.switch
        stopping = self.target is None and self.phase is SlotState.STOPPING
        if switch is None or stopping or self._ended is not None:
            return []
        error = waiting.cancelled(self.slot)
        refused = self.waiters.refuse(lambda w: w.command, error) + self._refuse_for(switch.target, error)
        return refused + self._machine.cancel() + self._advance(now)

    def cut(self, now: float) -> list[Effect]:
        """End the requests that are waited for: the switch goes on now."""
        self.engines.limit(now)
        return self._advance(now)

    def wait(self, now: float) -> list[Effect]:
        """Let the requests that are waited for end in their own time, however long the switch takes."""
        self.engines.limit(NEVER)
        return self._advance(now)

    def hurry(self, now: float) -> list[Effect]:
        """Give the requests of what leaves `drain_timeout` from now: another slot needs its memory."""
        self.engines.hurry(self._drain_limit(now))
        return self._advance(now)

    def close(self, now: float) -> list[Effect]:
        """Refuse everyone who waits, abort whoever is served, stop all engines: hal0 is quitting."""
        self._ended = waiting.shutting_down()
        return self._refuse_all(self._ended) + self._machine.close(now)

    # -- events: the configuration --------------------------------------------------------------------

    def reconfigure(self, slot: SlotConfig, limits: LimitsConfig, now: float) -> list[Effect]:
        """Go on by another policy; what runs is not touched."""
        self.slot, self.limits = slot, limits
        return self._advance(now)

    def select(self, model: str | None) -> list[Effect]:
        """Set what an empty slot loads next; a slot that holds something keeps it."""
        if self.running is None and self.switch is None:
            self.selected = model
        return []

    def forget_failures(self, models: Collection[str]) -> list[Effect]:
        """Note that these models are launched differently now: earlier failures say nothing any more, and an
        engine of theirs that is leaving is no longer of use."""
        for model in models:
            self._failures.forget(model)
        if self.engines.leaving is not None and self.engines.leaving.model in models:
            self.engines.outdate()
        return []

    def retire(self, ticket: int, error: RouterError, now: float) -> list[Effect]:
        """Retire the slot: whoever waits or comes gets `error`, whoever is served may finish; then it is
        empty."""
        effects = self._refuse_all(error) + self.unload(ticket, now)
        self._ended = self._ended or error
        return effects

    # -- events: the engines -------------------------------------------------------------------------

    def checked(self, check: int, now: float, *, beside: bool = False) -> list[Effect]:
        """Note that the target can be launched. `beside`: at once, as both engines fit; else what runs is
        drained and stopped first."""
        if not self.awaits(check):
            return []
        return self._machine.checked(self._drain_limit(now), beside=beside) + self._advance(now)

    def check_waits(self, check: int, apart: tuple[str, ...]) -> list[Effect]:
        """Note that these slots, which may not be loaded beside the target, must be empty before it is."""
        if self.switch is not None and self.awaits(check):
            self.switch.wait_for(apart)
        return []

    def check_failed(self, check: int, error: RouterError, now: float) -> list[Effect]:
        """Note that the target cannot be launched; what runs was not touched and goes on."""
        switch = self.switch
        if switch is None or switch.target is None or not self.awaits(check):
            return []
        target = switch.target
        # What does not fit now may fit in a moment: the next request is judged anew.
        # And what an engine said of a file was counted when it said so.
        passing = isinstance(error, MemoryInsufficient | NotTogether) and switch.for_request
        passing = passing or isinstance(error, ModelDamaged)
        self._failures.failed(target, error, now, counts=not passing)
        return self._machine.give_up() + self._refuse_for(target, error) + self._advance(now)

    def engine_progress(self, generation: int, phase: SlotState, fraction: float | None) -> list[Effect]:
        """Note that a phase of loading (starting, loading, warming) was reached; `fraction` is 0..1 or None."""
        if self._machine.loads(generation):
            self._machine.progress(phase, fraction)
        return []

    def engine_ready(self, generation: int, now: float) -> list[Effect]:
        """Note that the engine answers from now on; the one it was started beside may end what it has begun."""
        switch = self.switch
        if switch is None or switch.target is None or not self._machine.loads(generation):
            return []
        self.selected = switch.target
        self._failures.loaded(switch.target, restored=switch.restoring, restarted=self._machine.crashed)
        self._machine.ready(now)
        effects = self._advance(now)
        # Their wait for the load is over; where the model has a limit, the one for a turn begins anew.
        self.waiters.hold_until(self._is_served, now + self.limits.wait)
        return effects

    def engine_failed(self, generation: int, error: RouterError, now: float) -> list[Effect]:
        """Note that the engine did not become ready, and is reaped."""
        switch = self.switch
        if switch is None or switch.target is None or not self._machine.loads(generation):
            return []
        self._failures.failed(switch.target, error, now, restoring=switch.restoring)
        effects = self._refuse_for(switch.target, error)
        return effects + self._machine.failed() + self._advance(now)

    def engine_answers(self, generation: int, now: float) -> list[Effect]:
        """Note that an engine that was ready still answers, after a sleep."""
        self.engines.trust(generation)
        return self._advance(now)

    def engine_exited(self, generation: int, error: RouterError, now: float) -> list[Effect]:
        """Note that a ready engine died by itself. The next request, or the end of the back-off, starts it
        again."""
        leaving, running = self.engines.leaving, self.engines.running
        if leaving is not None and leaving.generation == generation:
            return [] if leaving.stopping else self.engine_stopped(generation, now)
        if running is None or running.generation != generation or self.engines.stopping is not None:
            return []
        self._failures.crashed(running.model, error, now, ready_for=now - self.engines.ready_at)
        return self._machine.died() + self._advance(now)

    def engine_stopped(self, generation: int, now: float, error: RouterError | None = None) -> list[Effect]:
        """Note that the engine is reaped; go on with the target, or rest. `error`: it could not be ended."""
        leaving, stopping = self.engines.leaving, self.engines.stopping
        if leaving is not None and leaving.generation == generation:
            effects = self._machine.left() + self._unloaded()
            if error is not None:
                self._failures.show(leaving.model, error)
            return effects + self._advance(now)
        if stopping is None or stopping.generation != generation:
            return []
        if error is None or isinstance(self._ended, ShuttingDown):
            return self._machine.emptied() + self._advance(now)
        effects = self.waiters.refuse(lambda w: w.command or self._is_joined(w), error)
        self._failures.show(stopping.model, error)
        self._machine.stuck()
        return effects + self._advance(now)

    def resumed(self, seconds: float, now: float) -> list[Effect]:
        """Note that hal0 did not run for a while, `seconds` of it by the clock of the `now` arguments: they
        count for no limit, and what failed before may be tried at once. Engines that were ready are to be
        asked: `engine_answers` or `engine_exited` follows for each."""
        self.waiters.extend(seconds)
        self.engines.extend(seconds)
        self._failures.resumed(now)
        self.engines.doubt()
        return self._advance(now)

    def tick(self, now: float) -> list[Effect]:
        """Apply what time brings: wait limits, drain timeouts, idle unload, restart after a crash."""
        apart = self.switch.apart if self.switch is not None else ()
        error = waiting.waited_too_long(self.slot, self.running, self.limits.wait, apart)
        effects = self.waiters.refuse(lambda w: self._may_time_out(w) and w.deadline <= now, error)
        if effects:
            effects += self._drop_unwanted_switch()
        if (idle_at := self._idle_deadline()) is not None and idle_at <= now:
            effects += self._machine.unload(now)
        elif (restart_at := self._restart_at()) is not None and restart_at <= now and self.selected:
            self._machine.begin(self.selected)
        return effects + self._advance(now)

    # -- whose turn it is ------------------------------------------------------------------------------

    def _advance(self, now: float) -> list[Effect]:
        """Do whatever the present state allows, until nothing follows without a new event."""
        effects: list[Effect] = []
        if self.waiters:
            effects = self._obey() + self._grant_served()
            if self.phase in RESTING and not self._doubts():
                effects += self._next_turn(now)
        return effects + self._machine.proceed(now, self._drain_limit(now))

    def _obey(self) -> list[Effect]:
        """Turn a switch under way to the command at the queue's head, if it wants something else."""
        order, switch = self.waiters.command, self.switch
        if order is None or switch is None:
            return []
        if order.model != switch.target:
            return self._machine.turn_to(order.model, force=order.force)
        if order.force and not switch.force:
            switch.insist()
        return []

    def _next_turn(self, now: float) -> list[Effect]:
        """Begin what the first waiter needs; refuse those whose turn may not come."""
        effects: list[Effect] = []
        while self.waiters and self.phase in RESTING:
            head = self.waiters.head()
            target = head.model or self.selected
            if not head.command and self._is_served(head):
                break  # its model serves as many as it may
            if head.is_unload:
                effects += self._machine.unload(self._drain_limit(now)) + self._unloaded()
            elif not head.command and (error := self._turn_refusal(target, now)) is not None:
                effects.append(Refuse(self.waiters.pop().ticket, error))
            elif self._may_come_back(head, target):
                self.engines.come_back(now)
                self.selected = self.running
                effects += self._grant_served()
            else:
                assert target is not None
                self._machine.begin(target, for_request=not head.command, force=head.force)
        return effects

    def _may_come_back(self, head: Waiter, target: str | None) -> bool:
        """Return whether the engine that leaves is just what is wanted: it need not be stopped to be started
        again."""
        leaving = self.engines.leaving
        if leaving is None or leaving.stopping or leaving.outdated or leaving.doubted:
            return False
        if self.phase is not SlotState.READY:
            return False
        return leaving.generation > head.newer_than and self._shares_process(target, leaving.model)

    def _command(self, order: Waiter, now: float) -> list[Effect]:
        """Put a command first in the queue; it replaces an earlier one. At the slot's end it is refused."""
        if self._ended is not None:
            return [Refuse(order.ticket, self._ended)]
        replaced = self.waiters.refuse(lambda w: w.command, waiting.replaced(self.slot))
        self.waiters.put_first(order)
        return replaced + self._advance(now)

    def _unloaded(self) -> list[Effect]:
        """Carry out an order to unload once no engine is left."""
        order = self.waiters.command
        if self.phase is not SlotState.UNLOADED or order is None or not order.is_unload:
            return []
        self._failures.clear()
        return [Done(self.waiters.pop().ticket)]

    def _drop_unwanted_switch(self) -> list[Effect]:
        """Give up a switch that a request wanted and nobody waits for any more, if it has touched nothing
        yet."""
        switch = self.switch
        if switch is None or not switch.for_request or self.phase not in REVERSIBLE:
            return []
        if any(self._shares_process(w.model or self.selected, switch.target) for w in self.waiters):
            return []
        return self._machine.give_up()

    # -- who is served ---------------------------------------------------------------------------------

    def _serves(self, model: str | None) -> bool:
        """Return whether a request is granted at once. While another model is checked, or loads beside the
        running one, only if it names the running one: those for the slot follow the switch."""
        machine = self._machine
        running = self.engines.running
        if running is None or machine.phase is SlotState.DRAINING or machine.phase is SlotState.STOPPING:
            return False
        if running.doubted:
            return False
        if model is None:
            model = machine.switch.target if machine.switch else running.model
        return self._shares_process(model, running.model)

    def _doubts(self) -> bool:
        return self.engines.running is not None and self.engines.running.doubted

    def _is_served(self, waiter: Waiter) -> bool:
        running, order = self.engines.running, self.waiters.command
        if running is None or running.generation <= waiter.newer_than or waiter.is_unload:
            return False
        # A request for the slot follows the order that is about to turn it.
        return self._serves(order.model if order and waiter.model is None else waiter.model)

    def _grant_served(self) -> list[Effect]:
        """Serve everyone who waits for the running process, as far as their models' limits allow."""
        # A command comes first: it may change what the slot's name means.
        served = [self._serve(w) for w in self.waiters.take(lambda w: w.command and self._is_served(w))]
        taken: Counter[str | None] = Counter()

        def has_turn(waiter: Waiter) -> bool:
            if not self._is_served(waiter):
                return False
            model = waiter.model or self.selected
            taken[model] += 1
            return not self._is_full(model, taken[model] - 1)

        return served + [self._serve(w) for w in self.waiters.take(has_turn)]

    def _is_full(self, model: str | None, more: int = 0) -> bool:
        """Return whether `model` serves, with `more` besides, as many requests as it may."""
        model = model or self.selected
        if model is None or not (limit := self._limit(model)):
            return False
        return more + self.engines.served_as(model) >= limit

    def _serve(self, waiter: Waiter) -> Effect:
        if waiter.command:
            self.selected = waiter.model
            self._failures.clear()
            return Done(waiter.ticket)
        return self._grant(waiter.ticket, waiter.model)

    def _grant(self, ticket: int, model: str | None) -> Grant:
        model = model or self.selected
        assert model is not None, "a running engine has a model"
        return Grant(ticket, model, self.engines.grant(ticket, model))

    # -- who is refused --------------------------------------------------------------------------------

    def _refuse_for(self, model: str | None, error: RouterError) -> list[Effect]:
        """Refuse all who wait for `model`, by name or because the slot means it."""

        def is_for(waiter: Waiter) -> bool:
            return not waiter.is_unload and self._shares_process(waiter.model or self.selected, model)

        return self.waiters.refuse(is_for, error)

    def _refuse_all(self, error: RouterError) -> list[Effect]:
        return self.waiters.refuse(lambda _waiter: True, error)

    def _refusal(self, waiter: Waiter, now: float) -> RouterError | None:
        """Return why a new request may not even wait."""
        if self._is_joined(waiter):
            return None
        if (error := self._turn_refusal(waiter.model or self.selected, now)) is not None:
            return error
        before = sum(1 for w in self.waiters if not w.command and not self._is_joined(w))
        return waiting.queue_full(self.slot, before) if before >= self.limits.queue else None

    def _turn_refusal(self, target: str | None, now: float) -> RouterError | None:
        """Return why a request may not turn the slot to `target`."""
        if target is None:
            return waiting.no_model(self.slot)
        may_switch = self.slot.switch is SwitchPolicy.ON_REQUEST and not self.slot.pinned
        if target != self.selected and not may_switch:
            return waiting.no_switch(self.slot, target)
        return self._failures.refusal(target, now)

    # -- small facts -----------------------------------------------------------------------------------

    def _shares_process(self, one: str | None, other: str | None) -> bool:
        if one is None or other is None:
            return False
        return one == other or self._process_key(one) == self._process_key(other)

    def _is_joined(self, waiter: Waiter) -> bool:
        """Return whether the switch under way will serve this waiter."""
        return self.target is not None and self._shares_process(waiter.model or self.target, self.target)

    def _may_time_out(self, waiter: Waiter) -> bool:
        """Return whether a waiter may time out: only waiting for a turn is limited; a load that has begun is
        waited for, however long."""
        return not waiter.command and (self.phase in REVERSIBLE or not self._is_joined(waiter))

    def _drain_limit(self, now: float) -> float:
        """Return when requests that are waited for are cut if that begins now."""
        return now + self.slot.drain_timeout

    def _idle_deadline(self) -> float | None:
        if self.idle_since is None or self.engines.leaving is not None or self.slot.pinned:
            return None
        if self.waiters and self._doubts():
            return None  # what the answer sets going comes first
        return self.idle_since + self.slot.idle_unload if self.slot.idle_unload else None

    def _restart_at(self) -> float | None:
        if self.phase is not SlotState.FAILED or not self._machine.crashed or self.selected is None:
            return None
        return self._failures.restart_at(self.selected)
