"""hal0.yaml as a JSON Schema, for editors: made from the rows of router.config.schema. Pure.

It refuses nothing that hal0 reads as people write it. `hal0 check` reports what it cannot express: whether a
text is in quotes, what a text stands for (an address, a folder), and what one section means for another.

Source: https://json-schema.org/draft/2020-12. Editors read YAML 1.2, where `on` and `32k` are texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from router.config.fields import EXTENSION
from router.config.flag_values import LISTS, NUMBER_LISTS, NUMBERS
from router.config.flags import ALREADY, KIND_FLAGS, LONG_NAMES, MANAGED, PATH_FLAGS
from router.config.keys import (
    Choice,
    Flags,
    Free,
    Integer,
    Named,
    Part,
    Ports,
    RequestFields,
    Row,
    Seconds,
    Secret,
    SharedValues,
    Size,
    SlotSets,
    Text,
    Texts,
    Truth,
    Variables,
    keys_of,
)
from router.config.misplaced import not_a_flag
from router.config.numbers import Number
from router.config.request_fields import FORCE, MAPPINGS, NOT_DEFAULTS, NUMBER_FIELDS, STRIP, SWITCHES
from router.config.schema import SHARED_NAME, VARIABLE, Config, ModelConfig, SlotConfig

Schema = dict[str, Any]

SCHEMA_FILE: Final = "hal0.schema.json"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_NULL: Final = "null"
_REFERENCE: Final = "variable"
_SCALARS: Final = ("string", "number", "boolean")
_PRINTABLE: Final = r"[^\u0000-\u001f\u007f-\u009f]"
_ONE_LINE: Final = rf"^\s*[^\s\u0000-\u001f\u007f-\u009f]({_PRINTABLE}*\S)?\s*$"
_TRUTH: Final = "^([Yy][Ee][Ss]|[Nn][Oo]|[Oo][Nn]|[Oo][Ff][Ff])$"
_AMOUNT: Final = r"^\s*[0-9]+(\.[0-9]+)?\s*([bB]|[kKmMgGtT]([iI]?[bB])?)?\s*$"
_DURATION: Final = r"^\s*[0-9]+(\.[0-9]+)?\s*([mM][sS]|[sSmMhHdD][A-Za-z]*)?\s*$"
_NOT_QUOTED: Final = "[^-+.0-9eE]"  # a text of nothing but these was put in quotes


def schema_text() -> str:
    """Return the content of the schema file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def json_schema() -> Schema:
    whole = {"$schema": _DIALECT, "title": "hal0.yaml", **_mapping(Config)}
    reference = {"type": "string", "pattern": rf"(^|[^$])\$\{{{SHARED_NAME}\}}"}
    return {**whole, "patternProperties": {f"^{EXTENSION}": {}}, "$defs": {_REFERENCE: reference}}


def _or_reference(made: Schema) -> Schema:
    """Return `made` for a value that may also be, or hold, a variable of `vars:`, whatever that is."""
    reference = {"$ref": f"#/$defs/{_REFERENCE}"}
    return {"anyOf": [*made["anyOf"], reference] if made.keys() == {"anyOf"} else [made, reference]}


def _mapping(section: type) -> Schema:
    rows = keys_of(section)
    required = [name for name, row in rows.items() if row.key.missing]
    made: Schema = {"type": "object" if required else ["object", _NULL]}
    made["properties"] = {name: _property(row) for name, row in rows.items()}
    made["additionalProperties"] = False
    if required:
        made["required"] = required
    conditions = [_alone(name, rows) for name, row in rows.items() if row.key.alone]
    conditions += [_needs(name, row.key.needs) for name, row in rows.items() if row.key.needs]
    if conditions:
        made["allOf"] = conditions
    return made


def _alone(name: str, rows: Mapping[str, Row]) -> Schema:
    """Return a schema that forbids the keys that exclude `name` where that is set; null means left out."""
    apart = [other for other, row in rows.items() if name in row.key.apart]
    return {"if": _stands(name), "then": {"properties": {other: {"type": _NULL} for other in apart}}}


def _needs(name: str, other: str) -> Schema:
    return {"if": _stands(name), "then": _stands(other)}


def _stands(name: str) -> Schema:
    return {"required": [name], "properties": {name: {"not": {"type": _NULL}}}}


def _property(row: Row) -> Schema:
    made = _value(row)
    if not row.key.missing and "type" in made:
        kinds = made["type"] if isinstance(made["type"], list) else [made["type"]]
        made["type"] = list(dict.fromkeys([*kinds, _NULL]))
    if isinstance(row.key.type, Integer | Seconds | Size | Truth | Choice | Text):
        made = _or_reference(made)
    described: Schema = {"description": row.key.meaning, **made}
    if row.key.shown is None and (default := written_default(row)) is not None:
        described["default"] = default
    return described


