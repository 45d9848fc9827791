"""What a changed configuration asks for. Pure: `diff` compares, `router.reload.apply` acts.

Only what has changed is touched: an engine gets a new process if its command line differs, and the endpoint a
new socket if its address does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from router.catalog.model import Model
from router.catalog.models import Catalog, find_model
from router.config.schema import Config, EngineConfig, LimitsConfig, ServerConfig, SlotConfig
from router.slots.selection import Selected


@dataclass(frozen=True, slots=True)
class UseEngine:
    """Launch engines as `engine` says from now on; `restart`: those that run, too."""

    engine: EngineConfig
    restart: bool


@dataclass(frozen=True, slots=True)
class RemoveSlot:
    """Let its requests end, stop its engine, then forget it."""

    slot: str


@dataclass(frozen=True, slots=True)
class AddSlot:
    """Make the slot; `replaces` one of the same name that served something else and is removed first."""

    slot: str
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class OrderSlots:
    slots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """Apply at once, without touching what runs."""

    slot: SlotConfig
    limits: LimitsConfig


@dataclass(frozen=True, slots=True)
class SetModels:
    """The slot may hold `models` now. Those in `relaunch` have a different command line than before."""

    slot: str
    models: Mapping[str, Model]
    relaunch: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Choose:
    """hal0.yaml names another model for the slot: the newer wish."""

    slot: str
    model: str


@dataclass(frozen=True, slots=True)
class SetTogether:
    """Let only slots that are in one of these sets be loaded at the same time."""

    sets: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Listen:
    """Answer at this address, with these keys."""

    server: ServerConfig


@dataclass(frozen=True, slots=True)
class UseUpstreams:
    """Ask the servers elsewhere that are named now, for the slots they serve, or none of them."""


Action: TypeAlias = (
    UseEngine
    | RemoveSlot
    | AddSlot
    | OrderSlots
    | SetPolicy
    | SetModels
    | Choose
    | SetTogether
    | UseUpstreams
    | Listen
)


def diff(old: Config, new: Config, old_models: Catalog, new_models: Catalog) -> list[Action]:
    """Return what turns a router that runs with `old` into one with `new`, in the order to do it."""
    actions: list[Action] = []
    if old.engine != new.engine:
        restart = old.engine.llama_server != new.engine.llama_server
        actions.append(UseEngine(new.engine, restart))
    if old.together != new.together:
        actions.append(SetTogether(new.together))  # before anything is loaded as the rest wants
    old_slots, new_slots = with_engine(old), with_engine(new)
    actions += [RemoveSlot(name) for name in old_slots if name not in new_slots]
    for slot in new_slots.values():
        before = old_slots.get(slot.name)
        if before is None or _serves_otherwise(before, slot):
            actions.append(AddSlot(slot.name, replaces=before is not None))
            continue
        if before != slot or old.limits != new.limits:
            actions.append(SetPolicy(slot, new.limits))
        actions += _models(slot, choices(before, old_models), choices(slot, new_models))
        if slot.model is not None and slot.model != before.model:
            actions.append(Choose(slot.name, choose_model(slot, choices(slot, new_models)) or slot.model))
    if tuple(old_slots) != tuple(new_slots):
        actions.append(OrderSlots(tuple(new_slots)))
    if _elsewhere(old) != _elsewhere(new):
        actions.append(UseUpstreams())
    if old.server != new.server:
        actions.append(Listen(new.server))
    return actions


def with_engine(config: Config) -> dict[str, SlotConfig]:
    """Return the slots that have an engine on this computer, by name."""
    return {name: slot for name, slot in config.slots.items() if slot.upstream is None}


def _elsewhere(config: Config) -> tuple[object, ...]:
    """Return all that the servers elsewhere depend on, including the places of the slots they serve."""
    served = {name: slot for name, slot in config.slots.items() if slot.upstream is not None}
    return dict(config.upstreams), config.local_only, served, tuple(config.slots) if served else ()


def choices(slot: SlotConfig, catalog: Catalog) -> dict[str, Model]:
    """Return what the slot may hold, as it launches it, by id, in the order of its menu."""
    if slot.upstream is not None:
        return {}
    return {model.id: model for model in catalog.for_slot(slot)}


def choose_model(slot: SlotConfig, models: Mapping[str, Model], saved: Selected | None = None) -> str | None:
    """Return what a slot holds first: what it held last, unless hal0.yaml has been changed since; else what
    hal0.yaml says; else the first that can run, preferring chat models if there are any."""
    if saved is not None and saved.model in models and saved.configured == slot.model:
        return saved.model
    if slot.model is None:
        able = [model for model in models.values() if not model.problem]
        return next((model.id for model in (*(m for m in able if m.made_to_talk), *able)), None)
    found = find_model(slot.model, models)
    return found.id if found is not None else None


def _serves_otherwise(old: SlotConfig, new: SlotConfig) -> bool:
    """Return whether it is a new slot with an old name: requests that wait for the one cannot go to the
    other."""
    return old.kind is not new.kind or (old.command is None) is not (new.command is None)


def _models(slot: SlotConfig, old: Mapping[str, Model], new: Mapping[str, Model]) -> Iterator[SetModels]:
    # A model that can no longer be launched leaves its running engine alone.
    able = {id_: model for id_, model in new.items() if id_ in old and not model.problem}
    changed = [id_ for id_, model in able.items() if old[id_].launch_key != model.launch_key]
    if old != new or list(old) != list(new):
        yield SetModels(slot.name, new, frozenset(changed))
