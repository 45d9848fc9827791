"""Pure decisions for one slot: who is served now, who waits, what is switched, stopped, refused.

`SlotScheduler` is told events (`acquire`, `engine_ready`, `tick`, ...) with the time, and answers with
effects (`router.slots.effects`) for the supervisor to carry out. It does no I/O and reads no clock, so tests
can drive it through every interleaving. One instance owns all mutable state of its slot.

The rules: requests for the running model are granted at once. A request for another model waits until it is
first in the queue; then the slot turns to it, and everyone who waits for the same model joins. A person's
command goes before all requests and refuses none: who waits for another model has its turn after it, unless the
slot is pinned or switched by hand. A failed or cancelled switch ends with the model before it. A request
addressed to the slot itself follows whatever switch is under way and never causes one away from it. Two
engines at most: where both fit, the old one answers who names its model until the new one is ready, and ends
what it has begun in its own time, unless a third one needs its place.
"""

from __future__ import annotations

from collections.abc import Collection

from router.base.errors import MemoryInsufficient, ModelDamaged, RouterError
from router.config.schema import LimitsConfig, SlotConfig
from router.slots import waiting
from router.slots.effects import AbortLeases, Done, Effect, Refuse, StopEngine
from router.slots.switching import LOADING, NEVER, REVERSIBLE, Draining, Leaving, Switch
from router.slots.turns import Turns
from router.slots.waiting import Waiter
from router.state import SlotState


