"""The sections `models` and `slots`, and that a name means one thing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from router.config import places
from router.config.command_text import split_command
from router.config.fields import Section
from router.config.flag_values import read_flag
from router.config.flags import KIND_FLAGS, flag_name, managed_reason, says_nothing_new
from router.config.misplaced import not_a_flag
from router.config.request_fields import read_field
from router.config.schema import Kind, ModelConfig, SlotConfig, SwitchPolicy
from router.config.yaml_lines import Value

_MONTH: Final = 31 * 86_400.0
_SLOT_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_MODEL_NAME: Final = re.compile(r"\S+")
# What a slot without an engine of its own has no use for.
_OF_ENGINES: Final = (
    *("model", "models", "command", "health", "autoload", "switch", "idle_unload", "pinned"),
    *("drain_timeout", "priority"),
)
# Defaults for these would change what the client asked for, or whom.
_NOT_DEFAULTS: Final = ("model", "messages", "prompt", "input", "stream")
# `{temp: 0,7}` is two entries for YAML: temp: 0, and 7 without a value.
_COMMA: Final = "is no name: within {...} a comma ends the value, so write the number before it with a point"


def read_model(model_id: str, section: Section, folders: tuple[Path, ...]) -> ModelConfig | None:
    """One entry of `models:`; path flags may be relative to `folders`. None without a usable `file`."""
    file = section.text("file")
    if not section.has("file") and not section.broken:
        section.problem("file", "is missing: write the GGUF file to load, such as file: name.gguf")
    if not _MODEL_NAME.fullmatch(model_id) or not model_id.isprintable():
        section.problems.add(section.line, section.path, "a model's id must not hold spaces")
    aliases = section.texts("aliases") or []
    for alias in aliases:
        if not _MODEL_NAME.fullmatch(alias.text):
            section.problems.add(alias.line, section.key("aliases"), "an alias must not hold spaces")
    kind = section.choice("kind", Kind)
    model = ModelConfig(
        id=model_id,
        file=file or "",
        display_name=section.text("display_name"),
        kind=kind,
        aliases=tuple(alias.text for alias in aliases),
        flags=_with_rpc(section, _flags(section.section("flags"), folders, kind)),
        request=_request(section),
    )
    section.finish()
    return model if file else None


def _flags(section: Section, folders: tuple[Path, ...], kind: Kind | None) -> Mapping[str, str | bool]:
    """`kind`: as written. Without one, whether `embeddings` contradicts it is seen when the file is known."""
    flags: dict[str, str | bool] = {}
    written: dict[str, str] = {}
    for raw, value in section.entries():
        name = flag_name(raw)
        told_later = kind is None and name in KIND_FLAGS and isinstance(value.data, bool | None)
        if says_nothing_new(name, value, kind):
            continue
        if raw.isdecimal():
            section.problem(raw, _COMMA)
        elif (reason := managed_reason(name)) and not told_later:
            section.problem(raw, f"this flag is hal0's to set: {reason}")
        elif said := not_a_flag(raw):
            section.problem(raw, said)
        elif name in written:
            first = written[name]
            section.problem(raw, f'is the same flag as "{first}" on line {section.line_of(first)}; remove one')
        else:
            written[name] = raw
            try:
                flags[name] = read_flag(name, value, folders)
            except ValueError as error:
                section.problem(raw, str(error))
    return MappingProxyType(flags)


def _with_rpc(section: Section, flags: Mapping[str, str | bool]) -> Mapping[str, str | bool]:
    """`rpc:` is llama-server's --rpc, with each address checked."""
    written = section.texts("rpc")
    if written is None:
        return flags
    if "rpc" in flags:
        section.problem("rpc", "is also among flags:; remove one")
    addresses = []
    for item in written:
        try:
            addresses.append(places.host_and_port(item.text))
        except ValueError as error:
            section.problems.add(item.line, section.key("rpc"), str(error))
    return MappingProxyType({**flags, "rpc": ",".join(addresses)}) if addresses else flags


def _request(section: Section) -> Mapping[str, Any]:
    fields = section.section("request")
    request = {}
    for name, value in fields.entries():
        if name in _NOT_DEFAULTS:
            fields.problem(name, "can only come from the client; remove it")
            continue
        try:
            request[name] = _request_field(name, value)
        except ValueError as error:
            fields.problem(name, str(error))
    return MappingProxyType(request)


