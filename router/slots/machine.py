"""The state machine of one slot: the steps by which its engines come and go. Pure.

A switch is queued while its model is checked. Then either the new engine starts *beside* the old one, which
answers until the new one is ready and *leaves* after that; or the old one is drained and stopped first. A
switch that fails or is cancelled ends with the model that was there before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.slots.effects import Effect
from router.slots.engines import EnginePair
from router.slots.failures import Failures
from router.slots.switch import Switch
from router.state import SlotState

RESTING = (SlotState.UNLOADED, SlotState.READY, SlotState.FAILED)
REVERSIBLE = (SlotState.QUEUED, SlotState.DRAINING)
LOADING = (SlotState.STARTING, SlotState.LOADING, SlotState.WARMING)

S = SlotState
FOLLOWING: Mapping[SlotState, frozenset[SlotState]] = {
    S.UNLOADED: frozenset({S.QUEUED}),
    S.QUEUED: frozenset({S.DRAINING, S.STOPPING, S.STARTING, S.READY, S.FAILED, S.UNLOADED}),
    S.DRAINING: frozenset({S.STOPPING, S.STARTING, S.READY, S.UNLOADED}),
    S.STOPPING: frozenset({S.QUEUED, S.STARTING, S.FAILED, S.UNLOADED}),
    S.STARTING: frozenset({S.LOADING, S.WARMING, S.READY, S.STOPPING, S.FAILED}),
    S.LOADING: frozenset({S.WARMING, S.READY, S.STOPPING, S.STARTING, S.FAILED}),
    S.WARMING: frozenset({S.READY, S.STOPPING, S.STARTING, S.FAILED}),
    S.READY: frozenset({S.QUEUED, S.DRAINING, S.STOPPING, S.FAILED}),
    S.FAILED: frozenset({S.QUEUED, S.STOPPING, S.UNLOADED}),
}
"""The state diagram: the phases that may follow each phase."""


@dataclass(slots=True)
class StateMachine:
    """Knows nothing of waiters: `router.slots.scheduler` decides when a step is due, and who is told.

    Attributes:
        phase: where the slot is; the published state.
        switch: the switch under way, else None.
        engines: those that exist.
        failures: an empty slot counts as failed while they have an error to show.
        crashed: what ran died by itself, and is to be restarted.
    """

    failures: Failures
    phase: SlotState = SlotState.UNLOADED
    switch: Switch | None = None
    engines: EnginePair = field(default_factory=EnginePair)
    crashed: bool = False
    _checks: int = 0

    def _enter(self, phase: SlotState) -> None:
        """Go from one phase to another; nothing else does. Where the slot comes to rest, its switch has
        ended."""
        known = phase is self.phase or phase in FOLLOWING[self.phase]
        assert known, f"{phase} does not follow {self.phase}"
        self.phase = phase
        if phase in RESTING:
            self.switch = None

    @property
    def running(self) -> str | None:
        """The model that the ready engine was launched with."""
        return self.engines.running.model if self.engines.running else None

    @property
    def loads_beside(self) -> bool:
        return self.phase in LOADING and self.engines.running is not None

    def loads(self, generation: int) -> bool:
        return self.phase in LOADING and generation == self.engines.generation

    def _under_way(self) -> Switch:
        assert self.switch is not None, "this is a step of a switch"
        return self.switch

    # -- a switch goes on ------------------------------------------------------------------------------

    def begin(self, target: str, *, for_request: bool = False, force: bool = False) -> None:
        self.switch = Switch(target, self.running, for_request, force)
        self._enter(SlotState.QUEUED)

    def unload(self, until: float) -> list[Effect]:
        """Unload; what runs has `until` to end its requests."""
        self.switch = Switch(None, self.running)
        if self.engines.running is None:
            return self.emptied()
        self._drain(until)
        return []

    def checked(self, until: float, *, beside: bool) -> list[Effect]:
        """Note that the target may be started: at once if nothing runs or both fit; else what runs has
        `until`."""
        switch = self._under_way()
        switch.passed()
        if self.engines.running is None or beside:
            return self._start(switch)
        self._drain(until)
        return []

    def proceed(self, now: float, until: float) -> list[Effect]:
        """Do what is due by itself; the engine that leaves has `until` if its place is needed."""
        effects: list[Effect] = []
        if self.phase is SlotState.QUEUED:
            effects = self._ask()
        elif self.phase is SlotState.DRAINING and (running := self.engines.running) is not None:
            effects = self.engines.abort(running) + self._stop() if self.engines.is_over(running, now) else []
        if self.switch is not None:
            self.engines.hurry(until)
        return effects + self.engines.let_go(now)

    def _ask(self) -> list[Effect]:
        """Have the target checked, once no engine is leaving: what that one holds would count against it."""
        switch = self._under_way()
        if switch.check is not None or self.engines.leaving is not None:
            return []
        self._checks += 1
        return [switch.ask(self._checks)]

    def _drain(self, until: float) -> None:
        self.engines.drain(until)
        self._enter(SlotState.DRAINING)

    def _start(self, switch: Switch) -> list[Effect]:
        assert switch.target is not None, "only a model can be started"
        switch.progress(None)
        self._enter(SlotState.STARTING)
        return [self.engines.start(switch.target, force=switch.force or switch.restoring)]

    def _stop(self) -> list[Effect]:
        self._enter(SlotState.STOPPING)
        return [self.engines.stop()]

    # -- an engine comes or goes -----------------------------------------------------------------------

    def progress(self, phase: SlotState, fraction: float | None) -> None:
        self._under_way().progress(fraction)
        self._enter(phase)

    def ready(self, now: float) -> None:
        """Note that the newest engine answers."""
        self.engines.ready(now)
        self.crashed = False
        self._enter(SlotState.READY)

    def failed(self) -> list[Effect]:
        """Go on after the newest engine did not become ready, and is gone."""
        switch = self._under_way()
        if self.engines.running is None and switch.may_restore:
            return self._restore(switch)
        self._settle()
        return []

    def died(self) -> list[Effect]:
        """Go on after what ran has died by itself."""
        self.crashed = True
        if self.phase is SlotState.DRAINING:
            return self.emptied()
        if self.phase in LOADING:
            self._under_way().take_down()
        self.engines.gone()
        if self.phase is SlotState.READY:
            self._enter(SlotState.FAILED)
        return []

    def left(self) -> list[Effect]:
        """Note that the engine that was leaving is gone."""
        self.engines.left()
        waited_for = self.phase is SlotState.STOPPING and self.engines.stopping is None
        return self._after_stop() if waited_for else []

    def emptied(self) -> list[Effect]:
        """Go on after what ran is gone, as soon as what leaves beside it is gone, too."""
        if self.engines.running is not None:
            self._under_way().take_down()
        self.engines.gone()
        if self.engines.leaving is None:
            return self._after_stop()
        self._enter(SlotState.STOPPING)
        return []

    def stuck(self) -> None:
        """Note that what is stopped outlives every signal: nothing is started in its place until someone asks
        again."""
        self.engines.gone()
        self.crashed = False
        self._enter(SlotState.FAILED)

    def _after_stop(self) -> list[Effect]:
        """Start the target, or rest, now that no engine is left."""
        switch = self._under_way()
        if switch.target is None:
            self.crashed = False
            self._enter(SlotState.UNLOADED)
        elif switch.restoring or switch.checked:
            return self._start(switch)
        else:
            self._enter(SlotState.QUEUED)
        return []

    def close(self, now: float) -> list[Effect]:
        """Stop all, whoever is served."""
        self.engines.limit(now)
        effects: list[Effect] = [self.engines.stop_beside()] if self.loads_beside else self.engines.let_go(now)
        running = self.engines.running
        if running is not None and self.engines.stopping is None:
            effects += self.engines.abort(running) + self._stop()
        elif self.phase in LOADING:
            effects += self._stop()
        self.switch = Switch(None, None)
        return effects if self.engines.stopping is not None else effects + self.emptied()

    # -- a switch ends elsewhere -----------------------------------------------------------------------

    def turn_to(self, target: str | None, *, force: bool) -> list[Effect]:
        """End with `target`, in a switch of its own where this one can just be dropped."""
        switch = self._under_way()
        if self.phase in REVERSIBLE and not switch.took_down:
            self._settle()
            return []
        if self.loads_beside:
            return self._drop_beside()
        switch.turn(target, force=force)
        return self._after_stop() if self.phase is SlotState.QUEUED else self._stop_loading()

    def cancel(self) -> list[Effect]:
        """Go back to the model before, at whatever phase."""
        if self.phase in REVERSIBLE:
            return self.give_up()
        if self.loads_beside:
            return self._drop_beside()
        self._under_way().cancel()
        return self._stop_loading()

    def give_up(self) -> list[Effect]:
        """End a switch whose engine has not been started."""
        switch = self._under_way()
        if switch.took_down and switch.may_restore:
            return self._restore(switch)
        self._settle()
        return []

    def _restore(self, switch: Switch) -> list[Effect]:
        """Go back to the model before, whatever the memory says: it was there."""
        switch.restore()
        return self._start(switch)

    def _stop_loading(self) -> list[Effect]:
        return self._stop() if self.phase in LOADING else []

    def _drop_beside(self) -> list[Effect]:
        stop = self.engines.stop_beside()
        self._settle()
        return [stop]

    def _settle(self) -> None:
        """Drop a switch; what runs goes on, and what leaves has time again."""
        self.engines.limit(None)
        if self.engines.running is not None:
            self._enter(SlotState.READY)
        else:
            self._enter(SlotState.FAILED if self.failures.last_error else SlotState.UNLOADED)
