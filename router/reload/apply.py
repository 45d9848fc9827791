"""Carries out what a changed configuration asks for (`diff`), on a router that goes on serving."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from router.base.errors import PortInUse, RouterError, ShuttingDown
from router.base.tasks import spawn
from router.catalog.model import Model
from router.catalog.models import Catalog, sends_away
from router.config.schema import Config, EngineConfig, ServerConfig, SlotConfig
from router.reload.diff import (
    Action,
    AddSlot,
    Choose,
    Listen,
    OrderSlots,
    RemoveSlot,
    SetModels,
    SetPolicy,
    SetTogether,
    UseEngine,
    UseUpstreams,
    choices,
    choose_model,
    diff,
    with_engine,
)
from router.reload.in_effect import InEffect
from router.reload.published import PublishedModels
from router.slots.selection import Selected
from router.slots.supervisor import EngineLauncher, Supervisor
from router.state import SlotState, StateStore

log = logging.getLogger(__name__)


class UsesConfig(Protocol):
    """What depends on the configured upstreams: router.upstreams.registry, router.remote.follow."""

    def use(self, config: Config) -> None:
        """Go on with those of `config`, and with no others."""
        ...


class SectionObserver(NamedTuple):
    """A part that goes by one section of hal0.yaml, and is told when that has changed."""

    section: Callable[[Config], object]
    changed: Callable[[Config], object]


class Reconfigurer:
    """Keeps the slots, the endpoint and the published models as the configuration wants them."""

    def __init__(
        self,
        in_effect: InEffect,
        published: PublishedModels,
        held: Callable[[str], Selected | None],
        store: StateStore,
        supervisor: Supervisor,
        upstreams: Sequence[UsesConfig],
        make_launcher: Callable[[EngineConfig], EngineLauncher],
        listen: Callable[[ServerConfig], Awaitable[None]],
        observers: Sequence[SectionObserver],
    ) -> None:
        """Start from `held`: what a slot of that name held last. `listen` moves the endpoint, or raises
        PortInUse."""
        self._in_effect = in_effect
        self._published = published
        self._held = held
        self._store = store
        self._supervisor = supervisor
        self._upstreams = upstreams
        self._make_launcher = make_launcher
        self._move_endpoint = listen
        self._observers = observers
        self._leaving: dict[str, asyncio.Task[None]] = {}

    def add_slots(self) -> None:
        """Make every slot at the start; `load_slots` comes when the endpoint listens."""
        self._supervisor.set_together(self._in_effect.config.together)
        for slot in with_engine(self._in_effect.config).values():
            self._make(slot)
        self._use_upstreams()
        self._published.publish()

    def load_slots(self) -> None:
        """Load what is to be loaded without being asked: one after another, the highest priority first, so that
        the first is ready as soon as it can be. None makes room for the next: where not all fit, the most
        wanted are there."""
        slots = [slot for slot in with_engine(self._in_effect.config).values() if slot.autoload]
        ordered = sorted(slots, key=lambda slot: -slot.priority)
        spawn(self._load_in_turn([slot.name for slot in ordered]), name="autoload")

    async def _load_in_turn(self, names: Sequence[str]) -> None:
        """Load what is still empty when its turn comes, and still to be loaded."""
        for name in names:
            slot, status = self._in_effect.config.slots.get(name), self._store.snapshot.slot(name)
            if slot is None or not slot.autoload or not self._has(name):
                continue
            if status is None or status.state is not SlotState.UNLOADED or not status.model:
                continue
            try:
                await self._supervisor.load_unasked(name, status.model)
            except ShuttingDown:
                return
            except RouterError as error:
                log.warning("slot %s: %s", name, error.message)

    async def apply(self, config: Config, catalog: Catalog) -> None:
        """Turn to `config`. Engines that must restart do so in their own time.

        Raises PortInUse if the endpoint could not move; everything else is in effect then.
        """
        old = self._in_effect.config
        actions = diff(old, config, self._in_effect.catalog, catalog)
        self._in_effect.config, self._in_effect.catalog = config, catalog
        for action in actions:
            log.info("as hal0.yaml and the models are now: %s", _short(action))
            if not isinstance(action, Listen):
                self._carry_out(action)
        self._published.publish()
        for observer in self._observers:
            if observer.section(config) != observer.section(old):
                observer.changed(config)
        for action in actions:
            if isinstance(action, Listen):
                await self._listen(action.server, old.server)

    async def _listen(self, server: ServerConfig, old: ServerConfig) -> None:
        try:
            await self._move_endpoint(server)
        except PortInUse:
            self._in_effect.config = replace(self._in_effect.config, server=old)
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
                self._set_models(self._in_effect.config.slots[name], models, relaunch)
            case Choose(name, model) if self._has(name):
                self._choose(self._in_effect.config.slots[name], model)
            case SetTogether(sets):
                self._supervisor.set_together(sets)
            case OrderSlots(names):
                self._supervisor.order_slots(names)
            case UseUpstreams():
                self._use_upstreams()
            case _:
                log.debug("%s waits until the old slot is gone", action)

    def _has(self, name: str) -> bool:
        """Return whether the slot is there to stay; one that is made later is made from what is in effect
        then."""
        return name not in self._leaving and self._store.snapshot.slot(name) is not None

    def _set_models(self, slot: SlotConfig, models: Mapping[str, Model], relaunch: frozenset[str]) -> None:
        before = self._store.snapshot.slot(slot.name)
        self._supervisor.set_models(slot.name, models, relaunch)
        if before is not None and (before.model is None or before.model not in models):
            self._supervisor.select(slot.name, choose_model(slot, models))
            if before.model is None:
                self._autoload(slot)

    def _choose(self, slot: SlotConfig, model: str) -> None:
        """Follow the newer wish: at once where something is loaded or about to be, else with the next load."""
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
        """Note that the slot has left; the configuration may have one of that name again."""
        leaving = self._leaving.pop(name)
        slots = with_engine(self._in_effect.config)
        if not leaving.cancelled() and leaving.exception() is None and name in slots:
            self._make_and_load(name)
            self._supervisor.order_slots(tuple(slots))
        self._use_upstreams()  # one of them may serve the slot now
        self._published.publish()

    def _use_upstreams(self) -> None:
        for upstreams in self._upstreams:
            upstreams.use(self._in_effect.config)
        if self._in_effect.config.local_only:
            self._unload_remote_helped()

    def _unload_remote_helped(self) -> None:
        """Stop the engines that other machines help, or are about to: nothing may leave this computer."""
        models = self._published.all()
        held = [(o.slot, o.model) for o in self._supervisor.occupants()]
        for slot in self._store.snapshot.slots:
            held += [(slot.name, models[id_]) for id_ in (*slot.loaded, slot.target) if id_ in models]
        for name in {name for name, model in held if sends_away(model.flags)}:
            spawn(self._supervisor.unload(name), name=f"unload {name}: local_only")

    def _make_and_load(self, name: str) -> None:
        slot = self._in_effect.config.slots[name]
        self._make(slot)
        self._autoload(slot)

    def _make(self, slot: SlotConfig) -> None:
        models = choices(slot, self._in_effect.catalog)
        chosen = choose_model(slot, models, self._held(slot.name))
        self._supervisor.add_slot(slot, self._in_effect.config.limits, models, chosen)

    def _autoload(self, slot: SlotConfig) -> None:
        status = self._store.snapshot.slot(slot.name)
        if slot.autoload and status is not None and status.model and status.state is SlotState.UNLOADED:
            spawn(self._load(slot.name, status.model), name=f"autoload {slot.name}")

    async def _load(self, slot: str, model: str) -> None:
        try:
            await self._supervisor.load(slot, model)
        except RouterError as error:
            log.warning("slot %s: %s", slot, error.message)  # the slot's last error says so, too


def _short(action: Action) -> str:
    """Describe for the log what is done and to whom; never a value, which may be a key."""
    slot = getattr(action, "slot", "")
    name = slot.name if isinstance(slot, SlotConfig) else slot
    return f"{type(action).__name__} {name}".rstrip()
