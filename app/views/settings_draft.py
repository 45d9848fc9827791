"""What a person has changed in the settings and not applied yet. No Qt; texts from `app.texts.models`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from app.texts import models as words
from app.views.settings import (
    API_KEYS,
    HOST,
    JSON_FIELDS,
    MODELS,
    SLOTS,
    Form,
    Key,
    changes,
    form_of,
    names,
    owner,
    read_request,
    rebased,
    with_entry,
    without_entry,
)
from router.config.change import ConfigChange, ConfigDocument
from router.config.places import Reach, reach
from router.config.problems import ConfigProblem

_SLOT_NAME = re.compile(r"[A-Za-z0-9._-]+")
_KEY = re.compile(r"[!-~]+")


class Draft:
    """Attributes:
    document: hal0.yaml as it was last read.
    form: what the settings show; change it with `put`, `add`, `remove`.
    host_names: which names were looked up, and whether they have an address.
    refused: what the router said of the last try, by the setting it is about; () for the file as a whole.
    """

    def __init__(self, document: ConfigDocument) -> None:
        self.document = document
        self._base = form_of(document)
        self.form: Form = dict(self._base)
        self.host_names: dict[str, bool] = {}
        self.refused: dict[Key, str] = {}

    def update(self, document: ConfigDocument) -> None:
        """Take `document` as hal0.yaml from now on: what was edited here stays edited."""
        new = form_of(document)
        self.form = rebased(self.form, self._base, new)
        self.document, self._base = document, new

    def discard(self) -> None:
        self.form, self.refused = dict(self._base), {}

    def put(self, key: Key, value: Any) -> None:
        self.form[key] = value
        self.refused.pop(key, None)

    def add(self, section: str, name: str, **values: Any) -> None:
        self.form = with_entry(self.form, section, name, **values)

    def remove(self, section: str, name: str) -> None:
        self.form = without_entry(self.form, section, name)
        self.refused = {key: message for key, message in self.refused.items() if key[:2] != (section, name)}

    @property
    def dirty(self) -> bool:
        return self.form != self._base

    def changes(self) -> list[ConfigChange]:
        """Return what to ask the router for; the form must have no `problems` of its own."""
        return changes(self.document, self.form)

    def count(self) -> int:
        """Return how many settings differ, added and removed slots and models counting as one."""
        keys = [k for k in {**self._base, **self.form} if self._base.get(k, k) != self.form.get(k, k)]
        entries = {k[:2] for k in keys if k not in self._base or k not in self.form}
        return len(entries) + sum(k[:2] not in entries for k in keys)

    def problems(self) -> dict[Key, str]:
        """Return what stands in the way, by setting: found here, or said by the router at the last try."""
        return {**self.refused, **form_problems(self.form, self.host_names)}

    @property
    def reach(self) -> Reach:
        """Who could use the endpoint at the address that is typed now."""
        return _reach(self.form, self.host_names)

    def refuse(self, problems: Sequence[ConfigProblem]) -> None:
        """Keep the router's problems until the settings they are about are changed."""
        self.refused = {}
        for problem in problems:
            key = owner(problem.key, self.form) or ()
            message = words.sentence(problem.message, problem.suggestion)
            if key == () and problem.key:
                message = f"{problem.key}: {message}"
            self.refused[key] = f"{self.refused[key]}\n{message}" if key in self.refused else message


def _reach(form: Mapping[Key, Any], host_names: Mapping[str, bool]) -> Reach:
    # Until it was looked up, a plain word is more likely a mistake than a name.
    return reach(form[HOST], lambda name: host_names.get(name, "." in name))


def form_problems(
    form: Mapping[Key, Any], host_names: Mapping[str, bool] = MappingProxyType({})
) -> dict[Key, str]:
    """Return what is wrong with a form, as far as that shows without the router. `host_names`: see Draft."""
    found: dict[Key, str] = {}
    reached = _reach(form, host_names)
    if reached is Reach.NOBODY:
        found[HOST] = words.no_address(form[HOST])
    elif reached is Reach.NETWORK and form[API_KEYS] == ():
        found[HOST] = words.LAN_NEEDS_KEY
    keys = form[API_KEYS] or ()
    if message := next(
        (message for n, key in enumerate(keys) if (message := key_problem(keys[:n], key))), None
    ):
        found[API_KEYS] = message
    for key, value in form.items():
        if key[0] == MODELS and len(key) == 3 and (message := _model_problem(key[2], value)):
            found[key] = message
    return found


def _model_problem(field: str, value: Any) -> str | None:
    if field == "file" and not value:
        return words.FILE_MISSING
    if field == "flags":
        flags = [name for name, _ in value]
        twice = next((name for name in flags if flags.count(name) > 1), None)
        return words.flag_twice(twice) if twice else None
    if field in JSON_FIELDS:
        try:
            read_request(value)
        except ValueError as error:
            return words.bad_json(error)
    return None


def name_problem(form: Form, section: str, name: str) -> str | None:
    """Return why a new slot or model cannot have this name, or None."""
    if not name:
        return words.NAME_MISSING
    if section == SLOTS and not _SLOT_NAME.fullmatch(name):
        return words.BAD_SLOT_NAME
    if any(letter.isspace() for letter in name):
        return words.BAD_MODEL_NAME
    aliases = {alias for key, value in form.items() if key[2:] == ("aliases",) for alias in value}
    if name in (*names(form, SLOTS), *names(form, MODELS), *aliases):
        return words.NAME_TAKEN
    return None


def key_problem(keys: Sequence[str], key: str) -> str | None:
    """Return why `key` cannot become an API key, or None. Never holds the key."""
    if not _KEY.fullmatch(key):
        return words.BAD_KEY
    return words.KEY_TWICE if key in keys else None
