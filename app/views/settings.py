"""Pure: hal0.yaml ⇄ the values the settings show, and the smallest set of changes between the two.

A `Form` maps a setting's key, as in `ConfigChange.path`, to its value: text, number, bool, None for "left out",
or a tuple. Some are edited as they look: `flags` and `env` are tuples of (name, text), JSON_FIELDS are JSON,
and sizes are in the unit of their key. A secret of `env` is not shown, and stays while nobody writes another.
Which settings there are, and their defaults, follows from router.config.schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import reduce
from typing import Any

from app.views.settings_document import WrittenSettings, api_keys, flags_as_text
from router.config.change import REMOVE, ConfigChange, ConfigDocument
from router.config.default import USUAL
from router.config.keys import (
    Flags,
    Free,
    Named,
    Part,
    RequestFields,
    Row,
    SharedValues,
    Size,
    SlotSets,
    Texts,
    Variables,
    keys_of,
)
from router.config.schema import Config, ModelConfig, SlotConfig

Key = tuple[str, ...]
Form = dict[Key, Any]

HOST, PORT, API_KEYS = ("server", "host"), ("server", "port"), ("server", "api_keys")
LLAMA_SERVER, PORTS = ("engine", "llama_server"), ("engine", "ports")
QUEUE, WAIT = ("limits", "queue"), ("limits", "wait")
MODEL_DIRS = ("model_dirs",)
VARS = ("vars",)
HEADROOM, LOCAL_ONLY, UPDATES = ("memory", "headroom"), ("local_only",), ("updates",)
SERVER, SLOTS, MODELS = "server", "slots", "models"
AUTO = "auto"
JSON_FIELDS = ("request", "metadata")
"""Keys of a model that are edited as JSON."""


def _basic_keys() -> Iterator[Key]:
    for name, row in keys_of(Config).items():
        match row.key.type:
            case Part(of):
                yield from ((name, inner) for inner in keys_of(of))
            case Named():
                continue  # entries come and go: see `names`
            case _:
                yield (name,)


def row_of(key: Key) -> Row:
    """Find the key of hal0.yaml that a setting is of."""
    row = keys_of(Config)[key[0]]
    match row.key.type:
        case Part(of) | Named(of):
            return keys_of(of)[key[-1]]
    return row


def as_shown(row: Row, value: Any) -> Any:
    """Give a configuration's value as the settings have it."""
    match row.key.type:
        case Size(unit=(unit, _)):
            return round(value / unit)
        case Flags():
            return flags_as_text(dict(value))
        case RequestFields() | Free():
            return _json_text(value)
        case Variables() | SharedValues():
            return tuple(value.items())
    return value.value if isinstance(value, Enum) else value


def _json_text(request: Mapping[str, Any]) -> str:
    return json.dumps(dict(request), indent=2, ensure_ascii=False) if request else ""


BASIC = tuple(_basic_keys())
_SLOT_ROWS, _MODEL_ROWS = keys_of(SlotConfig), keys_of(ModelConfig)
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    SLOTS: {name: as_shown(row, row.default) for name, row in _SLOT_ROWS.items()},
    MODELS: {name: as_shown(row, row.default) for name, row in _MODEL_ROWS.items()},
}
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d+)?")


def form_of(document: ConfigDocument) -> Form:
    """Return what the settings show for `document`."""
    config, written = document.config, WrittenSettings(document.text)
    form = _basics(config, written)
    form[API_KEYS] = api_keys(document, written)
    for slot in config.slots.values():
        form |= _slot(slot, written)
    for model in config.models.values():
        form |= _model(model, written)
    return form


def _basics(config: Config, written: WrittenSettings) -> Form:
    form: Form = {key: as_shown(row_of(key), reduce(getattr, key, config)) for key in BASIC}
    lists = {key: written.texts(*key) for key in BASIC if isinstance(row_of(key).key.type, Texts)}
    form |= {key: texts for key, texts in lists.items() if texts is not None}
    form[VARS] = written.named_texts(*VARS)
    form[LLAMA_SERVER] = written.text(*LLAMA_SERVER) or str(config.engine.llama_server or AUTO)
    if lists[MODEL_DIRS] is None:
        form[MODEL_DIRS] = (USUAL,)
    return form


def _slot(slot: SlotConfig, written: WrittenSettings) -> Form:
    values = {name: as_shown(row, getattr(slot, name)) for name, row in _SLOT_ROWS.items()}
    values["env"] = written.variables(SLOTS, slot.name)
    return {(SLOTS, slot.name, name): value for name, value in values.items()}


def _model(model: ModelConfig, written: WrittenSettings) -> Form:
    values = {name: as_shown(row, getattr(model, name)) for name, row in _MODEL_ROWS.items()}
    values["flags"] = written.flags(model.id) or ()
    values["env"] = written.variables(MODELS, model.id)
    return {(MODELS, model.id, name): value for name, value in values.items()}


def names(form: Form, section: str) -> tuple[str, ...]:
    """Return the slots' or models' names in their order."""
    return tuple(dict.fromkeys(key[1] for key in form if key[0] == section and len(key) == 3))


def with_entry(form: Form, section: str, name: str, **values: Any) -> Form:
    """`form` with a new slot or model that has the defaults but for `values`."""
    fields = {**_DEFAULTS[section], **values}
    return {**form, **{(section, name, field): value for field, value in fields.items()}}


