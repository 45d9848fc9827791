"""Reads the keys that a dataclass of router.config.schema declares from a mapping of hal0.yaml.

What takes more than the key itself (the environment, folders, other sections) is read by its own code and
passed in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from router.config.fields import Section, duration
from router.config.keys import (
    Choice,
    Integer,
    Named,
    Part,
    Ports,
    Row,
    Seconds,
    Size,
    Text,
    Texts,
    Truth,
    keys_of,
)
from router.config.places import NotWritten
from router.config.schema import Config
from router.config.sizes import size
from router.config.yaml_lines import describe

C = TypeVar("C")
# The one setting that a text in place of a whole section is most likely meant as.
_ALONE = {"models": "file", "slots": "model", "upstreams": "base_url"}


def read_keys(section: Section, into: type[C], **given: Any) -> C:
    """Return an `into`: `given` as it is, all other keys read from `section`. Reports keys that do not belong
    there."""
    rows = keys_of(into)
    values = {name: read_key(section, name, row) for name, row in rows.items() if name not in given}
    section.finish(rows)
    for name, row in rows.items():
        if row.key.missing and not section.has(name) and not section.broken:
            section.problem(name, f"is missing: {row.key.missing}")
        for other in row.key.apart if section.has(name) else ():
            if section.has(other):
                why = rows[other].key.alone
                section.problem(name, f"cannot stand beside {other}:, {why}; remove one")
        if row.key.needs and section.has(name) and not any(map(section.has, (row.key.needs, *row.key.apart))):
            section.problem(name, f"means something beside {row.key.needs}: alone; write that, or remove it")
    return into(**given, **values)


def read_key(section: Section, name: str, row: Row) -> Any:
    """Return the value of one key; its default takes the place of what is wrong or left out."""
    match row.key.type:
        case Integer(low, high):
            return section.integer(name, row.default, low, high)
        case Seconds(low, high, units=True):
            return duration(section, name, row.default, low, high)
        case Seconds(low, high):
            return section.seconds(name, row.default, low, high)
        case Truth():
            return section.boolean(name, row.default)
        case Choice(of):
            found: Any = section.choice(name, of)
        case Text(check):
            found = section.checked(name, check) if check else section.text(name)
        case Texts() as texts:
            found = _texts(section, name, texts)
        case Size(low, high, zero):
            found = section.checked(name, lambda text: (_size if zero else _size_within)(text, low, high))
        case Ports():
            found = _ports(section, name)
        case Part(of):
            return read_keys(section.section(name), of)
        case special:
            raise TypeError(f"{section.key(name)}: {special} is read by hand")
    return row.default if found is None else found


def read_named(document: Section, name: str) -> Mapping[str, Section]:
    """Return the sections of a Named key of the whole file, with each name checked."""
    named = keys_of(Config)[name].key.type
    assert isinstance(named, Named)
    sections = document.sections(name, _ALONE.get(name))
    for chosen, section in sections.items():
        if not re.fullmatch(named.like, chosen) or not chosen.isprintable():
            section.problems.add(section.line, section.path, named.rule)
    return sections


def _texts(section: Section, name: str, texts: Texts) -> tuple[Any, ...] | None:
    """Return each entry as `check` returns it; the sentence of its ValueError becomes that line's problem."""
    written = section.texts(name)
    if written is None:
        return None
    if texts.empty and not section.entry_count(name):
        section.problem(name, f"is an empty list; {texts.empty}")
    found: list[Any] = []
    for entry in written:
        try:
            found.append(texts.check(entry.text) if texts.check else entry.text)
        except ValueError as error:
            meant = error.suggestion if isinstance(error, NotWritten) else None
            section.problems.add(entry.line, section.key(name), str(error), meant)
    return tuple(dict.fromkeys(found)) if texts.repeats else tuple(found)


def _size(text: str, low: int, high: int) -> int:
    amount = size(text)
    if amount > high:
        raise ValueError(f'must be at most {high / (1 << 40):g}TiB, not "{text}"')
    if amount < low and re.search("[1-9]", text):
        number = text.rstrip("bB ")
        raise ValueError(f'"{text}" is an amount of {amount} bytes; write {number}MiB or {number}GiB')
    return amount


def _size_within(text: str, low: int, high: int) -> int:
    amount = size(text)
    if not low <= amount <= high:
        raise ValueError(f'must be from {_exactly(low)} to {_exactly(high)}, not "{text}"')
    return amount


def _exactly(amount: int) -> str:
    power = (amount.bit_length() - 1) // 10
    return f"{amount >> 10 * power}{('', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"


def _ports(section: Section, name: str) -> tuple[int, int] | None:
    value = section.value(name)
    if value is None:
        return None
    numbers = [item.data for item in value.data] if isinstance(value.data, list) else []
    match numbers:
        case [int(low), int(high)] if not (isinstance(low, bool) or isinstance(high, bool)):
            if 1 <= low <= high <= 65535:
                return low, high
            section.problem(name, f"[{low}, {high}] is not a range of ports within 1 to 65535")
        case _:
            section.problem(name, f"must be two port numbers, such as [8101, 8199], not {describe(value)}")
    return None
