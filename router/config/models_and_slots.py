"""The sections `models` and `slots`, and that a name means one thing."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from router.config.command_line import as_mapping, with_value
from router.config.fields import Section
from router.config.flag_values import read_flag
from router.config.flags import KIND_FLAGS, flag_name, managed_reason, says_nothing_new
from router.config.misplaced import not_a_flag
from router.config.reader import read_keys
from router.config.request_fields import FORCE, NOT_DEFAULTS, STRIP, misnamed, read_field
from router.config.schema import Kind, ModelConfig, SlotConfig
from router.config.variables import read_variables
from router.config.yaml_lines import Value, describe

# `{temp: 0,7}` is two entries for YAML: temp: 0, and 7 without a value.
_COMMA: Final = "is no name: within {...} a comma ends the value, so write the number before it with a point"


def read_model(model_id: str, section: Section, folders: tuple[Path, ...]) -> ModelConfig | None:
    """Read one entry of `models:`; path flags may be relative to `folders`. Returns None without a usable
    `file`."""
    flags = _flags(_flags_section(section), folders, section)
    by_hand = {"env": read_variables(section.section("env")), "metadata": _metadata(section)}
    model = read_keys(section, ModelConfig, id=model_id, flags=flags, request=_request(section), **by_hand)
    return replace(model, flags=_with_rpc(section, model)) if model.file else None


def _flags_section(model: Section) -> Section:
    """Return the mapping at `flags:`; of a command line in its place, report what to write instead."""
    value = model.value("flags")
    if value is None or isinstance(value.data, dict) or (meant := as_mapping(value)) is None:
        return model.section("flags")
    model.problem("flags", f"must be a mapping of flags to values, not {describe(value)}; write {meant}")
    return Section(None, model.key("flags"), model.problems)


def _flags(section: Section, folders: tuple[Path, ...], model: Section) -> Mapping[str, str | bool]:
    """Read `flags:`. Without `kind:` in `model`, whether `embeddings` contradicts it shows once the file is
    known."""
    kind = model.member("kind", Kind)
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
        elif isinstance(value.data, bool | None) and (meant := with_value(raw)):
            section.problem(raw, f"is a flag and its value in one; write {meant}")
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


def _with_rpc(section: Section, model: ModelConfig) -> Mapping[str, str | bool]:
    """Return the flags with `rpc:` as llama-server's --rpc."""
    if section.has("rpc") and "rpc" in model.flags:
        section.problem("rpc", "is also among flags:; remove one")
    return MappingProxyType({**model.flags, "rpc": ",".join(model.rpc)}) if model.rpc else model.flags


def _request(section: Section) -> Mapping[str, Any]:
    """Read `request:`: defaults by their names, and under STRIP and FORCE what else it says."""
    fields = section.section("request")
    request = _fields(fields, apart=(STRIP, FORCE))
    if stripped := _stripped(fields):
        request[STRIP] = stripped
    if forced := _fields(fields.section(FORCE)):
        request[FORCE] = forced
    return MappingProxyType(request)


def _stripped(fields: Section) -> list[str]:
    stripped = fields.texts(STRIP) or []
    for entry in stripped:
        wrong = "can only come from the client" if entry.text in NOT_DEFAULTS else misnamed(entry.text)
        if wrong:
            fields.problems.add(entry.line, fields.key(STRIP), f'"{entry.text}" {wrong}')
    return list(dict.fromkeys(entry.text for entry in stripped))


def _fields(fields: Section, apart: Collection[str] = ()) -> dict[str, Any]:
    request = {}
    for name, value in fields.entries():
        if name in apart:
            continue
        if name in NOT_DEFAULTS:
            fields.problem(name, "can only come from the client; remove it")
            continue
        try:
            request[name] = _request_field(name, value)
        except ValueError as error:
            fields.problem(name, str(error))
    return request


def _metadata(section: Section) -> Mapping[str, Any]:
    told = section.section("metadata")
    found = {name: value.plain() for name, value in told.entries()}
    for name, value in found.items():
        if not _finite(value):
            told.problem(name, "holds a number that is too large")
    return MappingProxyType(found)


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
    """Read one entry of `slots:`; `canonical` turns an alias into the id of its model."""
    slot = read_keys(section, SlotConfig, name=name, env=read_variables(section.section("env")))
    model = canonical(slot.model) if slot.model else None
    models = None if slot.models is None else tuple(dict.fromkeys(map(canonical, slot.models)))
    if model and models and model not in models and not (section.has("command") or section.has("upstream")):
        section.problem("model", f'"{model}" is not in models: of this slot; add it there')
    return SlotEntry(replace(slot, model=model, models=models), section)


def check_kinds(slots: list[SlotEntry], models: Mapping[str, ModelConfig]) -> None:
    """Report slots that are given named models of another kind (a kind left out is read from the GGUF
    later)."""
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
    """Report names that mean two things: clients send a slot's name, a model's id or an alias in one field."""
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