def without_entry(form: Form, section: str, name: str) -> Form:
    return {key: value for key, value in form.items() if key[:2] != (section, name)}


def rebased(form: Form, old: Form, new: Form) -> Form:
    """`form`'s edits of `old`, on top of `new`: hal0.yaml was changed outside while a person edits it."""
    gone = {(s, n) for s in (SLOTS, MODELS) for n in names(old, s) if n not in names(form, s)}
    kept = {key: value for key, value in new.items() if key[:2] not in gone}
    edits = {key: value for key, value in form.items() if key not in old or old[key] != value}
    # An edit of a slot or model that is gone from the file would bring back a torn half of it.
    lost = {(s, n) for s in (SLOTS, MODELS) for n in names(old, s) if n not in names(new, s)}
    return {**kept, **{key: value for key, value in edits.items() if key[:2] not in lost}}


def changes(document: ConfigDocument, form: Form) -> list[ConfigChange]:
    """Return the smallest changes that make `document` say what `form` says; the form must have no problems."""
    old, written = form_of(document), WrittenSettings(document.text)
    found = [
        ConfigChange(key, _basic(key, form[key])) for key in BASIC if form[key] != old[key] and key != VARS
    ]
    found += _mapping_changes(VARS, dict(old[VARS]), dict(form[VARS]), _shared_value)
    return [*found, *_entry_changes(SLOTS, old, form, written), *_entry_changes(MODELS, old, form, written)]


def _basic(key: Key, value: Any) -> Any:
    if value is None:
        return REMOVE
    of = row_of(key).key.type
    if isinstance(of, SlotSets):
        return [list(names) for names in value] or REMOVE
    return f"{value}{of.unit[1]}" if isinstance(of, Size) else _plain(value)


def _entry_changes(section: str, old: Form, new: Form, written: WrittenSettings) -> list[ConfigChange]:
    before, after = names(old, section), names(new, section)
    parts = [
        k for k in {**old, **new} if k[0] == section and (k not in old or k not in new or old[k] != new[k])
    ]
    if not parts:
        return []
    if not written.has_entries(section):
        before = ()  # the default slots: the first one written takes their place, so all must be
    found = [ConfigChange((section, name), REMOVE) for name in before if name not in after]
    for name in after:
        if name in before:
            found += [c for k in parts if k[1] == name for c in _field_changes(k, old[k], new[k])]
        else:
            found.append(ConfigChange((section, name), _whole(new, section, name)))
    return found


def _field_changes(key: Key, old: Any, new: Any) -> list[ConfigChange]:
    if key[2] == "flags":
        return _mapping_changes(key, dict(old), dict(new), flag_json)
    if key[2] == "env":
        return _mapping_changes(key, dict(old), dict(new), lambda value: value)
    if key[2] in JSON_FIELDS:
        return _mapping_changes(key, read_request(old), read_request(new), lambda value: value)
    left_out = new is None or (new == () and row_of(key).default == ())
    return [ConfigChange(key, REMOVE if left_out else _plain(new))] if new != old else []


def _mapping_changes(
    key: Key, old: Mapping[str, Any], new: Mapping[str, Any], plain: Any
) -> list[ConfigChange]:
    if not new:
        return [ConfigChange(key, REMOVE)] if old else []
    gone = [ConfigChange((*key, name), REMOVE) for name in old if name not in new]
    # 1 == True in Python, but not in JSON.
    put = [name for name, value in new.items() if name not in old or json.dumps(old[name]) != json.dumps(value)]
    return gone + [ConfigChange((*key, name), plain(new[name])) for name in put]


def _whole(form: Form, section: str, name: str) -> dict[str, Any]:
    """Return a new entry as it will stand in the file, without what is at its default."""
    found: dict[str, Any] = {}
    for field, default in _DEFAULTS[section].items():
        value = form[section, name, field]
        if field == "flags":
            value = {flag: flag_json(words) for flag, words in value}
        elif field == "env":
            value = dict(value)
        elif field in JSON_FIELDS:
            value = read_request(value)
        written = (section == SLOTS and field == "kind") or (section == MODELS and field == "file")
        if written or (value != default and value not in ({}, ())):
            found[field] = _plain(value)
    return found


def flag_json(words: str) -> Any:
    """Return a flag's text as a YAML value: `65536` a number, `on` a bool, nothing a bare flag, the rest
    text."""
    words = words.strip()
    if words.lower() in ("", "on", "true", "yes"):
        return True
    if words.lower() in ("off", "false", "no"):
        return False
    if _NUMBER.fullmatch(words):
        return float(words) if "." in words else int(words)
    return words


def _shared_value(words: str) -> Any:
    return flag_json(words) if words.strip() else ""


def read_request(text: str) -> dict[str, Any]:
    """Return the fields of a `request` as typed. Raises ValueError for anything but a JSON object."""
    if not text.strip():
        return {}
    read = json.loads(text, parse_constant=_not_json)
    if not isinstance(read, dict):
        raise ValueError("not an object")
    return read


def _not_json(word: str) -> None:
    raise ValueError(word)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def owner(dotted: str, keys: Iterable[Key]) -> Key | None:
    """Return the setting a problem's key (`models.qwen.flags.ctx-size`, `server.api_keys[0]`) is about."""
    fitting = [key for key in keys if _is_about(dotted, ".".join(key))]
    return max(fitting, key=len, default=None)


def _is_about(dotted: str, name: str) -> bool:
    return dotted == name or dotted.startswith((f"{name}.", f"{name}["))
