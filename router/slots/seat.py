"""One slot at run time: its scheduler, its engine, its leases, and the status published from them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from router.base.errors import RouterError
from router.base.resume import Resumed
from router.base.token_bucket import TokenBucket
from router.catalog.model import LaunchKey, Model
from router.catalog.placement import Placement
from router.config.schema import LimitsConfig, SlotConfig
from router.engine.log import RING_LINES
from router.engine.process import EngineProcess
from router.slots.lease import Lease
from router.slots.one_load import LoadFlags, OneLoad, texts
from router.slots.scheduler import SlotScheduler
from router.slots.switch import Switch
from router.state import Progress, SlotError, SlotMemory, SlotState, SlotStatus

PUBLISHED_EACH_SECOND = 20.0
"""Of a busy slot: nobody sees more, and each costs as much as a quarter of a request, with whoever listens."""


@dataclass(slots=True)
class RunningEngine:
    """The engine of one generation. `launched` resolves when it is spawned, or to None if it could not be.

    Attributes:
        model: what it was launched as, whatever hal0.yaml has said of it since.
        configured: what its model's launch key was without `load_flags`, which it has for this load only.
        context: tokens hal0 chose for it, None: what its flags say; `context_length` is what it has then.
        placement: on which GPUs hal0 put it, None: where its flags or the engine say.
        prompt_cache: bytes of RAM it may fill with prompts, None: as its flags say.
        after_stop: its memory comes from an engine that was stopped; `force`: it starts even if that is short.
        outdated: it runs another llama-server than it would now.
        spawning: its process is being created: too late to stop it before it exists.
        files: what it reads, as it was at launch (router.slots.damaged).
        memory: what it holds, as last measured.
        reaped: set once it is gone, or could not be ended.
        tokens_per_second: of its last answer, as it said.
    """

    generation: int
    launched: asyncio.Future[EngineProcess | None]
    model: Model
    configured: LaunchKey | None = None
    load_flags: LoadFlags = ()
    context: int | None = None
    placement: Placement | None = None
    prompt_cache: int | None = None
    after_stop: bool = False
    force: bool = False
    outdated: bool = False
    spawning: bool = False
    task: asyncio.Task[None] | None = None
    process: EngineProcess | None = None
    files: tuple[Hashable, ...] = ()
    context_length: int | None = None
    memory: SlotMemory | None = None
    tokens_per_second: float | None = None
    reaped: asyncio.Event = field(default_factory=asyncio.Event)

    def is_over(self) -> None:
        """Resolve `launched` if the task that was to do so has ended before."""
        if not self.launched.done():
            self.launched.set_result(None)

    def as_launched(self, saves_to: Path | None) -> Model:
        """Return the model with all that hal0 chose for it. `saves_to`: the folder of its conversations."""
        model = self.model if self.context is None else self.model.with_context(self.context)
        return replace(model.placed(self.placement), prompt_cache=self.prompt_cache, saves_to=saves_to)


class Instant:
    """Converts times of the loop's clock to Unix time; the same one always gives the same number, or each look
    would be a change."""

    def __init__(self) -> None:
        self._known: tuple[float, float] | None = None

    def at(self, moment: float | None) -> float | None:
        if moment is None:
            return None
        if self._known is None or self._known[0] != moment:
            ago = asyncio.get_running_loop().time() - moment
            self._known = (moment, round(time.time() - ago, 1))
        return self._known[1]

    def forget(self) -> None:
        """Convert anew: the two clocks are not as far apart as they were."""
        self._known = None


@dataclass(frozen=True, slots=True)
class Admission:
    """What `switch` was promised: memory for `model` with `context`, on the GPUs of `placement`. `evicted`:
    other slots made room."""

    switch: Switch
    model: Model
    context: int | None
    evicted: bool
    placement: Placement | None = None


@dataclass(slots=True)
class Seat:
    """Belongs to the supervisor; nothing else touches it.

    Attributes:
        models: the models this slot may hold, by id, in the order of its menu.
        gone: models it once could hold, for as long as one of them runs or is remembered as its model.
        successor: what it is to hold after one of those that came with hal0.
        relaunch: the configuration changed under its engine; looked at when no switch is under way.
        engines: all that live, two at most, by generation.
        log: the last lines of all its engines.
        admission: the last one; `admitted` says whether it is still worth anything.
        contexts, placements: what was chosen for each model when it was last admitted, to go back to.
        evicting: the slots that are being emptied for the switch under way.
        told: the context that is published for a model, if one is.
        publishing: the publication that is due.
        publications: how often requests that only come and go are published.
        served_by: the server elsewhere that answered the last request, None: an engine of this slot.
        one_load: flags that its models have beside hal0.yaml's, for one load.
    """

    scheduler: SlotScheduler
    models: Mapping[str, Model]
    gone: dict[str, Model] = field(default_factory=dict)
    successor: str | None = None
    relaunch: bool = False
    engines: dict[int, RunningEngine] = field(default_factory=dict)
    leases: dict[int, Lease] = field(default_factory=dict)
    log: deque[str] = field(default_factory=lambda: deque(maxlen=RING_LINES))
    timer: asyncio.TimerHandle | None = None
    admission: Admission | None = None
    contexts: dict[str, int | None] = field(default_factory=dict)
    placements: dict[str, Placement | None] = field(default_factory=dict)
    evicting: tuple[str, ...] = ()
    told: Callable[[str], int | None] = lambda _model: None
    publishing: asyncio.Handle | None = None
    publications: TokenBucket = field(default_factory=lambda: TokenBucket(PUBLISHED_EACH_SECOND, burst=20))
    served_by: str | None = None
    one_load: OneLoad = field(default_factory=OneLoad)
    _choices: tuple[str, ...] = ()
    _loaded_by: tuple[RunningEngine, str, tuple[str, ...]] | None = None
    _idle: Instant = field(default_factory=Instant)
    _drain_deadline: Instant = field(default_factory=Instant)
    _position: tuple[object, ...] = ()
    _switch_began: tuple[Switch, float] | None = None
    _error: tuple[RouterError, SlotError] | None = None

    @classmethod
    def make(
        cls, slot: SlotConfig, limits: LimitsConfig, models: Mapping[str, Model], selected: str | None
    ) -> Seat:
        def process_key(model: str) -> Hashable:
            known = seat.known(model)
            return known.launch_key if known else model

        def limit(model: str) -> int:
            known = seat.known(model)
            return known.limit if known else 0

        seat = cls(SlotScheduler(slot, limits, process_key, selected, limit), models)
        seat._choices = tuple(models)
        return seat

    @property
    def name(self) -> str:
        return self.scheduler.slot.name

    def configured(self, model: str) -> Model | None:
        """Return the model as hal0.yaml has it, even one that may run on but is no longer a choice."""
        return self.models.get(model) or self.gone.get(model)

    def known(self, model: str) -> Model | None:
        """Return the same as it is to be launched."""
        configured = self.configured(model)
        return None if configured is None else self.one_load.on(configured)

    def model(self, model: str) -> Model:
        """Return a model that the scheduler names: it is always known."""
        found = self.known(model)
        assert found is not None, f"{model} was never one of {self.name}'s models"
        return found

    def replace_models(self, models: Mapping[str, Model]) -> None:
        """Use these models from now on: leases keep the model they have, the next one gets what is known
        then."""
        left = {id_: model for id_, model in self.models.items() if id_ not in models}
        self.gone |= {id_: replace(model, problem=_gone_sentence(model)) for id_, model in left.items()}
        self.gone = {id_: model for id_, model in self.gone.items() if id_ not in models}
        self.models, self._choices, self._loaded_by = models, tuple(models), None
        self._position = ()  # the choices have changed

    def give_for_one_load(self, model: str, flags: LoadFlags) -> bool:
        """Launch the model with these flags; return whether that takes an engine that there is not yet."""
        configured = self.models[model]
        key, before = configured.launch_key, self.one_load.of(configured)
        self.one_load.give(configured, flags)
        self._loaded_by = None
        pair = self.scheduler.engines
        staying = {pair.generation, *((pair.running.generation,) if pair.running else ())}  # the others leave
        of_it = (e for e in self.engines.values() if e.configured == key and e.generation in staying)
        return before != flags or any(engine.load_flags != flags for engine in of_it)

    def settle_one_load(self) -> None:
        """Forget, once no switch is under way, what no engine has. One that died by itself is started again as
        it was."""
        s = self.scheduler
        if s.switch is not None or s.crashed or s.waiters.command is not None:
            return
        engine = self.engine if s.running is not None else None
        self.one_load.keep(engine.configured if engine else None, engine.load_flags if engine else ())

    def choose_successor(self) -> None:
        """Let the next load be of the person's model, once one that came with hal0 has left."""
        left = self.gone.get(self.scheduler.selected or "")
        if left is not None and left.brought and self.successor in self.models:
            self.scheduler.select(self.successor)

    @property
    def engine(self) -> RunningEngine | None:
        """The one that answers or, while none does, the one that will."""
        pair = self.scheduler.engines
        return self.engines.get(pair.running.generation if pair.running else pair.generation)

    @property
    def admitted(self) -> Admission | None:
        """What the switch under way is promised."""
        admission, switch = self.admission, self.scheduler.switch
        if admission is None or switch is not admission.switch or not switch.checked:
            return None
        return admission if switch.target == admission.model.id else None

    @property
    def is_loaded(self) -> bool:
        """Whether an engine lives, or may be started without another check: `together:` counts it."""
        switch = self.scheduler.switch
        returns = switch is not None and switch.took_down and switch.may_restore
        return bool(self.engines) or self.admitted is not None or returns

    @property
    def stale(self) -> bool:
        """Whether a new process would be launched with another command line than the one that runs."""
        s, engine = self.scheduler, self.engine
        wanted = self.known(s.selected or "") if s.selected in self.models else None
        if engine is None or s.running is None or wanted is None or wanted.problem:
            return False
        return engine.outdated or engine.model.launch_key != wanted.launch_key

    def resumed(self, event: Resumed) -> None:
        """Show no time that passed while hal0 did not run."""
        self._idle.forget()
        self._drain_deadline.forget()
        if self._switch_began is not None:
            switch, began = self._switch_began
            self._switch_began = (switch, began + event.seconds)
        self._position = ()  # shown anew at once

    def has_moved(self) -> bool:
        """Return whether, since the last call, more has changed than which requests there are."""
        s = self.scheduler
        switch, draining = s.switch, s.engines.draining
        now = (
            s.slot,
            s.phase,
            s.running,
            s.selected,
            (switch.target, switch.fraction, switch.apart) if switch else None,
            s.last_error,
            s.engines.generation,
            draining.until if draining else None,
        )
        before, self._position = self._position, now
        return now != before

    def status(self) -> SlotStatus:
        """Return what everyone sees of this slot now."""
        s = self.scheduler
        engine = self.engine
        draining = s.engines.draining
        process = engine.process if engine else None
        memory = engine.memory if engine and process else None
        shown = s.running or (s.switch.previous if s.switch else None) or s.selected
        if s.phase is SlotState.READY:
            shown = s.selected
        described = self.known(s.target or shown or "")
        return SlotStatus(
            name=self.name,
            kind=s.slot.kind,
            state=s.phase,
            model=shown,
            target=s.target,
            loaded=self._loaded(),
            choices=self._choices,
            progress=self._progress(),
            in_flight=s.in_flight,
            queued=s.queued,
            context_length=self._context_length(s.target or shown),
            pid=process.pid if process else None,
            port=process.launch.port if process else None,
            memory=sum(memory.by_device) if memory else None,
            memory_by_device=memory.by_device if memory else (),
            memory_estimated=memory.estimated if memory else False,
            idle_since=self._idle.at(s.idle_since),
            tokens_per_second=engine.tokens_per_second if engine and s.running else None,
            last_error=self._last_error(),
            switch=s.slot.switch,
            pinned=s.slot.pinned,
            priority=s.slot.priority,
            evicting=self.evicting if s.switch else (),
            apart=s.switch.apart if s.switch else (),
            leaving=draining.models if draining else (),
            draining=draining.requests if draining else 0,
            drain_deadline=self._drain_deadline.at(draining.until if draining else None),
            upstream=s.slot.upstream,
            fallback=s.slot.fallback,
            move_on=s.slot.move_on,
            served_by=self.served_by,
            parallel=_at_once(described) if described else None,
            capabilities=described.capabilities if described else (),
            load_flags=self._load_flags(described),
        )

    def _load_flags(self, shown: Model | None) -> tuple[str, ...]:
        """Return what the engine that is shown, or loads, has beside hal0.yaml's flags."""
        configured = self.configured(shown.id) if shown is not None else None
        return texts(self.one_load.of(configured)) if configured is not None else ()

    def _loaded(self) -> tuple[str, ...]:
        running, engine = self.scheduler.running, self.engine
        if running is None or engine is None:
            return ()
        known = self._loaded_by
        if known is not None and known[0] is engine and known[1] == running:
            return known[2]
        key = engine.model.launch_key
        models = (self.one_load.on(model) for model in self.models.values())
        ids = tuple(m.id for m in models if m.launch_key == key or m.id == running)
        ids = ids if running in ids else (running, *ids)
        self._loaded_by = (engine, running, ids)
        return ids

    def _context_length(self, model: str | None) -> int | None:
        engine = self.engine
        if self.scheduler.phase is SlotState.READY and engine and engine.context_length:
            return engine.context_length
        for chosen in (self.engines.get(self.scheduler.engines.generation), self.admitted):
            if chosen is not None and chosen.model.id == model and chosen.context:
                return chosen.model.with_context(chosen.context).context_length
        known = self.known(model or "")
        return (self.told(known.id) or known.context_length) if known else None

    def _progress(self) -> Progress | None:
        switch = self.scheduler.switch
        if switch is None:
            self._switch_began = None
            return None
        if self._switch_began is None or self._switch_began[0] is not switch:
            self._switch_began = (switch, time.time())
        return Progress(self.scheduler.phase, switch.fraction, self._switch_began[1])

    def _last_error(self) -> SlotError | None:
        if self.scheduler.last_error is None:
            self._error = None
            return None
        model, error = self.scheduler.last_error
        if self._error is None or self._error[0] is not error:
            shown = SlotError(error.code, error.message, model, time.time(), _remedy(error))
            self._error = (error, shown)
        known = self._error[1]
        return replace(known, past=True) if self.scheduler.recovered else known


def _at_once(model: Model) -> int | None:
    """Return how many requests are answered at once; None where nobody knows."""
    known = [count for count in (model.slots if model.file else 0, model.limit) if count]
    return min(known, default=None)


def _remedy(error: RouterError) -> tuple[str, ...]:
    """Return what MemoryInsufficient suggests (router.memory.admit.refusal): less context, else a smaller
    cache, else the first other way."""
    suggested = error.details.get("suggestion")
    if not isinstance(suggested, dict):
        return next((tuple(way["flags"]) for way in error.details.get("ways", ()) if way["flags"]), ())
    if (context := suggested.get("ctx_size")) is not None:
        return (f"ctx-size={context}",)
    cache = suggested.get("cache_type")
    return (f"cache-type-k={cache}", f"cache-type-v={cache}") if cache else ()


def _gone_sentence(model: Model) -> str:
    if model.brought:
        return f'"{model.id}" came with hal0 and answers until you load a model of your own.'
    return (
        f'"{model.id}" keeps running, but is no longer in hal0.yaml or a model folder: it was moved or '
        "deleted, or its drive is not connected. Put it back to load it again, or choose another model."
    )
