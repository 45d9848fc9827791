"""The catalog: every model hal0 knows, from the config, the model folders, slots' commands, and the demo.

`build_catalog` touches the disk: call it in a thread.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from router.catalog.header import kind_of
from router.catalog.model import Model
from router.catalog.scan import Found, describe_file, free_id, scan_folders
from router.config import places
from router.config.problems import did_you_mean
from router.config.schema import Config, Kind, ModelConfig, SlotConfig
from router.errors import BadModel

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Models by id: those the config names, then slots' commands, then those found on disk, then the demo."""

    models: Mapping[str, Model] = field(default_factory=lambda: MappingProxyType({}))

    def find(self, id_or_alias: str) -> Model | None:
        """Exact match only; an id wins over an alias, an earlier alias over a later one."""
        by_id = self.models.get(id_or_alias)
        return by_id or next((m for m in self.models.values() if id_or_alias in m.aliases), None)

    def names(self, config: Config) -> set[str]:
        """What slots may name: models with a file, a command or an entry of `config`, and their aliases."""
        there = (m for m in self.models.values() if m.file or m.command is not None or m.id in config.models)
        return {name for model in there for name in (model.id, *model.aliases)}

    def for_slot(self, slot: SlotConfig) -> tuple[Model, ...]:
        """What `slot` may hold, in the order a person should see it."""
        if slot.command is not None:
            return (_command_model(slot),)
        if slot.models is not None:
            listed = (self.find(name) or _unknown(name, slot, self.models) for name in slot.models)
            return tuple({model.id: model for model in listed}.values())
        return tuple(m for m in self.models.values() if m.kind is slot.kind and m.command is None)


def build_catalog(config: Config, demo: Path | None) -> Catalog:
    """Read the config's model folders and files.

    `demo` is the built-in model: offered if the config names it, or if nothing else can chat.
    """
    found = scan_folders(config.model_dirs)
    models: dict[str, Model] = {}
    for named in config.models.values():
        models[named.id] = _named_model(named, config, found, demo)
    for slot in config.slots.values():
        if slot.command is not None:
            _add_command(models, slot)
    for item in found:
        _add_found(models, item)
    wanted = _names_wanted(config)
    if demo is not None and demo.stem not in models and (demo.stem in wanted or not _can_chat(models)):
        models[demo.stem] = _found_model(replace(describe_file(demo), flags={}))
    catalog = Catalog(MappingProxyType(models))
    for name, slot in wanted.items():
        if catalog.find(name) is None:
            models[name] = _unknown(name, slot, models)
    _warn_of_aliases(models)
    return catalog


def _add_command(models: dict[str, Model], slot: SlotConfig) -> None:
    model = _command_model(slot)
    if model.id in models:
        log.warning("slot %s: its command's model has the id of another model, %s", slot.name, model.id)
    else:
        models[model.id] = model


def _add_found(models: dict[str, Model], found: Found) -> None:
    taken_by = models.get(found.id)
    if taken_by is not None:
        if taken_by.file is not None and os.path.realpath(taken_by.file) == os.path.realpath(found.path):
            return  # the config describes this very file under this very name
        found = replace(found, id=free_id(found.id, found.path, models))
    models[found.id] = _found_model(found)


def _names_wanted(config: Config) -> dict[str, SlotConfig]:
    """Every model name that a slot without a command mentions, with the first slot that does."""
    wanted: dict[str, SlotConfig] = {}
    for slot in config.slots.values():
        if slot.command is None:
            for name in (slot.model, *(slot.models or ())):
                if name is not None:
                    wanted.setdefault(name, slot)
    return wanted


def _can_chat(models: Mapping[str, Model]) -> bool:
    return any(model.kind is Kind.CHAT and model.problem is None for model in models.values())


def _command_model(slot: SlotConfig) -> Model:
    name = slot.model or slot.name
    return Model(name, slot.kind, display_name=name, command=slot.command, health=slot.health)


