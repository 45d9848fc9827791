"""Pure decisions for one slot: who is served now, who waits, what is switched, stopped, refused.

`SlotScheduler` is told events (`acquire`, `engine_ready`, `tick`, ...) with the time, and answers with
effects (`router.effects`) for the supervisor to carry out. It does no I/O and reads no clock, so tests can
drive it through every interleaving. One instance owns all mutable state of its slot.

The rules: one engine per slot. Requests for the running model are granted at once. A request for another
model waits until it is first in the queue; then the slot turns to it, and everyone who waits for the same
model joins. A person's command goes before all requests. A failed or cancelled switch brings the previous
model back. A request addressed to the slot itself follows whatever switch is under way and never causes one
away from it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass

from router.config.schema import LimitsConfig, SlotConfig, SwitchPolicy
from router.effects import AbortLeases, CheckModel, Done, Effect, Grant, Refuse, StartEngine, StopEngine
from router.errors import (
    ModelNotLoaded,
    QueueFull,
    RouterError,
    ShuttingDown,
    SwitchCancelled,
    WaitTimeout,
)
from router.failures import Failures
from router.state import SlotState

_RESTING = (SlotState.UNLOADED, SlotState.READY, SlotState.FAILED)
_REVERSIBLE = (SlotState.QUEUED, SlotState.DRAINING)
_LOADING = (SlotState.STARTING, SlotState.LOADING, SlotState.WARMING)


@dataclass(frozen=True, slots=True)
class Waiter:
    """A request, or with `command` a person's order, that cannot be served yet.

    `model` None: a request for whatever the slot holds when its turn comes; for a command, "unload".
    `newer_than`: a command (restart) that only an engine of a later generation fulfils.
    """

    ticket: int
    model: str | None
    deadline: float
    command: bool = False
    newer_than: int = -1


@dataclass(slots=True)
class Switch:
    """The switch under way. `target` None: the slot is being unloaded. `previous`: what to go back to."""

    target: str | None
    previous: str | None
    began_at: float
    drain_until: float
    for_request: bool = False
    restoring: bool = False
    fraction: float | None = None


class SlotScheduler:
    """The one owner of a slot's state.

    Attributes:
        phase: where the slot is; the published state.
        selected: what the slot's name means: the model it holds, or will load next.
        running: the model the ready engine was launched with, else None.
        switch: the switch under way, else None.
        leases: ticket -> generation of the engine that serves it.
        last_error: (model, error) of the last failure; cleared by the next success.
    """

    def __init__(
        self,
        slot: SlotConfig,
        limits: LimitsConfig,
        process_key: Callable[[str], Hashable],
        selected: str | None = None,
    ) -> None:
        """`process_key(model)` is equal for models that one process can serve."""
        self.slot = slot
        self.limits = limits
        self.selected = selected
        self.phase = SlotState.UNLOADED
        self.running: str | None = None
        self.switch: Switch | None = None
        self.generation = 0
        self.leases: dict[int, int] = {}
        self.waiters: list[Waiter] = []
        self.last_error: tuple[str | None, RouterError] | None = None
        self._process_key = process_key
        self._failures = Failures()
        self._check = 0
        self._ready_at = 0.0
        self._idle_since = 0.0
        self._crashed = False
        self._closed = False
        self._retired: RouterError | None = None

    # -- what readers need ---------------------------------------------------------------------------

    @property
    def target(self) -> str | None:
        return self.switch.target if self.switch else None

    @property
    def in_flight(self) -> int:
        """Leases on the present engine."""
        return sum(1 for generation in self.leases.values() if generation == self.generation)

    @property
    def queued(self) -> int:
        """Requests that wait."""
        return sum(1 for waiter in self.waiters if not waiter.command)

    @property
    def idle_since(self) -> float | None:
        """When the last lease ended, or the load if there was none; None while busy or not ready."""
        idle = self.phase is SlotState.READY and not self.in_flight
        return self._idle_since if idle else None

    def next_deadline(self) -> float | None:
        """When `tick` must be called at the latest, on the clock of the `now` arguments."""
        times = [w.deadline for w in self.waiters if self._may_time_out(w)]
        if self.phase is SlotState.DRAINING and self.switch:
            times.append(self.switch.drain_until)
        times += [at for at in (self._idle_deadline(), self._restart_at()) if at is not None]
        return min(times, default=None)

    # -- events: requests ----------------------------------------------------------------------------

    def acquire(self, ticket: int, model: str | None, now: float) -> list[Effect]:
        """A request wants a lease on `model`; None: on whatever the slot holds."""
        waiter = Waiter(ticket, model, now + self.limits.wait)
        error = self._closing_error() if self._closed else self._retired or self._refusal(waiter, now)
        if error is not None:
            return [Refuse(ticket, error)]
        self.waiters.append(waiter)
        return self._advance(now)

    def release(self, ticket: int, now: float) -> list[Effect]:
        """The request is over (served, failed or gone), whether it held a lease or still waited."""
        generation = self.leases.pop(ticket, None)
        if generation is None:
            self.waiters = [w for w in self.waiters if w.ticket != ticket]
            self._drop_unwanted_switch()
        elif generation == self.generation:
            self._idle_since = now
        return self._advance(now)

    # -- events: a person's commands -----------------------------------------------------------------

    def load(self, ticket: int, model: str, now: float) -> list[Effect]:
        """Put `model` into the slot, before all waiting requests and instead of any switch under way."""
        self._failures.forget(model)
        return self._command(Waiter(ticket, model, now, command=True), now)

    def restart(self, ticket: int, now: float) -> list[Effect]:
        """Give the selected model a new process."""
        if self.selected is None:
            return [Refuse(ticket, self._nothing_selected())]
        self._failures.forget(self.selected)
        newer_than = self.generation if self.running else self.generation - 1
        return self._command(Waiter(ticket, self.selected, now, command=True, newer_than=newer_than), now)

    def unload(self, ticket: int, now: float) -> list[Effect]:
        """Empty the slot; requests that wait load it again afterwards. Unloading an empty slot is Done."""
        return self._command(Waiter(ticket, None, now, command=True), now)

    def cancel(self, now: float) -> list[Effect]:
        """Give up the switch under way, at whatever phase, and go back to the model before it."""
        switch = self.switch
        stopping = switch is not None and switch.target is None and self.phase is SlotState.STOPPING
        if switch is None or stopping or self._retired:
            return []
        error = SwitchCancelled(f'The switch of slot "{self.slot.name}" was cancelled; try again when ready.')
        effects = self._drop_commands(error) + self._refuse_for(switch.target, error)
        if self.phase in _REVERSIBLE:
            self._settle()
            return effects + self._advance(now)
        if switch.restoring:
            switch.target = None
        else:
            switch.target, switch.restoring = switch.previous, True
        return effects + self._abandon_start()

    def close(self, now: float) -> list[Effect]:
        """hal0 is quitting: refuse everyone who waits, abort who is served, stop the engine."""
        self._closed = True
        error = self._closing_error()
        effects: list[Effect] = [Refuse(w.ticket, error) for w in self.waiters]
        self.waiters = []
        if self.in_flight:
            effects.append(AbortLeases(self.generation))
        if self.running is None and self.phase not in (*_LOADING, SlotState.STOPPING):
            self.switch, self.phase = None, SlotState.UNLOADED
            return effects
        stopping = self.phase is SlotState.STOPPING
        self.switch = Switch(None, None, now, now)
        return effects if stopping else effects + self._stop()

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
        """These are launched differently now: that they failed says nothing any more."""
        for model in models:
            self._failures.forget(model)
        return []

    def retire(self, ticket: int, error: RouterError, now: float) -> list[Effect]:
        """The slot is going: whoever waits or comes gets `error`, who is served may end; then it is empty."""
        refused: list[Effect] = [Refuse(w.ticket, error) for w in self.waiters]
        self.waiters = []
        effects = refused + self.unload(ticket, now)
        self._retired = error
        return effects

    # -- events: the engine --------------------------------------------------------------------------

    def checked(self, check: int, now: float) -> list[Effect]:
        """The target can be launched: drain what runs, then stop it."""
        if check != self._check or self.phase is not SlotState.QUEUED or self.switch is None:
            return []
        if self.running is None:
            return self._start(self.switch)
        self.switch.drain_until = now + self.slot.drain_timeout
        self.phase = SlotState.DRAINING
        return self._advance(now)

    def check_failed(self, check: int, error: RouterError, now: float) -> list[Effect]:
        """The target cannot be launched; what runs was not touched and goes on."""
        if check != self._check or self.phase is not SlotState.QUEUED or self.switch is None:
            return []
        target = self.switch.target
        self._note_failure(target, error, now)
        self._settle()
        return self._refuse_for(target, error) + self._advance(now)

    def engine_progress(self, generation: int, phase: SlotState, fraction: float | None) -> list[Effect]:
        """A phase of loading (starting, loading, warming) was reached; `fraction` is 0..1 or None."""
        if generation == self.generation and self.switch and self.phase in _LOADING:
            self.phase, self.switch.fraction = phase, fraction
        return []

    def engine_ready(self, generation: int, now: float) -> list[Effect]:
        if generation != self.generation or self.phase not in _LOADING or self.switch is None:
            return []
        switch, self.switch = self.switch, None
        self.running = self.selected = switch.target
        recovered = self._crashed and self.last_error is not None and self.last_error[0] == switch.target
        self.phase, self._crashed = SlotState.READY, False
        self._ready_at = self._idle_since = now
        # What was restored or restarted is no success that a person asked for: why it had to be stays visible.
        if not (switch.restoring or recovered):
            self.last_error = None
        self._failures.loaded(switch.target or "")
        return self._advance(now)

    def engine_failed(self, generation: int, error: RouterError, now: float) -> list[Effect]:
        """The engine did not become ready, and is reaped."""
        switch = self.switch
        if generation != self.generation or switch is None or self.phase not in _LOADING:
            return []
        failed = switch.target
        self._note_failure(failed, error, now, keep_first=switch.restoring)
        effects = self._refuse_for(failed, error)
        if not switch.restoring and switch.previous not in (None, failed):
            switch.target, switch.restoring = switch.previous, True
            return effects + self._start(switch)
        self.switch, self.phase = None, SlotState.FAILED
        return effects + self._advance(now)

    def engine_exited(self, generation: int, error: RouterError, now: float) -> list[Effect]:
        """A ready engine died by itself. The next request, or the end of the back-off, starts it again."""
        if generation != self.generation or self.running is None or self.phase is SlotState.STOPPING:
            return []
        crashed, self.running, self._crashed = self.running, None, True
        self._failures.crashed(crashed, error, now, ready_for=now - self._ready_at)
        self.last_error = (crashed, error)
        if self.phase is SlotState.DRAINING and self.switch is not None:
            return self._after_stop(now)
        if self.phase is SlotState.READY:
            self.phase = SlotState.FAILED
        return self._advance(now)

    def engine_stopped(self, generation: int, now: float) -> list[Effect]:
        """The engine is reaped; go on with the target, or rest unloaded."""
        if generation != self.generation or self.phase is not SlotState.STOPPING:
            return []
        self.running = None
        return self._after_stop(now)

    def tick(self, now: float) -> list[Effect]:
        """Time has passed: wait limits, drain timeouts, idle unload, restart after a crash."""
        late = [w for w in self.waiters if self._may_time_out(w) and w.deadline <= now]
        self.waiters = [w for w in self.waiters if w not in late]
        effects: list[Effect] = [Refuse(w.ticket, self._wait_timeout()) for w in late]
        if late:
            self._drop_unwanted_switch()
        if (idle_at := self._idle_deadline()) is not None and idle_at <= now:
            self.switch = Switch(None, self.running, now, now)
            return effects + self._stop()
        if (restart_at := self._restart_at()) is not None and restart_at <= now and self.selected:
            return effects + self._begin(self.selected, now)
        return effects + self._advance(now)

    # -- the heart -----------------------------------------------------------------------------------

    def _advance(self, now: float) -> list[Effect]:
        """Do whatever the present state allows, until nothing follows without a new event."""
        if self._closed:
            return []
        effects = self._obey(now)
        if self.phase in (SlotState.READY, SlotState.QUEUED):
            effects += self._grant_ready()
        if self.phase in _RESTING:
            effects += self._next_turn(now)
        if self.phase is SlotState.DRAINING and self.switch is not None:
            if self.in_flight and now >= self.switch.drain_until:
                effects += [AbortLeases(self.generation), *self._stop()]
            elif not self.in_flight:
                effects += self._stop()
        return effects

    def _obey(self, now: float) -> list[Effect]:
        """Turn a switch under way to the command at the queue's head, if it wants something else."""
        head = self.waiters[0] if self.waiters and self.waiters[0].command else None
        if head is None or self.switch is None or head.model == self.switch.target:
            return []
        if self.phase in _REVERSIBLE:
            self._settle()
            return []
        self.switch.target, self.switch.restoring, self.switch.for_request = head.model, False, False
        self.switch.began_at = now
        return self._abandon_start()

    def _grant_ready(self) -> list[Effect]:
        """Serve everyone who waits for the running process. While another model is being checked, only
        requests that name the running one: those for the slot follow the switch."""
        if self.running is None:
            return []
        served = [w for w in self.waiters if self._is_served(w)]
        self.waiters = [w for w in self.waiters if w not in served]
        return [self._serve(w) for w in served]

    def _is_served(self, waiter: Waiter) -> bool:
        if waiter.model is None:
            return not waiter.command and self.phase is SlotState.READY
        return self.generation > waiter.newer_than and self._shares_process(waiter.model, self.running)

    def _serve(self, waiter: Waiter) -> Effect:
        if waiter.command:
            self.selected, self.last_error = waiter.model, None
            return Done(waiter.ticket)
        model = waiter.model or self.selected
        assert model is not None, "a running engine has a model"
        self.leases[waiter.ticket] = self.generation
        return Grant(waiter.ticket, model, self.generation)

    def _next_turn(self, now: float) -> list[Effect]:
        """Begin what the first waiter needs; refuse those whose turn may not come."""
        effects: list[Effect] = []
        while self.waiters:
            head = self.waiters[0]
            target = head.model or self.selected
            if head.command and head.model is None:
                return effects + self._begin_unload(now)
            if not head.command and (error := self._turn_refusal(target, now)) is not None:
                self.waiters.pop(0)
                effects.append(Refuse(head.ticket, error))
                continue
            assert target is not None
            return effects + self._begin(target, now, for_request=not head.command)
        return effects

    def _begin(self, target: str, now: float, *, for_request: bool = False) -> list[Effect]:
        self.switch = Switch(target, self.running, now, now + self.slot.drain_timeout, for_request)
        self.phase = SlotState.QUEUED
        self._check += 1
        return [CheckModel(self._check, target)]

    def _begin_unload(self, now: float) -> list[Effect]:
        self.switch = Switch(None, self.running, now, now + self.slot.drain_timeout)
        if self.running is None:
            return self._after_stop(now)
        self.phase = SlotState.DRAINING
        return []

    def _after_stop(self, now: float) -> list[Effect]:
        """No engine runs any more: start the target, or rest."""
        if self.switch is not None and self.switch.target is not None and not self._closed:
            return self._start(self.switch)
        self.switch, self.phase, self._crashed = None, SlotState.UNLOADED, False
        effects: list[Effect] = []
        if self.waiters and self.waiters[0].command and self.waiters[0].model is None:
            self.last_error = None
            effects.append(Done(self.waiters.pop(0).ticket))
        return effects + self._advance(now)

    def _start(self, switch: Switch) -> list[Effect]:
        assert switch.target is not None, "only a model can be started"
        self.generation += 1
        self.phase, switch.fraction = SlotState.STARTING, None
        return [StartEngine(self.generation, switch.target)]

    def _stop(self) -> list[Effect]:
        self.phase = SlotState.STOPPING
        return [StopEngine(self.generation)]

    def _abandon_start(self) -> list[Effect]:
        return self._stop() if self.phase in _LOADING else []

    def _settle(self) -> None:
        """Drop a switch that has not touched the engine yet."""
        self.switch = None
        if self.running is not None:
            self.phase = SlotState.READY
        else:
            self.phase = SlotState.FAILED if self.last_error else SlotState.UNLOADED

    def _command(self, waiter: Waiter, now: float) -> list[Effect]:
        """Put a command first in the queue; it replaces an earlier one. At the slot's end it is refused."""
        if self._closed or self._retired:
            return [Refuse(waiter.ticket, self._retired or self._closing_error())]
        error = SwitchCancelled(f'A later order for slot "{self.slot.name}" replaced this one.')
        effects = self._drop_commands(error)
        self.waiters.insert(0, waiter)
        return effects + self._advance(now)

    def _drop_commands(self, error: RouterError) -> list[Effect]:
        commands = [w for w in self.waiters if w.command]
        self.waiters = [w for w in self.waiters if not w.command]
        return [Refuse(w.ticket, error) for w in commands]

    def _drop_unwanted_switch(self) -> None:
        """Nobody waits any more for a switch that a request wanted and that has touched nothing yet."""
        switch = self.switch
        if switch is None or not switch.for_request or self.phase not in _REVERSIBLE:
            return
        if not any(self._shares_process(w.model or self.selected, switch.target) for w in self.waiters):
            self._settle()

    # -- refusals ------------------------------------------------------------------------------------

    def _refuse_for(self, model: str | None, error: RouterError) -> list[Effect]:
        """Refuse all who wait for `model`, by name or because the slot means it."""
        refused = [w for w in self.waiters if self._shares_process(w.model or self.selected, model)]
        refused = [w for w in refused if not (w.command and w.model is None)]
        self.waiters = [w for w in self.waiters if w not in refused]
        return [Refuse(w.ticket, error) for w in refused]

    def _refusal(self, waiter: Waiter, now: float) -> RouterError | None:
        """Why a new request may not even wait."""
        if self._is_joined(waiter):
            return None
        target = waiter.model or self.selected
        if self.phase in (SlotState.READY, SlotState.QUEUED) and self._shares_process(target, self.running):
            return None
        if (error := self._turn_refusal(target, now)) is not None:
            return error
        waiting = sum(1 for w in self.waiters if not w.command and not self._is_joined(w))
        if waiting < self.limits.queue:
            return None
        return QueueFull(
            f'Slot "{self.slot.name}" already has {waiting} requests waiting; try again in a few seconds.',
            retry_after=5.0,
        )

    def _turn_refusal(self, target: str | None, now: float) -> RouterError | None:
        """Why a request may not turn the slot to `target`."""
        if target is None:
            return self._nothing_selected()
        may_switch = self.slot.switch is SwitchPolicy.ON_REQUEST and not self.slot.pinned
        if target != self.selected and not may_switch:
            return ModelNotLoaded(
                f'Model "{target}" is not loaded, and slot "{self.slot.name}" does not switch on request; '
                "load it from the tray."
            )
        return self._failures.refusal(target, now)

    def _nothing_selected(self) -> RouterError:
        return ModelNotLoaded(f'Slot "{self.slot.name}" has no model yet; choose one in the tray.')

    def _wait_timeout(self) -> RouterError:
        return WaitTimeout(
            f'Slot "{self.slot.name}" was busy with {self.running or "another model"} for '
            f"{self.limits.wait:.0f} s, the longest a request waits (limits.wait); try again later.",
            retry_after=5.0,
        )

    @staticmethod
    def _closing_error() -> RouterError:
        return ShuttingDown("hal0 is shutting down; start it again to continue.")

    # -- small facts ---------------------------------------------------------------------------------

    def _shares_process(self, one: str | None, other: str | None) -> bool:
        if one is None or other is None:
            return False
        return one == other or self._process_key(one) == self._process_key(other)

    def _is_joined(self, waiter: Waiter) -> bool:
        """Whether the switch under way will serve this waiter."""
        if self.switch is None or self.switch.target is None:
            return False
        return waiter.model is None or self._shares_process(waiter.model, self.switch.target)

    def _may_time_out(self, waiter: Waiter) -> bool:
        """A load that has begun is waited for, however long; only waiting for a turn is limited."""
        return not waiter.command and (self.phase in _REVERSIBLE or not self._is_joined(waiter))

    def _idle_deadline(self) -> float | None:
        if self.phase is not SlotState.READY or self.in_flight or self.slot.pinned:
            return None
        return self._idle_since + self.slot.idle_unload if self.slot.idle_unload else None

    def _restart_at(self) -> float | None:
        if self.phase is not SlotState.FAILED or not self._crashed or self.selected is None:
            return None
        return self._failures.restart_at(self.selected)

    def _note_failure(
        self, model: str | None, error: RouterError, now: float, *, keep_first: bool = False
    ) -> None:
        """`keep_first`: the restore of a failed switch failed too; the first error is the one that explains."""
        if model is None:
            return
        self._failures.failed(model, error, now)
        if not (keep_first and self.last_error):
            self.last_error = (model, error)
