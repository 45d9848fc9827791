"""Pure: what is to stand in a file of settings, how that changes its data, and how it is taken back."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.views.client_files import Setting


class _Absent:
    """Stands for what is not there."""


ABSENT: Final = _Absent()


class CannotConnect(Exception):
    """One sentence why a client's settings are not written, and what to do."""


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that was made. `digest` tells the value that was put there, `old` is the one before it.

    `kept`: so many parts of the path were there already; the others go with the value.
    """

    path: tuple[str, ...]
    by: str
    digest: str
    old: Any
    kept: int
    name: str = ""


def with_settings(data: Any, settings: Sequence[Setting]) -> tuple[Any, tuple[Change, ...]]:
    """Return the data with the settings in it, and what that changed. `data` None: an empty file.

    Raises CannotConnect where something else stands in their place.
    """
    result, changes = copy.deepcopy(data), []
    for setting in settings:
        if setting.by:
            result, change = _with_item(result, setting)
        else:
            result, change = _with_value({} if result is None else result, setting)
        changes.append(change)
    return result, tuple(changes)


def without(data: Any, changes: Sequence[Change]) -> tuple[Any, tuple[str, ...]]:
    """Return the data as it was before `changes`, and the names of those that somebody has changed since: they
    stay."""
    result, others = copy.deepcopy(data), []
    for change in reversed(changes):
        here = _item(result, change) if change.by else _at(result, change.path)
        if here is ABSENT:
            continue
        if digest(here) != change.digest:
            others.append(".".join(change.path) or change.name)
        elif change.by:
            result = _back_item(result, change)
        else:
            _back_value(result, change)
    return result, tuple(others)


def digest(value: Any) -> str:
    """Return what tells values apart without telling them: there may be keys among them."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _with_value(data: Any, setting: Setting) -> tuple[Any, Change]:
    at, path = data, setting.path
    kept = 0
    for number, name in enumerate(path[:-1]):
        if not isinstance(at, dict):
            raise CannotConnect(f"{'.'.join(path[:number]) or 'the whole file'} is no mapping")
        if name in at:
            kept = number + 1
        at = at.setdefault(name, {})
        if at is None:
            raise CannotConnect(f"{'.'.join(path[: number + 1])} is empty; give it a value or take it out")
    if not isinstance(at, dict):
        raise CannotConnect(f"{'.'.join(path[:-1]) or 'the whole file'} is no mapping")
    old = at.get(path[-1], ABSENT)
    at[path[-1]] = copy.deepcopy(setting.value)
    return data, Change(path, "", digest(setting.value), old, len(path) if old is not ABSENT else kept)


def _with_item(data: Any, setting: Setting) -> tuple[Any, Change]:
    name = str(setting.value[setting.by])
    found = _at(data, setting.path)
    kept = len(setting.path) if found is not ABSENT else 0
    items = [] if found is ABSENT or found is None else found
    if not isinstance(items, list):
        raise CannotConnect(f"{'.'.join(setting.path) or 'the whole file'} is no list")
    old = next((item for item in items if _is(item, setting.by, name)), ABSENT)
    items = [item for item in items if item is not old]
    items.append(copy.deepcopy(setting.value))
    change = Change(setting.path, setting.by, digest(setting.value), old, kept, name)
    return _put(data, setting.path, items), change


def _back_value(data: Any, change: Change) -> None:
    parents = [_at(data, change.path[:length]) for length in range(len(change.path))]
    if change.old is not ABSENT:
        parents[-1][change.path[-1]] = change.old
        return
    for length in range(len(change.path), change.kept, -1):
        del parents[length - 1][change.path[length - 1]]
        if parents[length - 1]:
            return


def _back_item(data: Any, change: Change) -> Any:
    items = [i for i in _at(data, change.path) if not _is(i, change.by, change.name)]
    if change.old is not ABSENT:
        items.append(change.old)
    if not items and change.path and change.kept < len(change.path):
        del data[change.path[0]]
        return data
    return _put(data, change.path, items)


def _item(data: Any, change: Change) -> Any:
    items = _at(data, change.path)
    if not isinstance(items, list):
        return ABSENT
    return next((item for item in items if _is(item, change.by, change.name)), ABSENT)


def _is(item: Any, by: str, name: str) -> bool:
    return isinstance(item, dict) and item.get(by) == name


def _at(data: Any, path: Sequence[str]) -> Any:
    for name in path:
        if not isinstance(data, dict) or name not in data:
            return ABSENT
        data = data[name]
    return data


def _put(data: Any, path: Sequence[str], value: Any) -> Any:
    if not path:
        return value
    data = {} if data is None else data
    if not isinstance(data, dict):
        raise CannotConnect("the whole file is no mapping")
    data[path[0]] = _put(data.get(path[0], {}), path[1:], value)
    return data
