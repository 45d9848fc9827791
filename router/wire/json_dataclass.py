"""JSON → frozen dataclasses, by their type hints: strict about types, tolerant of what a newer version adds."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Reader = Callable[[Any, str], Any]


class SchemaMismatch(ValueError):
    """The JSON is not what it should be; the message names the place. `unknown_word`: only a word is new."""

    def __init__(self, message: str, *, unknown_word: bool = False) -> None:
        super().__init__(message)
        self.unknown_word = unknown_word


def read(kind: type[T], value: Any, place: str = "", instead: Mapping[type, Reader] | None = None) -> T:
    """`value`, an object of JSON, as the dataclass `kind`. Raises SchemaMismatch.

    Fields it does not know are left out, absent ones have their defaults. `instead` reads some types itself.
    """
    read_it: T = _object(kind, value, place, instead or {})
    return read_it


def word(kind: type[Enum], value: Any, place: str) -> Any:
    """Return the member of the enum; one that this version does not know raises SchemaMismatch with
    `unknown_word`."""
    if not isinstance(value, str):
        raise _wrong(value, place)
    try:
        return kind(value)
    except ValueError:
        raise SchemaMismatch(f'{place}: "{value}" is new', unknown_word=True) from None


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _object(kind: Any, value: Any, place: str, instead: Mapping[type, Reader]) -> Any:
    if not isinstance(value, dict):
        raise _wrong(value, place)
    hints, found = _hints(kind), {}
    for field in fields(kind):
        where = f"{place}.{field.name}" if place else field.name
        if field.name in value:
            found[field.name] = _value(hints[field.name], value[field.name], where, instead)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise SchemaMismatch(f"{where} is missing")
    return kind(**found)


def _value(hint: Any, value: Any, place: str, instead: Mapping[type, Reader]) -> Any:
    if hint in instead:
        return instead[hint](value, place)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _union(get_args(hint), value, place, instead)
    if origin is tuple:
        return _tuple(get_args(hint), value, place, instead)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise _wrong(value, place)
        inner = get_args(hint)[1]
        # No read-only one: asdict, which tells it on, cannot copy that.
        return {k: _value(inner, v, f"{place}.{k}", instead) for k, v in value.items()}
    if hint is Any:
        return value
    if is_dataclass(hint):
        return _object(hint, value, place, instead)
    if issubclass(hint, Enum):
        return word(hint, value, place)
    return _scalar(hint, value, place)


def _union(hints: tuple[Any, ...], value: Any, place: str, instead: Mapping[type, Reader]) -> Any:
    if value is None and type(None) in hints:
        return None
    rest = [hint for hint in hints if hint is not type(None)]
    for hint in rest[:-1]:
        try:
            return _value(hint, value, place, instead)
        except SchemaMismatch:
            continue
    return _value(rest[-1], value, place, instead)


def _tuple(hints: tuple[Any, ...], value: Any, place: str, instead: Mapping[type, Reader]) -> Any:
    if not isinstance(value, list):
        raise _wrong(value, place)
    if hints[-1] is not ...:
        if len(value) != len(hints):
            raise _wrong(value, place)
        return tuple(_value(hint, item, place, instead) for hint, item in zip(hints, value, strict=True))
    return tuple(_value(hints[0], item, f"{place}[{n}]", instead) for n, item in enumerate(value))


def _scalar(hint: type, value: Any, place: str) -> Any:
    if hint is Path and isinstance(value, str):
        return Path(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    # A bool is an int to Python, and never one to whoever wrote the JSON.
    if type(value) is not hint:
        raise _wrong(value, place)
    return value


def _wrong(value: Any, place: str) -> SchemaMismatch:
    return SchemaMismatch(f"{place or 'the whole'} is of the wrong type ({type(value).__name__})")