def written_default(row: Row) -> Any:
    """Return a key's default as JSON; None for a section, or where the default is to leave the key out."""
    value = row.default
    if isinstance(row.key.type, Part) or value in (None, ""):
        return None
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return list(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _value(row: Row) -> Schema:
    match row.key.type:
        case Integer(low, high):
            return {"type": "integer", "minimum": low, "maximum": high}
        case Seconds(low, high, units):
            made: Schema = {"type": "number", "minimum": low, "maximum": high}
            return {**made, "type": ["number", "string"], "pattern": _DURATION} if units else made
        case Size(low, high, zero):
            amounts: list[Schema] = [{"type": "integer", "minimum": low, "maximum": high}]
            amounts += [{"const": 0}] if zero else []
            return {"anyOf": [*amounts, {"type": "string", "pattern": _AMOUNT}, {"type": _NULL}]}
        case Truth():
            return {"type": ["boolean", "string"], "pattern": _TRUTH}
        case Choice(of):
            return {"enum": [*(choice.value for choice in of), None]}
        case Text(like=like):
            return _text(_ONE_LINE, like)
        case Texts() as texts:
            return _texts(texts)
        case Ports():
            port = _or_reference({"type": "integer", "minimum": 1, "maximum": 65535})
            return {"type": "array", "items": port, "minItems": 2, "maxItems": 2}
        case Secret() as secret:
            return _secret(secret)
        case SlotSets():
            slot = _or_reference(_text(f"^{_PRINTABLE}+$", None))
            one = {"type": "array", "items": slot, "minItems": 1, "uniqueItems": True}
            return {"type": "array", "items": one, "uniqueItems": True}
        case Flags():
            return _flags()
        case RequestFields():
            return _request()
        case Free():
            return {"type": "object"}
        case SharedValues():
            names = {"pattern": f"^{SHARED_NAME}$"}
            return {"type": "object", "propertyNames": names, "additionalProperties": {"type": list(_SCALARS)}}
        case Variables():
            return _variables()
        case Part(of):
            return _mapping(of)
        case Named() as named:
            chosen: Schema = {"pattern": f"^({named.like})$"}
            if named.taken:
                chosen["not"] = {"enum": list(named.taken)}
            return {"type": "object", "propertyNames": chosen, "additionalProperties": _mapping(named.of)}


def _text(whole: str, like: str | None) -> Schema:
    if like is None:
        return {"type": list(_SCALARS), "pattern": whole}
    kinds = list(_SCALARS) if re.search(like, "0") else ["string"]
    return {"type": kinds, "allOf": [{"pattern": whole}, {"pattern": like}]}


def _texts(texts: Texts) -> Schema:
    made: Schema = {"type": "array", "items": _or_reference(_text(f"^{_PRINTABLE}+$", texts.like))}
    if texts.empty:
        made["minItems"] = 1
    if not texts.repeats:
        made["uniqueItems"] = True
    return made


def _secret(secret: Secret) -> Schema:
    stored = [f"{scheme}:{like}" for scheme, like in secret.stores.items()]
    itself = f"(?!({'|'.join(secret.stores)}):)[!-~]+"
    one = {"type": list(_SCALARS), "pattern": f"^({'|'.join([*stored, itself])})$"}
    if not secret.several:
        return one
    items = one if secret.entry is None else {"anyOf": [one, _mapping(secret.entry)]}
    return {"type": "array", "items": items}


def _flags() -> Schema:
    """Return the schema of all an engine could have: what is known has its bounds, what is hal0's to set is
    refused."""
    known: dict[str, Any] = {name: {} for name in (*NUMBER_LISTS, *LISTS, *PATH_FLAGS)}
    known |= {name: _or_reference(_number(number)) for name, number in NUMBERS.items()}
    refused = [name for name in MANAGED if name not in ALREADY and name not in KIND_FLAGS]
    refused += [other for other, name in LONG_NAMES.items() if name in refused]
    refused += [name for name in (*keys_of(ModelConfig), *keys_of(SlotConfig)) if not_a_flag(name)]
    return {"type": "object", "properties": known | dict.fromkeys(sorted(refused), False)}


def _request() -> Schema:
    fields = _fields()
    names = {"type": ["array", _NULL], "items": {"type": "string", "not": {"enum": list(NOT_DEFAULTS)}}}
    return {
        "type": "object",
        "properties": {**fields, STRIP: names, FORCE: {"type": ["object", _NULL], "properties": fields}},
    }


def _fields() -> Schema:
    known: dict[str, Any] = {}
    for name, number in NUMBER_FIELDS.items():
        made = _number(number)
        known[name] = _or_reference({**made, "type": [*made["type"], _NULL], "pattern": _NOT_QUOTED})
    truth = _or_reference({"type": ["boolean", "string", _NULL], "pattern": _TRUTH})
    known |= dict.fromkeys(sorted(SWITCHES), truth)
    known |= {name: {"type": ["object", _NULL]} for name in sorted(MAPPINGS)}
    return known | dict.fromkeys(NOT_DEFAULTS, False)


def _variables() -> Schema:
    values = {"type": [*_SCALARS, _NULL], "pattern": f"^{_PRINTABLE}*$"}
    return {"type": "object", "propertyNames": {"pattern": f"^{VARIABLE}$"}, "additionalProperties": values}


def _number(number: Number) -> Schema:
    """Return the schema of a number, or of a text that stands for one (`32k`)."""
    made: Schema = {"type": ["integer" if number.whole else "number", "string"]}
    if number.low is not None:
        made["minimum"] = number.low
    if number.high is not None:
        made["maximum"] = number.high
    if not number.zero:
        made["not"] = {"const": 0}
    return made