class SlotScheduler(Turns):
    """The one owner of a slot's state.

    Attributes:
        phase: where the slot is; the published state.
        selected: what the slot's name means: the model it holds, or will load next.
        running: the model the ready engine was launched with, else None; `running_generation` is that engine.
        generation: of the newest engine; it loads beside `running` while that is another one.
        switch: the switch under way, else None.
        leaving: the engine that was replaced and answers its last requests, else None.
        leases: ticket -> generation of the engine that serves it.
        waiters: who cannot be served yet.
        last_error: (model, error) of the last failure; cleared by the next success, which after a restart is
            the first answer.
    """

    # -- what readers need ---------------------------------------------------------------------------

    @property
    def target(self) -> str | None:
        return self.switch.target if self.switch else None

    @property
    def in_flight(self) -> int:
        """Requests that are being served."""
        return len(self.leases)

    @property
    def queued(self) -> int:
        """Requests that wait."""
        return self.waiters.requests

    @property
    def idle_since(self) -> float | None:
        """When the last lease ended, or the load if there was none; None while busy or not ready."""
        idle = self.phase is SlotState.READY and not self._is_busy(self.running_generation)
        return self._idle_since if idle else None

    @property
    def evictable(self) -> bool:
        """Whether the model may make room for another slot's: nobody would miss it now."""
        idle = self.phase is SlotState.READY and not self.leases and not self.waiters
        return idle and self.leaving is None and not self.slot.pinned and not (self._closed or self._retired)

    @property
    def recovered(self) -> bool:
        """Whether `last_error` is past: the model's engine was started again since."""
        return self.last_error is not None and self.last_error[1] is self._over

    @property
    def draining(self) -> Draining | None:
        """The requests that are waited for; None while there are none."""
        going: list[tuple[str | None, int, float | None]] = []
        if self.leaving is not None and not self.leaving.stopping:
            going.append((self.leaving.model, self.leaving.generation, self.leaving.until))
        if self.phase is SlotState.DRAINING and self.switch is not None:
            going.append((self.running, self.running_generation, self.switch.drain_until))
        requests = sum(self._busy.get(generation, 0) for _model, generation, _until in going)
        if not requests:
            return None
        limits = [until for _model, _generation, until in going if until is not None and until != NEVER]
        models = tuple(model for model, _generation, _until in going if model is not None)
        return Draining(models, requests, min(limits, default=None))

    def awaits(self, check: int) -> bool:
        """Whether that check's answer still matters."""
        return self.phase is SlotState.QUEUED and self.switch is not None and self.switch.check == check

    def next_deadline(self) -> float | None:
        """When `tick` must be called at the latest, on the clock of the `now` arguments."""
        times = [w.deadline for w in self.waiters if self._may_time_out(w)]
        if self.phase is SlotState.DRAINING and self.switch:
            times.append(self.switch.drain_until)
        if self.leaving is not None and not self.leaving.stopping and self.leaving.until is not None:
            times.append(self.leaving.until)
        times += [at for at in (self._idle_deadline(), self._restart_at()) if at is not None]
        return min((at for at in times if at != NEVER), default=None)

    # -- events: requests ----------------------------------------------------------------------------

    def acquire(self, ticket: int, model: str | None, now: float) -> list[Effect]:
        """A request wants a lease on `model`; None: on whatever the slot holds."""
        if self._serves(model) and not (self._closed or self._retired):
            return [self._grant(ticket, model)]
        waiter = Waiter(ticket, model, now + self.limits.wait)
        if (error := self._ended() or self._refusal(waiter, now)) is not None:
            return [Refuse(ticket, error)]
        self.waiters.add(waiter)
        return self._advance(now)

    def release(self, ticket: int, now: float, *, answered: bool = False) -> list[Effect]:
        """The request is over (served, failed or gone), whether it held a lease or still waited. `answered`: it
        had a whole answer."""
        generation = self.leases.pop(ticket, None)
        if generation is None:
            self.waiters.take(lambda w: w.ticket == ticket)
            return self._drop_unwanted_switch() + self._advance(now)
        if (others := self._busy.pop(generation) - 1) > 0:
            self._busy[generation] = others
        if generation == self.running_generation:
            self._idle_since = now
            if answered and self.running is not None:
                self._failures.answered(self.running)
                if self.recovered:
                    self.last_error = None
        return self._advance(now)

    # -- events: a person's commands -----------------------------------------------------------------

    def load(self, ticket: int, model: str, now: float, force: bool = False) -> list[Effect]:
        """Put `model` into the slot, before all waiting requests and instead of any switch under way."""
        self._failures.forget(model)
        return self._command(Waiter(ticket, model, command=True, force=force), now)

    def restart(self, ticket: int, now: float) -> list[Effect]:
        """Give the selected model a new process."""
        if self.selected is None:
            return [Refuse(ticket, waiting.no_model(self.slot))]
        self._failures.forget(self.selected)
        newer_than = self.running_generation if self.running else self.generation - 1
        return self._command(Waiter(ticket, self.selected, command=True, newer_than=newer_than), now)

    def unload(self, ticket: int, now: float) -> list[Effect]:
        """Empty the slot; requests that wait load it again afterwards. Unloading an empty slot is Done."""
        return self._command(Waiter(ticket, None, command=True), now)

    def evict(self, ticket: int, now: float) -> list[Effect]:
        """Empty the slot for another one's model, unless somebody has come to need it. Not even an order of a
        person is replaced."""
        if self.evictable:
            return self.unload(ticket, now)
        empty = self.phase in (SlotState.UNLOADED, SlotState.FAILED) and self.leaving is None
        return [Done(ticket) if empty else Refuse(ticket, waiting.in_use(self.slot))]

    def cancel(self, now: float) -> list[Effect]:
        """Give up the switch under way, at whatever phase, and go back to the model before it."""
        switch = self.switch
        stopping = switch is not None and switch.target is None and self.phase is SlotState.STOPPING
        if switch is None or stopping or self._retired:
            return []
        error = waiting.cancelled(self.slot)
        commands = self.waiters.take(lambda w: w.command)
        effects: list[Effect] = [Refuse(w.ticket, error) for w in commands]
        effects += self._refuse_for(switch.target, error)
        if self.phase in REVERSIBLE:
            return effects + self._give_up() + self._advance(now)
        if self.phase in LOADING and self.running is not None:
            return effects + self._turn_to(None) + self._advance(now)
        if switch.restoring:
            switch.target = None
        else:
            switch.target, switch.restoring = switch.previous, True
        return effects + (self._stop() if self.phase in LOADING else [])

    def cut(self, now: float) -> list[Effect]:
        """End the requests that are waited for: the switch goes on now."""
        return self._let_drain(now, now)

    def wait(self, now: float) -> list[Effect]:
        """Let the requests that are waited for end in their own time, however long the switch takes."""
        return self._let_drain(NEVER, now)

    def _let_drain(self, until: float, now: float) -> list[Effect]:
        if self.phase is SlotState.DRAINING and self.switch is not None:
            self.switch.drain_until = until
        if self.leaving is not None:
            self.leaving.until = until
        return self._advance(now)

    def hurry(self, now: float) -> list[Effect]:
        """Another slot needs the memory of what leaves: its requests have `drain_timeout` from now."""
        if self.leaving is not None:
            self._hurry(self.leaving, now)
        return self._advance(now)

    def close(self, now: float) -> list[Effect]:
        """hal0 is quitting: refuse everyone who waits, abort who is served, stop all engines."""
        self._closed = True
        error = waiting.shutting_down()
        effects: list[Effect] = [Refuse(w.ticket, error) for w in self.waiters.clear()]
        alive = {self.running_generation} if self.running else set()
        if self.leaving is not None:
            alive.add(self.leaving.generation)
        effects += [AbortLeases(generation) for generation in sorted(alive) if self._is_busy(generation)]
        loading, stopping = self.phase in LOADING, self.phase is SlotState.STOPPING
        if loading and self.running is not None:
            effects += self._stop_beside()
        elif self.leaving is not None and not self.leaving.stopping:
            self.leaving.stopping = True
            effects.append(StopEngine(self.leaving.generation))
        if (loading or self.running is not None) and not stopping:
            effects += self._stop()
        self.switch = Switch(None, None, now)
        return effects if self._stopping is not None else effects + self._emptied()

    # -- events: the configuration --------------------------------------------------------------------

    def reconfigure(self, slot: SlotConfig, limits: LimitsConfig, now: float) -> list[Effect]:
        """Go on by another policy; what runs is not touched."""
        self.slot, self.limits = slot, limits
        return self._advance(now)

    def select(self, model: str | None) -> list[Effect]:
        """What an empty slot loads next; a slot that holds something keeps it."""
        if self.running is None and self.switch is None:
            self.selected = model
        return []

    def forget_failures(self, models: Collection[str]) -> list[Effect]:
        """These are launched differently now: that they failed says nothing any more, and what leaves is of no
        use any more."""
        for model in models:
            self._failures.forget(model)
        if self.leaving is not None and self.leaving.model in models:
            self.leaving.outdated = True
        return []

    def retire(self, ticket: int, error: RouterError, now: float) -> list[Effect]:
        """The slot is going: whoever waits or comes gets `error`, who is served may end; then it is empty."""
        refused: list[Effect] = [Refuse(w.ticket, error) for w in self.waiters.clear()]
        effects = refused + self.unload(ticket, now)
        self._retired = error
        return effects

    # -- events: the engines -------------------------------------------------------------------------

    def checked(self, check: int, now: float, *, beside: bool = False) -> list[Effect]:
        """The target can be launched. `beside`: at once, as both engines fit; else what runs is drained and
        stopped first."""
        if not self.awaits(check) or self.switch is None:
            return []
        self.switch.checked = True
        if self.running is None or beside:
            return self._start(self.switch)
        self.switch.drain_until = now + self.slot.drain_timeout
        self.phase = SlotState.DRAINING
        return self._advance(now)

    def check_failed(self, check: int, error: RouterError, now: float) -> list[Effect]:
        """The target cannot be launched; what runs was not touched and goes on."""
        if not self.awaits(check) or self.switch is None:
            return []
        target = self.switch.target
        # What does not fit now may fit in a moment: the next request is judged anew.
        # And what an engine said of a file counted when it said it.
        passing = isinstance(error, MemoryInsufficient) and self.switch.for_request
        passing = passing or isinstance(error, ModelDamaged)
        self._note_failure(target, error, now, counts=not passing)
        return self._give_up() + self._refuse_for(target, error) + self._advance(now)

    def engine_progress(self, generation: int, phase: SlotState, fraction: float | None) -> list[Effect]:
        """A phase of loading (starting, loading, warming) was reached; `fraction` is 0..1 or None."""
        if generation == self.generation and self.switch and self.phase in LOADING:
            self.phase, self.switch.fraction = phase, fraction
        return []

    def engine_ready(self, generation: int, now: float) -> list[Effect]:
        """It answers from now on; the engine it was started beside may end what it has begun."""
        if generation != self.generation or self.phase not in LOADING or self.switch is None:
            return []
        switch, self.switch = self.switch, None
        if self.running is not None:
            self.leaving = Leaving(self.running_generation, self.running)
        self.running = self.selected = switch.target
        self.running_generation = generation
        recovered = self._crashed and self.last_error is not None and self.last_error[0] == switch.target
        self.phase, self._crashed = SlotState.READY, False
        self._ready_at = self._idle_since = now
        # What was restored or restarted is no success that a person asked for: why it had to be stays visible,
        # after a restart until the first answer.
        if recovered and self.last_error is not None:
            self._over = self.last_error[1]
        elif not switch.restoring:
            self.last_error = None
        self._failures.loaded(switch.target or "", restored=switch.restoring)
        return self._advance(now)

    def engine_failed(self, generation: int, error: RouterError, now: float) -> list[Effect]:
        """The engine did not become ready, and is reaped."""
        switch = self.switch
        if generation != self.generation or switch is None or self.phase not in LOADING:
            return []
        failed = switch.target
        self._note_failure(failed, error, now, keep_first=switch.restoring)
        effects = self._refuse_for(failed, error)
        if self.running is None and not switch.restoring and switch.previous not in (None, failed):
            return effects + self._restore(switch)
        self._settle()
        return effects + self._advance(now)

    def engine_exited(self, generation: int, error: RouterError, now: float) -> list[Effect]:
        """A ready engine died by itself. The next request, or the end of the back-off, starts it again."""
        if self.leaving is not None and generation == self.leaving.generation:
            return [] if self.leaving.stopping else self.engine_stopped(generation, now)
        if generation != self.running_generation or self.running is None or self._stopping is not None:
            return []
        self._failures.crashed(self.running, error, now, ready_for=now - self._ready_at)
        self.last_error, self._crashed = (self.running, error), True
        if self.phase is SlotState.DRAINING:
            return self._emptied() + self._advance(now)
        if self.phase is SlotState.READY:
            self.phase = SlotState.FAILED
        elif self.switch is not None and self.phase in LOADING:
            self.switch.took_down = True
        self.running = None
        return self._advance(now)

    def engine_stopped(self, generation: int, now: float, error: RouterError | None = None) -> list[Effect]:
        """The engine is reaped; go on with the target, or rest. `error`: it could not be ended."""
        leaving = self.leaving
        if leaving is not None and generation == leaving.generation:
            self.leaving = None
            waited_for = self.phase is SlotState.STOPPING and self._stopping is None
            effects = self._after_stop() if waited_for else []
            if error is not None:
                self.last_error = (leaving.model, error)
            return effects + self._advance(now)
        if self._stopping is None or generation != self._stopping.generation:
            return []
        if error is not None and not self._closed:
            return self._not_stopped(self._stopping, error) + self._advance(now)
        return self._emptied() + self._advance(now)

    def tick(self, now: float) -> list[Effect]:
        """Time has passed: wait limits, drain timeouts, idle unload, restart after a crash."""
        late = self.waiters.take(lambda w: self._may_time_out(w) and w.deadline <= now)
        error = waiting.waited_too_long(self.slot, self.running, self.limits.wait)
        effects: list[Effect] = [Refuse(w.ticket, error) for w in late]
        if late:
            effects += self._drop_unwanted_switch()
        if (idle_at := self._idle_deadline()) is not None and idle_at <= now:
            self.switch = Switch(None, self.running, now)
            return effects + self._stop()
        if (restart_at := self._restart_at()) is not None and restart_at <= now and self.selected:
            self._begin(self.selected, now)
        return effects + self._advance(now)