def _request_field(name: str, value: Value) -> Any:
    if name.isdecimal():
        raise ValueError(_COMMA)
    read = read_field(name, value)
    if not _finite(read):
        raise ValueError("holds a number that is too large")
    return read


def _finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_finite(item) for item in value.values())
    if isinstance(value, list):
        return all(_finite(item) for item in value)
    return not isinstance(value, float) or math.isfinite(value)


@dataclass(frozen=True, slots=True)
class SlotEntry:
    """A slot as read, with its section so that later checks can name lines."""

    config: SlotConfig
    section: Section


def read_slot(name: str, section: Section, canonical: Callable[[str], str]) -> SlotEntry:
    """One entry of `slots:`; `canonical` turns an alias into the id of its model."""
    standard = SlotConfig(name=name)
    if not _SLOT_NAME.fullmatch(name):
        message = "a slot's name may only hold letters, digits, dot, hyphen and underscore"
        section.problems.add(section.line, section.path, message)
    model = section.text("model")
    models = section.texts("models")
    config = SlotConfig(
        name=name,
        kind=section.choice("kind", Kind) or standard.kind,
        model=canonical(model) if model else None,
        models=None if models is None else tuple(dict.fromkeys(canonical(item.text) for item in models)),
        autoload=section.boolean("autoload", standard.autoload),
        switch=section.choice("switch", SwitchPolicy) or standard.switch,
        idle_unload=section.seconds("idle_unload", standard.idle_unload, 0.0, _MONTH),
        pinned=section.boolean("pinned", standard.pinned),
        drain_timeout=section.seconds("drain_timeout", standard.drain_timeout, 0.0, 86_400.0),
        command=section.checked("command", _command),
        health=section.checked("health", _health) or standard.health,
        priority=section.integer("priority", standard.priority, -1000, 1000),
        fallback=tuple(dict.fromkeys(item.text for item in section.texts("fallback") or [])),
        upstream=section.text("upstream"),
    )
    section.finish()
    _check_slot(config, section)
    return SlotEntry(config, section)


def _command(text: str) -> str:
    split_command(text)
    return text


def _health(text: str) -> str:
    if not text.startswith("/") or " " in text:
        raise ValueError('must be a path that begins with "/", such as /health')
    return text


def _check_slot(slot: SlotConfig, section: Section) -> None:
    for name in ("model", "models"):
        if section.has("command") and section.has(name):
            section.problem(name, "cannot stand beside command:, which says what the slot runs; remove one")
    for name in _OF_ENGINES if section.has("upstream") else ():
        if section.has(name):
            section.problem(name, "cannot stand beside upstream:, for the slot has no engine then; remove one")
    if section.has("command") or section.has("upstream"):
        return
    if slot.models == () and not section.entry_count("models"):
        section.problem("models", "is an empty list; leave it out to allow every model of the slot's kind")
    elif slot.model and slot.models is not None and slot.model not in slot.models:
        section.problem("model", f'"{slot.model}" is not in models: of this slot; add it there')


def check_kinds(slots: list[SlotEntry], models: Mapping[str, ModelConfig]) -> None:
    """A slot may only be given named models of its own kind (a kind left out is read from the GGUF later)."""
    for slot in slots:
        for field, names in (("model", (slot.config.model,)), ("models", slot.config.models or ())):
            for name in names:
                kind = models[name].kind if name is not None and name in models else None
                if kind is not None and kind is not slot.config.kind:
                    message = f'"{name}" is a model for {kind}, and this slot is for {slot.config.kind}'
                    slot.section.problem(field, message)


def check_names(
    models: Mapping[str, Section], aliases: Mapping[str, tuple[str, ...]], slots: Mapping[str, Section]
) -> None:
    """Clients send a slot's name, a model's id or an alias in one field: each must mean one thing."""
    taken = {name: (f'the model "{name}"', section.line) for name, section in models.items()}
    for model_id, names in aliases.items():
        for alias in names:
            if alias in taken:
                models[model_id].problem("aliases", _clash(alias, taken[alias]))
            taken.setdefault(alias, (f'an alias of "{model_id}"', models[model_id].line_of("aliases")))
    for name, section in slots.items():
        if name in taken:
            section.problems.add(section.line, section.path, _clash(name, taken[name]))


def _clash(name: str, owner: tuple[str, int]) -> str:
    return f'"{name}" is already {owner[0]} (line {owner[1]}); a name must mean one thing, so rename one'
