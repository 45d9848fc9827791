"""The catalog: every model hal0 knows, from the config, the model folders, slots' commands, and its own.

`build_catalog` touches the disk: call it in a thread.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from router.base.errors import BadModel
from router.base.files import file_key, is_dir, is_file
from router.base.names import accented, spellings
from router.base.paths import STARTER
from router.catalog.architectures import surely_chats
from router.catalog.capabilities import BY_KIND, capabilities_of
from router.catalog.context import Flags, overridden, trained_context
from router.catalog.header import POOLINGS, GgufHeader, kind_of, reads_whole
from router.catalog.launch_files import model_looks
from router.catalog.model import Model
from router.catalog.scan import Found, LeftOut, describe_file, free_id, header_of, scan
from router.config import places
from router.config.problems import did_you_mean
from router.config.request_fields import FORCE, STRIP
from router.config.schema import Config, Kind, ModelConfig, SlotConfig

log = logging.getLogger(__name__)

OWN_NAMES = {STARTER: "SmolLM2 135M (starter)"}
"""What hal0's own models are called."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Models by id: those the config names, then slots' commands, then those found on disk, then hal0's own.

    `left_out`: files in the model folders that are no models, each with the reason. `unread`: folders that
    could not be looked into.
    """

    models: Mapping[str, Model] = field(default_factory=lambda: MappingProxyType({}))
    left_out: tuple[LeftOut, ...] = ()
    unread: tuple[LeftOut, ...] = ()

    def find(self, id_or_alias: str) -> Model | None:
        """Do the same as the function `find_model`."""
        return find_model(id_or_alias, self.models)

    def names(self, config: Config) -> set[str]:
        """Return what slots may name: models with a file, a command or an entry of `config`, and their
        aliases."""
        there = (m for m in self.models.values() if m.file or m.command is not None or m.id in config.models)
        return {name for model in there for name in (model.id, model.id.partition("@")[0], *model.aliases)}

    def for_slot(self, slot: SlotConfig) -> tuple[Model, ...]:
        """Return what `slot` may hold, in the order a person should see it."""
        if slot.command is not None:
            return (_command_model(slot),)
        if slot.models is not None:
            listed = (self.find(name) or _unknown(name, slot, self) for name in slot.models)
            return tuple({model.id: model for model in listed}.values())
        return tuple(m for m in self.models.values() if m.kind is slot.kind and m.command is None)


def find_model(name: str, models: Mapping[str, Model]) -> Model | None:
    """Return the model of `models` that hal0.yaml calls `name`: an id wins over an alias, an earlier alias over
    a later one, an exact name over other spellings; last, a file that could not be given its name alone."""
    for spelling in spellings(name):
        by_alias = (model for model in models.values() if spelling in model.aliases)
        if (found := models.get(spelling) or next(by_alias, None)) is not None:
            return found
    renamed = [model for model in models.values() if model.id.startswith(f"{name}@")]
    return renamed[0] if len(renamed) == 1 else None


def build_catalog(config: Config, *own: Path | None) -> Catalog:
    """Read the config's model folders and files.

    `own` are models that hal0 brings, the better first, None where it does not: each is offered if the config
    names it, or if nothing before it can chat. One that lies in a model folder is not the person's for that.
    """
    scanned = scan(config.model_dirs)
    brought = [path for path in own if path is not None and is_file(path)]
    ours = {os.path.realpath(path) for path in brought}
    found = [item for item in scanned.models if os.path.realpath(item.path) not in ours]
    models: dict[str, Model] = {}
    for named in config.models.values():
        models[named.id] = _named_model(named, config, found, brought)
    for slot in config.slots.values():
        if slot.command is not None:
            _add_command(models, slot)
    for item in found:
        _add_found(models, item, config)
    wanted = _names_wanted(config)
    for path in brought:
        if path.stem not in models and (path.stem in wanted or not _can_chat(models)):
            models[path.stem] = _own_model(path)
    models = {id_: _looked_at(model) for id_, model in models.items()}
    catalog = Catalog(MappingProxyType(models), tuple(scanned.left_out), tuple(scanned.unread))
    for name, slot in wanted.items():
        if catalog.find(name) is not None:
            continue
        if (model := _by_path(name, config, models)) is not None:
            models[model.id] = replace(model, aliases=(*model.aliases, name))
        else:
            models[name] = _unknown(name, slot, catalog)
    _warn_of_aliases(models)
    return catalog


def _looked_at(model: Model) -> Model:
    if model.file is None or model.problem:
        return model
    return replace(model, files=model_looks(model.file, model.flags))


def _add_command(models: dict[str, Model], slot: SlotConfig) -> None:
    model = _command_model(slot)
    if model.id in models:
        log.warning("slot %s: its command's model has the id of another model, %s", slot.name, model.id)
    else:
        models[model.id] = model


def _add_found(models: dict[str, Model], found: Found, config: Config) -> None:
    known = models.get(found.id)
    if known is not None and known.file is not None and _same_file(known.file, found.path):
        # The config describes this very file under this very name; other files' names mean it as it lies there.
        models[known.id] = replace(known, aliases=tuple(dict.fromkeys((*known.aliases, *found.fetched_as))))
        if found.aliases:
            first, *others = found.aliases
            _add_found(models, replace(found, id=first, aliases=tuple(others), fetched_as=()), config)
        return
    if known is not None or found.id in config.slots:  # that name means the slot, whatever it holds
        found = replace(found, id=free_id(found.id, found.path, {*models, *config.slots}))
    models[found.id] = _found_model(found)


def _same_file(one: Path, other: Path) -> bool:
    return file_key(one) == file_key(other)


def _names_wanted(config: Config) -> dict[str, SlotConfig]:
    """Return every model name that a slot without a command mentions, with the first slot that does."""
    wanted: dict[str, SlotConfig] = {}
    for slot in config.slots.values():
        if slot.command is None:
            for name in (slot.model, *(slot.models or ())):
                if name is not None:
                    wanted.setdefault(name, slot)
    return wanted


def _can_chat(models: Mapping[str, Model]) -> bool:
    return any(model.kind is Kind.CHAT and model.problem is None for model in models.values())


def _own_model(path: Path) -> Model:
    model = _found_model(replace(describe_file(path), flags={}))
    return replace(model, display_name=OWN_NAMES.get(model.id, model.id), brought=True)


def _command_model(slot: SlotConfig) -> Model:
    name = slot.model or slot.name
    does = BY_KIND.get(slot.kind, ())
    return Model(
        name,
        slot.kind,
        display_name=name,
        command=slot.command,
        health=slot.health,
        stop=slot.stop,
        env=slot.env,
        capabilities=does,
    )


def _by_path(name: str, config: Config, models: Mapping[str, Model]) -> Model | None:
    """Return the model that a slot names by its path, whole or below a model folder."""
    if "/" not in name and os.sep not in name:
        return None
    written = Path(os.path.expanduser(name))  # noqa: PTH111 - as in _locate
    places_ = [folder.expanduser().absolute() / written for folder in config.model_dirs]
    return next((m for m in models.values() if m.file in places_), None)


def _unknown(name: str, slot: SlotConfig, known: Catalog) -> Model:
    left_out = next((left for left in known.left_out if name in (left.path.name, left.path.stem)), None)
    if left_out is not None:
        problem = f"Slot {slot.name} cannot hold {name}: {left_out.reason}"
        return Model(name, slot.kind, display_name=name, file=left_out.path, problem=problem)
    runnable = [m.id for m in known.models.values() if m.problem is None and m.kind is slot.kind]
    problem = (
        f"Slot {slot.name} names the model {name}, which is neither under `models:` nor in a model folder"
        f"{_unread(known.unread)}: correct the name or add the file.{did_you_mean(name, runnable)}"
    )
    return Model(name, slot.kind, display_name=name, problem=problem)


def _unread(folders: Sequence[LeftOut]) -> str:
    """Name a folder that may well hold it: of a drive that is not there, or another user's."""
    if not folders:
        return ""
    first, others = folders[0], len(folders) - 1
    more = f" and {others} more" if others else ""
    return f" that can be read ({first.path}{more}: {first.reason})"


