"""The engines of one slot: which ones exist, what for, and which requests they serve. Pure.

An engine that drains, before another one starts, gives its requests `drain_timeout`. One that leaves holds up
nobody, so its requests end in their own time; only when its place is needed, by the next switch or by another
slot's load, do they get that long as well.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from router.slots.effects import AbortLeases, Effect, StartEngine, StopEngine

NEVER = math.inf
"""A person said to wait for the requests, however long they take."""


@dataclass(slots=True)
class Engine:
    """The process of one generation.

    Attributes:
        until: when its requests are cut, if it is to go; None: not at all, while nobody needs its place.
        stopping: it leaves, and is told to stop.
        outdated: it would be launched differently now.
        doubted: it answered before this computer slept, and is being asked whether it still does.
    """

    generation: int
    model: str
    until: float | None = None
    stopping: bool = False
    outdated: bool = False
    doubted: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """A request that the engine of `generation` serves as `model`."""

    generation: int
    model: str


@dataclass(frozen=True, slots=True)
class Draining:
    """Requests that `models` still answer before their engines go. `until`: when they are cut; None: not at
    all."""

    models: tuple[str, ...]
    requests: int
    until: float | None


@dataclass(slots=True)
class EnginePair:
    """Two at most: one that runs, and one that loads in its place or beside it, or that *leaves*.

    Attributes:
        running: the one that answers.
        newest: the one started last; it loads, or is gone, while it is not `running`.
        stopping: `running`, or the one that loads in its place, once it is told to stop.
        leaving: one that was replaced and answers its last requests, or was given up beside `running`.
        leases: by ticket.
        ready_at: when `running` began to answer.
        idle_since: when its last lease ended, or `ready_at` if there was none.
    """

    running: Engine | None = None
    newest: Engine | None = None
    stopping: Engine | None = None
    leaving: Engine | None = None
    leases: dict[int, Served] = field(default_factory=dict)
    ready_at: float = 0.0
    idle_since: float = 0.0
    _busy: Counter[int] = field(default_factory=Counter)

    @property
    def generation(self) -> int:
        """The newest one's; 0: there was none yet."""
        return self.newest.generation if self.newest else 0

    @property
    def going(self) -> list[Engine]:
        """The engines that are stopped when their requests have ended."""
        going = [self.leaving] if self.leaving and not self.leaving.stopping else []
        if self.running and self.running.until is not None and self.stopping is None:
            going.append(self.running)
        return going

    @property
    def draining(self) -> Draining | None:
        """The requests that are waited for; None while there are none."""
        if not (going := self.going):
            return None  # looked at with every request
        requests = sum(self._busy[engine.generation] for engine in going)
        limits = [e.until for e in going if e.until is not None and e.until != NEVER]
        models = tuple(engine.model for engine in going)
        return Draining(models, requests, min(limits, default=None)) if requests else None

    def is_busy(self, engine: Engine) -> bool:
        return engine.generation in self._busy

    # -- leases ----------------------------------------------------------------------------------------

    def grant(self, ticket: int, model: str) -> int:
        """Have what runs serve the ticket as `model`; returns its generation."""
        assert self.running is not None, "only a running engine serves"
        generation = self.running.generation
        self.leases[ticket] = Served(generation, model)
        self._busy[generation] += 1
        return generation

    def release(self, ticket: int, now: float) -> int | None:
        """Return the generation that served the ticket, if one did."""
        if (served := self.leases.pop(ticket, None)) is None:
            return None
        generation = served.generation
        self._busy[generation] -= 1
        if not self._busy[generation]:
            del self._busy[generation]
        if self.running is not None and generation == self.running.generation:
            self.idle_since = now
        return generation

    def served_as(self, model: str) -> int:
        """Return how many requests are being served as `model`."""
        return sum(1 for served in self.leases.values() if served.model == model)

    def abort(self, engine: Engine) -> list[Effect]:
        return [AbortLeases(engine.generation)] if self.is_busy(engine) else []

    def is_over(self, engine: Engine, now: float) -> bool:
        """Return whether its requests have ended, or their time is up."""
        return not self.is_busy(engine) or (engine.until is not None and now >= engine.until)

    # -- one comes -------------------------------------------------------------------------------------

    def start(self, model: str, *, force: bool) -> StartEngine:
        self.newest = Engine(self.generation + 1, model)
        return StartEngine(self.newest.generation, model, force)

    def ready(self, now: float) -> None:
        """Let the newest answer from now on; the one that ran beside it leaves."""
        self.leaving = self.running or self.leaving
        self.running, self.ready_at, self.idle_since = self.newest, now, now

    def come_back(self, now: float) -> None:
        """Let the engine that was replaced answer again; the one that replaced it leaves."""
        self.limit(None)
        self.running, self.leaving = self.leaving, self.running
        self.ready_at = self.idle_since = now

    # -- one goes --------------------------------------------------------------------------------------

    def drain(self, until: float) -> None:
        """Let what runs end its requests by `until`, then go."""
        assert self.running is not None, "only what runs drains"
        self.running.until = until

    def limit(self, until: float | None) -> None:
        """Give whichever is going until then, whatever it had before; None: as if nobody needed its place."""
        for engine in self.going:
            engine.until = until

    def extend(self, seconds: float) -> None:
        """Let so many seconds count for nothing: limits come later, and what was idle was so for less."""
        self.ready_at += seconds
        self.idle_since += seconds
        for engine in self.going:
            if engine.until is not None:
                engine.until += seconds

    def doubt(self) -> None:
        """Serve nobody new before those that were ready have said that they still answer."""
        for engine in (self.running, self.leaving):
            if engine is not None and not engine.stopping:
                engine.doubted = True

    def trust(self, generation: int) -> None:
        """Note that the engine still answers."""
        for engine in (self.running, self.leaving):
            if engine is not None and engine.generation == generation:
                engine.doubted = False

    def hurry(self, until: float) -> None:
        """Limit the engine that leaves to `until`, unless it has a limit: its place is needed."""
        if self.leaving is not None and self.leaving.until is None:
            self.leaving.until = until

    def outdate(self) -> None:
        """Note that the engine that leaves would be launched differently now."""
        if self.leaving is not None:
            self.leaving.outdated = True

    def let_go(self, now: float) -> list[Effect]:
        """Stop the engine that leaves once its requests are over."""
        leaving = self.leaving
        if leaving is None or leaving.stopping or not self.is_over(leaving, now):
            return []
        leaving.stopping = True
        return [*self.abort(leaving), StopEngine(leaving.generation)]

    def stop(self) -> StopEngine:
        """Stop what runs, or what loads in its place."""
        self.stopping = self.running or self.newest
        assert self.stopping is not None, "there is one to stop"
        return StopEngine(self.stopping.generation)

    def stop_beside(self) -> StopEngine:
        """Stop what loads beside the running engine, which goes on."""
        assert self.newest is not None, "there is one that loads"
        self.leaving, self.newest.stopping = self.newest, True
        return StopEngine(self.newest.generation)

    def gone(self) -> None:
        """Note that what ran, or loaded in its place, is gone."""
        self.running = self.stopping = None

    def left(self) -> None:
        self.leaving = None