def _unknown(name: str, slot: SlotConfig, known: Mapping[str, Model]) -> Model:
    runnable = [model.id for model in known.values() if model.problem is None and model.kind is slot.kind]
    problem = (
        f"Slot {slot.name} names the model {name}, which is neither under `models:` nor in a model folder: "
        f"correct the name or add the file.{did_you_mean(name, runnable)}"
    )
    return Model(name, slot.kind, display_name=name, problem=problem)


def _found_model(found: Found) -> Model:
    return Model(
        id=found.id,
        kind=kind_of(found.header) if found.header else Kind.CHAT,
        display_name=found.id,
        file=found.path,
        flags=MappingProxyType(dict(found.flags)),
        size_bytes=found.size_bytes,
        context_trained=found.header.context_length if found.header else None,
        quantisation=found.header.quantisation if found.header else None,
        problem=found.problem,
    )


def _named_model(named: ModelConfig, config: Config, found: list[Found], demo: Path | None) -> Model:
    """A model of the config; one whose file is missing or damaged is a model with a `problem`."""
    problem: str | None = None
    base = Model(named.id, named.kind or Kind.CHAT, display_name=named.id)
    try:
        base = _found_model(_locate(named.file, config, found, demo))
    except BadModel as error:
        problem = error.message
    flags = dict(named.flags)
    if not flags.keys() & {"mmproj", "mmproj-url", "mmproj-auto", "no-mmproj"}:
        flags = {**base.flags, **flags}
    return replace(
        base,
        id=named.id,
        kind=named.kind or base.kind,
        display_name=named.display_name or named.id,
        aliases=named.aliases,
        flags=MappingProxyType(flags),
        request=named.request,
        problem=problem or base.problem or _leaves(named, config),
    )


def _leaves(named: ModelConfig, config: Config) -> str | None:
    """Why a model that other machines help with may not be loaded now."""
    if config.local_only and sends_away(named.flags):
        return (
            f"Model {named.id} is computed on other machines, too (rpc), and nothing may leave this computer "
            "(local_only): allow that, or take rpc out."
        )
    return None


def sends_away(flags: Mapping[str, str | bool]) -> bool:
    """Whether llama-server with these flags sends what it is asked to another machine."""
    rpc = flags.get("rpc")
    return isinstance(rpc, str) and not places.all_here(rpc)


def _locate(text: str, config: Config, found: list[Found], demo: Path | None) -> Found:
    """The model that `file: text` means.

    Raises:
        BadModel: there is none, naming each place that was tried.
    """
    written = Path(os.path.expanduser(text))  # noqa: PTH111 - Path.expanduser fails on an unknown ~user
    folders = [*([config.source.parent] if config.source else []), *config.model_dirs]
    candidates = [written] if written.is_absolute() else [folder.expanduser() / written for folder in folders]
    for candidate in candidates:
        if candidate.is_file():
            return _described(candidate.absolute(), found)
    if not written.is_absolute():
        for item in found:
            if text in (item.id, item.path.name, item.path.stem):
                return item
        if demo is not None and text in (demo.name, demo.stem):
            return replace(describe_file(demo), flags={})
    tried = ", ".join(str(candidate) for candidate in candidates) or text
    raise BadModel(
        f"The file {text} was not found; looked for {tried}{places.unexpanded(text)}. "
        "Correct `file:` or put the file there."
    )


def _described(path: Path, found: list[Found]) -> Found:
    real = os.path.realpath(path)
    return next((item for item in found if os.path.realpath(item.path) == real), None) or describe_file(path)


def _warn_of_aliases(models: Mapping[str, Model]) -> None:
    owners: dict[str, str] = {model_id: model_id for model_id in models}
    for model in models.values():
        for alias in model.aliases:
            owner = owners.setdefault(alias, model.id)
            if owner != model.id:
                log.warning("alias %s of model %s is ignored: it already means %s", alias, model.id, owner)
