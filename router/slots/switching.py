"""The steps by which a slot's engines come and go. Pure; `router.slots.scheduler` decides when each is due.

A switch is queued while its model is checked. Then either the new engine starts *beside* the old one, which
answers until the new one is ready and *leaves* after that; or the old one is drained and stopped first. A
switch that fails or is cancelled ends with the model that was there before.

Who drains gives its requests `drain_timeout`. Who leaves holds up nobody, so its requests end in their own
time; only when its place is needed, by the next switch or by another slot's load, has it that long, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from router.base.errors import RouterError
from router.config.schema import LimitsConfig, SlotConfig
from router.slots.effects import AbortLeases, CheckModel, Done, Effect, Refuse, StartEngine, StopEngine
from router.slots.failures import Failures
from router.slots.waiting import Queue, Waiter
from router.state import SlotState

NEVER = math.inf
"""A person said that the requests are to be waited for, however long they take."""

RESTING = (SlotState.UNLOADED, SlotState.READY, SlotState.FAILED)
REVERSIBLE = (SlotState.QUEUED, SlotState.DRAINING)
LOADING = (SlotState.STARTING, SlotState.LOADING, SlotState.WARMING)


@dataclass(slots=True)
class Switch:
    """The switch under way.

    Attributes:
        target: None: the slot is being unloaded.
        previous: what to go back to.
        check: the number of the check that is asked for; None: none is yet.
        checked: `target` passed it. What a switch turns to later is checked, too.
        took_down: `previous` was stopped, or died, so that it must be started to go back to it.
    """

    target: str | None
    previous: str | None
    drain_until: float
    for_request: bool = False
    force: bool = False
    restoring: bool = False
    fraction: float | None = None
    check: int | None = None
    checked: bool = False
    took_down: bool = False


@dataclass(slots=True)
class Leaving:
    """An engine that is not wanted any more: its requests may end until `until`, then it is `stopping`.
    None: as long as they take, while nobody needs its place. `outdated`: it would be launched otherwise now."""

    generation: int
    model: str | None
    until: float | None = None
    stopping: bool = False
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class Draining:
    """Requests that `models` still answer before their engines go; `until` they are cut, None: not at all."""

    models: tuple[str, ...]
    requests: int
    until: float | None


class Switching:
    """Owns what `SlotScheduler` describes as its attributes."""

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
        self.running_generation = 0
        self.generation = 0
        self.switch: Switch | None = None
        self.leaving: Leaving | None = None
        self.leases: dict[int, int] = {}
        self.waiters = Queue()
        self.last_error: tuple[str | None, RouterError] | None = None
        self._process_key = process_key
        self._failures = Failures()
        self._busy: dict[int, int] = {}  # generation -> how many leases
        self._stopping: Leaving | None = None  # what runs is being stopped, or what loads in its place
        self._check = 0
        self._ready_at = 0.0
        self._idle_since = 0.0
        self._over: RouterError | None = None  # the last error, once its model's engine was started again
        self._crashed = False  # what ran died by itself, and is to be started again
        self._closed = False
        self._retired: RouterError | None = None

    # -- facts -----------------------------------------------------------------------------------------

    def _is_busy(self, generation: int) -> bool:
        return generation in self._busy

    def _shares_process(self, one: str | None, other: str | None) -> bool:
        if one is None or other is None:
            return False
        return one == other or self._process_key(one) == self._process_key(other)

    def _is_joined(self, waiter: Waiter) -> bool:
        """Whether the switch under way will serve this waiter."""
        if self.switch is None or self.switch.target is None:
            return False
        return waiter.model is None or self._shares_process(waiter.model, self.switch.target)

    # -- a switch begins -------------------------------------------------------------------------------

    def _begin(self, target: str, now: float, *, for_request: bool = False, force: bool = False) -> None:
        drain_until = now + self.slot.drain_timeout
        self.switch = Switch(target, self.running, drain_until, for_request, force)
        self.phase = SlotState.QUEUED

    def _ask(self) -> list[Effect]:
        """Have the target checked, once no engine is leaving: what that one holds would count against it."""
        switch = self.switch
        if switch is None or switch.target is None or switch.check is not None or self.leaving is not None:
            return []
        self._check += 1
        switch.check = self._check
        return [CheckModel(self._check, switch.target, switch.force, switch.for_request)]

    def _begin_unload(self, now: float) -> list[Effect]:
        self.switch = Switch(None, self.running, now + self.slot.drain_timeout)
        if self.running is None:
            return self._emptied()
        self.phase = SlotState.DRAINING
        return []

    # -- engines start and stop ------------------------------------------------------------------------

    def _start(self, switch: Switch) -> list[Effect]:
        assert switch.target is not None, "only a model can be started"
        self.generation += 1
        self.phase, switch.fraction = SlotState.STARTING, None
        return [StartEngine(self.generation, switch.target, switch.force or switch.restoring)]

    def _restore(self, switch: Switch) -> list[Effect]:
        """Go back to the model before, whatever the memory says: it was there."""
        switch.target, switch.restoring, switch.for_request = switch.previous, True, False
        return self._start(switch)

    def _stop(self) -> list[Effect]:
        """Stop what runs, or what loads in its place."""
        generation = self.generation if self.running is None else self.running_generation
        model = self.running or (self.switch.target if self.switch else None)
        self._stopping = Leaving(generation, model, stopping=True)
        self.phase = SlotState.STOPPING
        return [StopEngine(generation)]

    def _stop_beside(self) -> list[Effect]:
        """Stop what loads beside the running engine, which goes on."""
        target = self.switch.target if self.switch else None
        self.leaving = Leaving(self.generation, target, stopping=True)
        return [StopEngine(self.generation)]

    def _drain(self, now: float) -> list[Effect]:
        """Before the new engine starts: stop the old one when its requests have ended, or their time is up."""
        switch = self.switch
        assert switch is not None, "draining is part of a switch"
        if not self._is_busy(self.running_generation):
            return self._stop()
        return [AbortLeases(self.running_generation), *self._stop()] if now >= switch.drain_until else []

    def _let_go(self, now: float) -> list[Effect]:
        """After the new engine is ready: the same for the old one, whose time runs once its place is needed."""
        leaving = self.leaving
        if leaving is None or leaving.stopping:
            return []
        if self.switch is not None:
            self._hurry(leaving, now)
        busy = self._is_busy(leaving.generation)
        if busy and (leaving.until is None or now < leaving.until):
            return []
        leaving.stopping = True
        stop = StopEngine(leaving.generation)
        return [AbortLeases(leaving.generation), stop] if busy else [stop]

    def _may_come_back(self, head: Waiter, target: str | None) -> bool:
        """Whether the engine that leaves is just what is wanted: it need not be stopped to be started again."""
        leaving = self.leaving
        if leaving is None or leaving.stopping or leaving.outdated or self.phase is not SlotState.READY:
            return False
        newer = not head.command or leaving.generation > head.newer_than
        return newer and self._shares_process(target, leaving.model)

    def _come_back(self, now: float) -> None:
        """Swap the two engines: the one that was replaced answers again, and the other one leaves."""
        back = self.leaving
        assert back is not None, "there is one that leaves"
        self.leaving = Leaving(self.running_generation, self.running)
        self.running, self.running_generation, self.selected = back.model, back.generation, back.model
        self._ready_at = self._idle_since = now

    def _hurry(self, leaving: Leaving, now: float) -> None:
        if leaving.until is None:
            leaving.until = now + self.slot.drain_timeout

    def _emptied(self) -> list[Effect]:
        """What ran is gone. Go on when what leaves beside it is gone, too."""
        if self.switch is not None and self.running is not None:
            self.switch.took_down = True
        self.running, self._stopping = None, None
        if self.leaving is not None:
            self.phase = SlotState.STOPPING
            return []
        return self._after_stop()

    def _after_stop(self) -> list[Effect]:
        """No engine is left: start the target, or rest."""
        switch = self.switch
        if switch is not None and switch.target is not None and not self._closed:
            if switch.restoring or switch.checked:
                return self._start(switch)
            self.phase, switch.check = SlotState.QUEUED, None
            return []
        self.switch, self.phase, self._crashed = None, SlotState.UNLOADED, False
        order = self.waiters.command
        if order is None or order.model is not None:
            return []
        self.last_error = None
        return [Done(self.waiters.pop().ticket)]

    def _not_stopped(self, stopping: Leaving, error: RouterError) -> list[Effect]:
        """It outlives every signal, so nothing is started in its place until someone asks again."""
        refused = self.waiters.take(lambda w: w.command or self._is_joined(w))
        self.running = self._stopping = self.switch = None
        self.phase, self._crashed = SlotState.FAILED, False
        self.last_error = (stopping.model, error)
        return [Refuse(w.ticket, error) for w in refused]

    # -- a switch is given up --------------------------------------------------------------------------

    def _turn_to(self, target: str | None, *, force: bool = False) -> list[Effect]:
        """The switch under way is to end elsewhere."""
        switch = self.switch
        assert switch is not None, "only a switch can turn"
        if self.phase in REVERSIBLE and not switch.took_down:
            self._settle()
            return []
        if self.phase in LOADING and self.running is not None:
            effects = self._stop_beside()
            self._settle()
            return effects
        switch.target, switch.force = target, force
        switch.restoring = switch.for_request = switch.checked = False
        if self.phase is SlotState.QUEUED:
            return self._after_stop()
        return self._stop() if self.phase in LOADING else []

    def _give_up(self) -> list[Effect]:
        """A switch whose engine has not been started ends."""
        switch = self.switch
        assert switch is not None, "only a switch can be given up"
        if switch.took_down and switch.previous not in (None, switch.target):
            return self._restore(switch)
        self._settle()
        return []

    def _settle(self) -> None:
        """Drop a switch; what runs goes on, and what leaves has time again."""
        self.switch = None
        if self.leaving is not None and not self.leaving.stopping:
            self.leaving.until = None
        if self.running is not None:
            self.phase = SlotState.READY
        else:
            self.phase = SlotState.FAILED if self.last_error else SlotState.UNLOADED
