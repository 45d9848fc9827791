"""One slot at run time: its scheduler, its engine, its leases, and the status published from them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from router.catalog.model import Model
from router.config.schema import LimitsConfig, SlotConfig
from router.engine.log import RING_LINES
from router.engine.process import EngineProcess
from router.errors import RouterError
from router.lease import Lease
from router.scheduler import SlotScheduler, Switch
from router.state import Progress, SlotError, SlotState, SlotStatus


@dataclass(slots=True)
class RunningEngine:
    """The engine of one generation. `launched` resolves when it is spawned, or to None if it could not be."""

    generation: int
    launched: asyncio.Future[EngineProcess | None]
    task: asyncio.Task[None] | None = None
    process: EngineProcess | None = None
    context_length: int | None = None


@dataclass(slots=True)
class Seat:
    """Belongs to the supervisor; nothing else touches it.

    Attributes:
        models: the models this slot may hold, by id, in the order of its menu.
        log: the last lines of all its engines.
        memory: bytes its engine holds, as last measured.
        tokens_per_second: of its last answer, as the engine said.
    """

    scheduler: SlotScheduler
    models: Mapping[str, Model]
    engine: RunningEngine | None = None
    leases: dict[int, Lease] = field(default_factory=dict)
    log: deque[str] = field(default_factory=lambda: deque(maxlen=RING_LINES))
    timer: asyncio.TimerHandle | None = None
    memory: int | None = None
    tokens_per_second: float | None = None
    _idle: tuple[float, float] | None = None
    _switch_began: tuple[Switch, float] | None = None
    _error: tuple[RouterError, SlotError] | None = None

    @classmethod
    def make(
        cls, slot: SlotConfig, limits: LimitsConfig, models: Mapping[str, Model], selected: str | None
    ) -> Seat:
        def process_key(model: str) -> Hashable:
            return models[model].launch_key if model in models else model

        return cls(SlotScheduler(slot, limits, process_key, selected), models)

    @property
    def name(self) -> str:
        return self.scheduler.slot.name

    def status(self) -> SlotStatus:
        """What everyone sees of this slot now."""
        s = self.scheduler
        process = self.engine.process if self.engine else None
        shown = s.running or (s.switch.previous if s.switch else None) or s.selected
        if s.phase is SlotState.READY:
            shown = s.selected
        return SlotStatus(
            name=self.name,
            kind=s.slot.kind,
            state=s.phase,
            model=shown,
            target=s.target,
            loaded=self._loaded(),
            choices=tuple(self.models),
            progress=self._progress(),
            in_flight=s.in_flight,
            queued=s.queued,
            context_length=self._context_length(s.target or shown),
            pid=process.pid if process else None,
            port=process.launch.port if process else None,
            memory=self.memory if process else None,
            idle_since=self._idle_since(),
            tokens_per_second=self.tokens_per_second if s.running else None,
            last_error=self._last_error(),
            switch=s.slot.switch,
            pinned=s.slot.pinned,
        )

    def _loaded(self) -> tuple[str, ...]:
        running = self.models.get(self.scheduler.running or "")
        if running is None:
            return ()
        return tuple(m.id for m in self.models.values() if m.launch_key == running.launch_key)

    def _context_length(self, model: str | None) -> int | None:
        if self.scheduler.phase is SlotState.READY and self.engine and self.engine.context_length:
            return self.engine.context_length
        known = self.models.get(model or "")
        return known.context_length if known else None

    def _progress(self) -> Progress | None:
        switch = self.scheduler.switch
        if switch is None:
            self._switch_began = None
            return None
        if self._switch_began is None or self._switch_began[0] is not switch:
            self._switch_began = (switch, time.time())
        return Progress(self.scheduler.phase, switch.fraction, self._switch_began[1])

    def _idle_since(self) -> float | None:
        """As Unix time; the same instant is always the same number, or each look would be a change."""
        since = self.scheduler.idle_since
        if since is None:
            return None
        if self._idle is None or self._idle[0] != since:
            ago = asyncio.get_running_loop().time() - since
            self._idle = (since, round(time.time() - ago, 1))
        return self._idle[1]

    def _last_error(self) -> SlotError | None:
        if self.scheduler.last_error is None:
            self._error = None
            return None
        model, error = self.scheduler.last_error
        if self._error is None or self._error[0] is not error:
            self._error = (error, SlotError(error.code, error.message, model, time.time()))
        return self._error[1]
