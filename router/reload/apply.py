"""Carries out what a changed configuration asks for (`diff`), on a router that goes on serving."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from router.base.errors import PortInUse, RouterError
from router.base.names import speakable
from router.base.tasks import spawn
from router.catalog.model import Model
from router.catalog.models import Catalog, sends_away
from router.config.schema import ActivityConfig, Config, EngineConfig, ServerConfig, SlotConfig
from router.memory.admit.outlook import Outlook
from router.reload.diff import (
    Action,
    AddSlot,
    Choose,
    Listen,
    OrderSlots,
    RemoveSlot,
    SetModels,
    SetPolicy,
    UseEngine,
    UseUpstreams,
    choices,
    choose_model,
    diff,
    with_engine,
)
from router.remote.follow import Remotes
from router.server.listener import Listener
from router.slots.selection import Selected
from router.slots.supervisor import EngineLauncher, Supervisor
from router.state import DeviceMemory, LeftOutFile, ModelStatus, SlotState, StateStore
from router.upstreams.registry import UpstreamRegistry

log = logging.getLogger(__name__)


class Reconfigurer:
    """Keeps the slots, the endpoint and the published models as the configuration wants them.

    Attributes:
        config: what is in effect. Its `server` stays the old one while the new address cannot be had.
        catalog: the models that go with it.
        selected: what each slot held last, by its name; slots that are added look here.
        upstreams: the servers elsewhere, and the slots they serve; `remotes` follow those that are hal0s.
        outlook: what models are known to take, and the contexts they will get, to be published with them.
        updates_changed: called when looking for newer versions was turned on or off.
        use_activity: called when other requests are to be remembered, or for longer.
    """

    def __init__(
        self,
        config: Config,
        catalog: Catalog,
        store: StateStore,
        supervisor: Supervisor,
        listener: Listener,
        make_launcher: Callable[[EngineConfig], EngineLauncher],
    ) -> None:
        self.config = config
        self.catalog = catalog
        self.selected: Mapping[str, Selected] = {}
        self.upstreams: UpstreamRegistry | None = None
        self.remotes: Remotes | None = None
        self.outlook: Outlook | None = None
        self.updates_changed: Callable[[], None] = lambda: None
        self.use_activity: Callable[[ActivityConfig], None] = lambda _config: None
        self._store = store
        self._supervisor = supervisor
        self._listener = listener
        self._make_launcher = make_launcher
        self._logged: dict[str, str] = {}
        self._leaving: dict[str, asyncio.Task[None]] = {}

    def add_slots(self, selected: Mapping[str, Selected]) -> None:
        """At the start: make every slot; `load_slots` comes when the endpoint listens."""
        self.selected = selected
        for slot in with_engine(self.config).values():
            self._make(slot)
        self._use_upstreams()
        self.publish_models()

    def load_slots(self) -> None:
        """Load what is to be loaded without being asked."""
        for slot in with_engine(self.config).values():
            self._autoload(slot)

    async def apply(self, config: Config, catalog: Catalog) -> None:
        """Turn to `config`. Engines that must restart do so in their own time.

        Raises PortInUse if the endpoint could not move; everything else is in effect then.
        """
        actions = diff(self.config, config, self.catalog, catalog)
        old_server, old_updates, old_activity = self.config.server, self.config.updates, self.config.activity
        self.config, self.catalog = config, catalog
        for action in actions:
            log.info("hal0.yaml: %s", _short(action))
            if not isinstance(action, Listen):
                self._carry_out(action)
        self.publish_models()
        if config.updates is not old_updates:
            self.updates_changed()
        if config.activity != old_activity:
            self.use_activity(config.activity)
        for action in actions:
            if isinstance(action, Listen):
                await self._listen(action.server, old_server)

    def publish_models(self) -> None:
        """Tell everyone of the models and what they take."""
        memory = self._store.snapshot.memory
        found = self.models().values()
        told = _unambiguous([model_status(model, self.outlook, memory) for model in found], self.config.slots)
        left_out = tuple(LeftOutFile(str(left.path), left.reason) for left in self.catalog.left_out)
        before = self._store.snapshot.models
        self._log_problems(told)
        self._store.update(models=told, left_out=left_out, headroom=self.config.memory.headroom)
        if before != told:
            self._supervisor.models_told()

    def _log_problems(self, models: Sequence[ModelStatus]) -> None:
        """Each once, until it is another one."""
        problems = {model.id: model.problem for model in models if model.problem}
        for model, problem in problems.items():
            if self._logged.get(model) != problem:
                log.warning("model %s: %s", model, problem)
        self._logged = problems

    def models(self) -> dict[str, Model]:
        """All models there are, and those that run on without being a choice any more."""
        models: dict[str, Model] = dict(self.catalog.models)
        for slot in self.config.slots.values():
            models.update(choices(slot, self.catalog))
        for model in self._supervisor.gone_models():
            models.setdefault(model.id, model)
        return models

    async def _listen(self, server: ServerConfig, old: ServerConfig) -> None:
        try:
            await self._listener.move(server)
        except PortInUse:
            self.config = replace(self.config, server=old)
            raise

    def _carry_out(self, action: Action) -> None:
        match action:
            case UseEngine(engine, restart):
                self._supervisor.use_launcher(self._make_launcher(engine), restart=restart)
            case RemoveSlot(name):
                self._remove(name)
            case AddSlot(name, replaces):
                self._add(name, replaces)
            case SetPolicy(slot, limits) if self._has(slot.name):
                self._supervisor.set_policy(slot, limits)
            case SetModels(name, models, relaunch) if self._has(name):
                self._set_models(self.config.slots[name], models, relaunch)
            case Choose(name, model) if self._has(name):
                self._choose(self.config.slots[name], model)
            case OrderSlots(names):
                self._supervisor.order_slots(names)
            case UseUpstreams():
                self._use_upstreams()
            case _:
                log.debug("%s waits until the old slot is gone", action)

    def _has(self, name: str) -> bool:
        """Whether the slot is there to stay; one that is made later is made from what is in effect then."""
        return name not in self._leaving and self._store.snapshot.slot(name) is not None

    def _set_models(self, slot: SlotConfig, models: Mapping[str, Model], relaunch: frozenset[str]) -> None:
        before = self._store.snapshot.slot(slot.name)
        self._supervisor.set_models(slot.name, models, relaunch)
        if before is not None and (before.model is None or before.model not in models):
            self._supervisor.select(slot.name, choose_model(slot, models))
            if before.model is None:
                self._autoload(slot)

    def _choose(self, slot: SlotConfig, model: str) -> None:
        """The newer wish: at once where something is loaded or to be, else with the next load."""
        status = self._store.snapshot.slot(slot.name)
        active = status is not None and (status.state is SlotState.READY or status.state.switching)
        if active or slot.autoload:
            spawn(self._load(slot.name, model), name=f"{slot.name}: {model}, as hal0.yaml wants")
        else:
            self._supervisor.select(slot.name, model)

    def _remove(self, name: str) -> None:
        if name in self._leaving:
            return
        self._leaving[name] = leaving = spawn(self._supervisor.remove_slot(name), name=f"remove slot {name}")
        leaving.add_done_callback(lambda _: self._gone(name))

    def _add(self, name: str, replaces: bool) -> None:
        if replaces:
            self._remove(name)
        if name not in self._leaving:
            self._make_and_load(name)

    def _gone(self, name: str) -> None:
        """The slot has left; perhaps the configuration has one of that name again."""
        leaving = self._leaving.pop(name)
        slots = with_engine(self.config)
        if not leaving.cancelled() and leaving.exception() is None and name in slots:
            self._make_and_load(name)
            self._supervisor.order_slots(tuple(slots))
        self._use_upstreams()  # one of them may serve the slot now
        self.publish_models()

    def _use_upstreams(self) -> None:
        if self.upstreams is not None:
            self.upstreams.use(self.config)
        if self.remotes is not None:
            self.remotes.use(self.config)
        if self.config.local_only:
            self._call_home()

    def _call_home(self) -> None:
        """Nothing may leave this computer: stop the engines that other machines help, or are about to."""
        models = self.models()
        held = [(o.slot, o.model) for o in self._supervisor.occupants()]
        for slot in self._store.snapshot.slots:
            held += [(slot.name, models[id_]) for id_ in (*slot.loaded, slot.target) if id_ in models]
        for name in {name for name, model in held if sends_away(model.flags)}:
            spawn(self._supervisor.unload(name), name=f"unload {name}: local_only")

    def _make_and_load(self, name: str) -> None:
        slot = self.config.slots[name]
        self._make(slot)
        self._autoload(slot)

    def _make(self, slot: SlotConfig) -> None:
        models = choices(slot, self.catalog)
        chosen = choose_model(slot, models, self.selected.get(slot.name))
        self._supervisor.add_slot(slot, self.config.limits, models, chosen)

    def _autoload(self, slot: SlotConfig) -> None:
        status = self._store.snapshot.slot(slot.name)
        if slot.autoload and status is not None and status.model and status.state is SlotState.UNLOADED:
            spawn(self._load(slot.name, status.model), name=f"autoload {slot.name}")

    async def _load(self, slot: str, model: str) -> None:
        try:
            await self._supervisor.load(slot, model)
        except RouterError as error:
            log.warning("slot %s: %s", slot, error.message)  # the slot's last error tells it, too


def model_status(
    model: Model, outlook: Outlook | None = None, memory: Sequence[DeviceMemory] = ()
) -> ModelStatus:
    forecast = outlook.known(model) if outlook else None
    launched = outlook.as_launched(model) if outlook else model
    return ModelStatus(
        id=model.id,
        display_name=model.display_name,
        kind=model.kind,
        aliases=model.aliases,
        size_bytes=model.size_bytes,
        context_length=launched.context_length,
        context_trained=model.context_trained,
        quantisation=model.quantisation,
        file=speakable(str(model.file)) if model.file else None,
        problem=speakable(model.problem) if model.problem else None,
        needs=forecast.needs if forecast else None,
        needs_source=forecast.source.value if forecast else None,
        needs_by_device=outlook.by_device(forecast, memory) if outlook and forecast else (),
        context_auto=model.context_open,
        prompt_cache=outlook.prompt_cache(model) if outlook else None,
        parallel=model.slots if model.file else None,
        capabilities=model.capabilities,
        note=model.note,
    )


def _unambiguous(models: Sequence[ModelStatus], slots: Collection[str]) -> tuple[ModelStatus, ...]:
    """With the aliases that do mean them: a slot's name or another model's id comes first."""
    taken = {*slots, *(model.id for model in models)}
    settled = []
    for model in models:
        aliases = tuple(alias for alias in dict.fromkeys(model.aliases) if alias not in taken)
        taken.update(aliases)
        settled.append(model if aliases == model.aliases else replace(model, aliases=aliases))
    return tuple(settled)


def _short(action: Action) -> str:
    """For the log: what is done and to whom; never a value, which may be a key."""
    slot = getattr(action, "slot", "")
    name = slot.name if isinstance(slot, SlotConfig) else slot
    return f"{type(action).__name__} {name}".rstrip()