def _found_model(found: Found) -> Model:
    kind = kind_of(found.header) if found.header else Kind.CHAT
    model = Model(
        id=found.id,
        kind=kind,
        display_name=found.id,
        file=found.path,
        aliases=(*found.aliases, *found.fetched_as),
        flags=MappingProxyType(dict(found.flags)),
        request=MappingProxyType(dict(found.request)),
        system=found.system,
        opening=found.opening,
        size_bytes=found.size_bytes,
        quantisation=found.header.quantisation if found.header else None,
        problem=found.problem,
        note=found.note,
        made_to_talk=bool(found.header and (kind is not Kind.CHAT or _made_to_talk(found.header))),
    )
    return _described_by(model, found.header)


def _described_by(model: Model, header: GgufHeader | None) -> Model:
    """Return the model with what follows from its header under its flags, as its kind."""
    if header is None:
        return model
    flags = model.flags
    pooling = flags.get("pooling") or POOLINGS.get(
        int(overridden(flags, f"{header.architecture}.pooling_type") or -1)
    )
    return replace(
        model,
        context_trained=trained_context(header, flags),
        reads_whole=reads_whole(header, model.kind, str(pooling) if pooling else None),
        draft_type=_draft_type(flags),
        capabilities=capabilities_of(
            header, flags, model.kind, _chat_template(header, flags), _projector(flags)
        ),
    )


def _chat_template(header: GgufHeader, flags: Flags) -> str | None:
    """Return the chat template that the engine will use: the flags' own, by text or by file, before that of the
    model's file."""
    file, text = flags.get("chat-template-file"), flags.get("chat-template")
    if isinstance(file, str):
        try:
            return Path(file).expanduser().read_text(encoding="utf-8", errors="replace")
        except OSError as error:  # the launch will say so
            log.debug("the chat template %s cannot be read: %s", file, error)
            return None
    return text if isinstance(text, str) else header.text("tokenizer.chat_template")


