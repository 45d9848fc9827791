"""`server.api_keys`: keys as they are, or with a name and what they may do. No message shows a key."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from router.config.fields import Section
from router.config.keys import keys_of
from router.config.problems import nearest
from router.config.reader import read_keys
from router.config.schema import VARIABLE, ApiKeyConfig
from router.config.yaml_lines import Value

_KEYS = "api_keys"


def read_api_keys(
    section: Section, environment: Mapping[str, str], slots: Collection[str]
) -> tuple[tuple[str, ...], tuple[ApiKeyConfig, ...]]:
    """Return all keys in their order, and those that have a name. A named one without a usable key is in
    neither; it has been reported."""
    keys: list[str] = []
    named: dict[str, ApiKeyConfig] = {}
    for entry in section.texts(_KEYS, secret=True, mappings=True) or []:
        found = _named(entry, section, environment, slots) if isinstance(entry.data, dict) else None
        key = found.key if found is not None else ""
        if found is None and not isinstance(entry.data, dict):
            key = _resolved(entry, section, environment)
        if not key:
            continue
        names = [other.name for other in named.values()]
        if key in keys and (found is not None or key in named):
            _refuse(entry, section, "this key stands in the list twice; who has it could be either")
        elif found is not None and found.name in names:
            _refuse(entry, section, f'two keys are called "{found.name}"; rename one')
        elif found is not None:
            named[key] = found
        keys.append(key)
    return tuple(keys), tuple(named.values())


def _named(
    entry: Value, section: Section, environment: Mapping[str, str], slots: Collection[str]
) -> ApiKeyConfig | None:
    rows = keys_of(ApiKeyConfig)
    one = Section(entry, section.key(_KEYS), section.problems)
    if unknown := [name for name in one.names() if name not in rows]:
        # What stands there may be a key with a colon behind it.
        entry = Value(one.line_of(unknown[0]), None)
        _refuse(entry, section, f"an entry is a key, or a mapping that has nothing but {', '.join(rows)}")
        return None
    written = one.value("key")
    key = _resolved(written, section, environment) if written is not None else ""
    found = read_keys(one, ApiKeyConfig, key=key)
    for slot in found.slots or ():
        if slot not in slots:
            one.problem("slots", f'no slot is called "{slot}"', nearest(slot, slots))
    return found if found.name else None


def _resolved(entry: Value, section: Section, environment: Mapping[str, str]) -> str:
    """Return the key, or "" with a problem."""
    key = "" if isinstance(entry.data, dict | list) else entry.text
    if key.startswith("env:"):
        name = key.removeprefix("env:")
        if not re.fullmatch(VARIABLE, name):
            _refuse(entry, section, "what follows env: is not the name of an environment variable")
            return ""
        key = environment.get(name, "")
        if not key:
            _refuse(entry, section, f"the environment variable {name} is not set; set it before hal0 starts")
            return ""
    if not key:
        _refuse(entry, section, "a key must be text, and not empty")
        return ""
    if not (key.isascii() and key.isprintable()) or " " in key:
        _refuse(entry, section, "a key may only hold ASCII letters, digits and signs, without spaces")
        return ""
    return key


def _refuse(entry: Value, section: Section, message: str) -> None:
    section.problems.add(entry.line, section.key(_KEYS), message)