def _draft_type(flags: Flags) -> str | None:
    """llama-server loads a draft and lets it be, unless it is told how to use it."""
    file = flags.get("spec-draft-model")
    header = header_of(Path(file).expanduser()) if isinstance(file, str) else None
    if header is None or "spec-type" in flags:
        return None
    named = next((kind for kind in ("eagle3", "dflash", "dspark") if kind in header.architecture), None)
    return f"draft-{named or ('mtp' if header.head_layers else 'simple')}"


def _projector(flags: Flags) -> GgufHeader | None:
    file = flags.get("mmproj")
    return header_of(Path(file).expanduser()) if isinstance(file, str) else None


def _made_to_talk(header: GgufHeader) -> bool:
    return header.has_chat_template and surely_chats(header.architecture)


def _named_model(named: ModelConfig, config: Config, found: list[Found], own: Sequence[Path]) -> Model:
    """Return a model of the config; one whose file is missing or damaged is a model with a `problem`."""
    problem: str | None = None
    header: GgufHeader | None = None
    base = Model(named.id, named.kind or Kind.CHAT, display_name=named.id)
    try:
        located = _locate(named.file, config, found, own)
        base, header = _found_model(located), located.header
    except BadModel as error:
        problem = error.message
    beside = dict(base.flags)
    if named.flags.keys() & {"mmproj", "mmproj-url", "mmproj-auto", "no-mmproj"}:
        beside.pop("mmproj", None)
        base = replace(base, note=None)
    if named.kind not in (None, base.kind):
        beside.pop("pooling", None)
    defaults = {name: value for name, value in named.request.items() if name not in (STRIP, FORCE)}
    model = replace(
        base,
        id=named.id,
        kind=named.kind or base.kind,
        display_name=named.display_name or named.id,
        aliases=named.aliases,
        flags=MappingProxyType({**beside, **named.flags}),
        request=MappingProxyType({**base.request, **defaults}),
        strip=tuple(named.request.get(STRIP, ())),
        force=MappingProxyType(dict(named.request.get(FORCE, {}))),
        env=named.env,
        limit=named.limit,
        metadata=named.metadata,
        listed=named.listed,
        made_to_talk=True,
        problem=problem or base.problem or _leaves(named, config),
    )
    described = _described_by(model, header)
    return replace(described, capabilities=named.capabilities) if named.capabilities else described


def _leaves(named: ModelConfig, config: Config) -> str | None:
    """Return why a model that other machines help with may not be loaded now."""
    if config.local_only and sends_away(named.flags):
        return (
            f"Model {named.id} is computed on other machines, too (rpc), and nothing may leave this computer "
            "(local_only): allow that, or take rpc out."
        )
    return None


def sends_away(flags: Mapping[str, str | bool]) -> bool:
    """Return whether llama-server with these flags sends what it is asked to another machine."""
    rpc = flags.get("rpc")
    return isinstance(rpc, str) and not places.all_here(rpc)


def _locate(text: str, config: Config, found: list[Found], own: Sequence[Path]) -> Found:
    """Return the model that `file: text` means.

    Raises:
        BadModel: there is none, naming each place that was tried.
    """
    written = Path(os.path.expanduser(text))  # noqa: PTH111 - Path.expanduser fails on an unknown ~user
    folders = [*([config.source.parent] if config.source else []), *config.model_dirs]
    candidates = [written] if written.is_absolute() else [folder.expanduser() / written for folder in folders]
    for candidate in candidates:
        for spelt in (str(candidate), *accented(str(candidate))):
            if is_file(Path(spelt)):
                return _described(Path(spelt).absolute(), found)
    if not written.is_absolute():
        for item in found:
            names = {item.path.name, item.path.stem, item.id, *item.aliases, *item.fetched_as}
            if not names.isdisjoint(spellings(text)):
                return item
        if (brought := next((path for path in own if text in (path.name, path.stem)), None)) is not None:
            return replace(describe_file(brought), flags={})
    if folder := next((candidate for candidate in candidates if is_dir(candidate)), None):
        raise BadModel(f"{folder} is a folder: write the GGUF file in it as `file:`.")
    tried = ", ".join(str(candidate) for candidate in candidates) or text
    near = did_you_mean(_stem(text), (_stem(item.path.name) for item in found))
    raise BadModel(
        f"The file {text} was not found; looked for {tried}{places.unexpanded(text)}. "
        f"Correct `file:` or put the file there.{near}"
    )


def _stem(path: str) -> str:
    """Return the file's name without folders, of whichever system, and suffix: two names are never alike only
    in that."""
    return re.sub(r"\.gguf$", "", re.split(r"[/\\]", path)[-1], flags=re.IGNORECASE)


def _described(path: Path, found: list[Found]) -> Found:
    real = file_key(path)
    return next((item for item in found if file_key(item.path) == real), None) or describe_file(path)


def _warn_of_aliases(models: Mapping[str, Model]) -> None:
    owners: dict[str, str] = {model_id: model_id for model_id in models}
    for model in models.values():
        for alias in model.aliases:
            owner = owners.setdefault(alias, model.id)
            if owner != model.id:
                log.warning("alias %s of model %s is ignored: it already means %s", alias, model.id, owner)
