"""Reading one mapping of the configuration field by field; a default takes the place of what is wrong.

`null` (or nothing after the colon) means "left out" everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from enum import StrEnum
from typing import Final, TypeVar

from router.base.names import is_speakable
from router.config.misplaced import misplaced, respelt
from router.config.numbers import Number
from router.config.problems import ProblemList, nearest
from router.config.yaml_lines import Value, describe

_DURATION: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(?:(ms)|([smhd])[a-z]*)")
_PLAIN: Final = re.compile(r"[-+]?\.?[0-9][0-9_.eE+-]*|true|false|yes|no|on|off", re.IGNORECASE)
"""What quotation marks turn from a number or a truth value into text."""

_SECONDS: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,20})?")
_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}

NAMES: Final = "NAME"
"""As `alone` of a section: names chosen by people stand there."""

EXTENSION: Final = "x-"
"""How keys of the whole file begin that mean nothing by themselves: for anchors, as in compose files."""

_LONGEST: Final = 100

_OF_WINDOWS: Final = re.compile(r"[A-Za-z]:[^/]*")  # a drive, and no slash
_NO_ESCAPES: Final = r"; use single quotes for Windows paths: in double ones \n is a line break"

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")


class Section:
    """A mapping at `path`.

    Attributes:
        line: where the section begins; 0 for an absent one.
        broken: something else than a mapping is there (already reported).
    """

    def __init__(self, value: Value | None, path: str, problems: ProblemList, alone: str | None = None) -> None:
        """`alone`: the key that a text in place of the mapping is most likely the value of."""
        self.path = path
        self.problems = problems
        self.line = value.line if value else 0
        self._fields: dict[str, Value] = {}
        if value is not None and isinstance(value.data, dict):
            self._fields = value.data
        self.broken = value is not None and value.data is not None and not isinstance(value.data, dict)
        if value is not None and self.broken:
            meant = _under(value, alone)
            problems.add(
                value.line, path, f"must be a mapping of names to values, not {describe(value)}{meant}"
            )

    def key(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        return name in self._fields and self._fields[name].data is not None

    def line_of(self, name: str) -> int:
        """Return the line of the field, else of the section."""
        return self._fields[name].line if name in self._fields else self.line

    def names(self) -> tuple[str, ...]:
        return tuple(self._fields)

    def lines_in(self, name: str) -> list[tuple[str, int]]:
        """Return the keys of the mapping at `name`, with their lines."""
        data = self._fields[name].data if name in self._fields else None
        return [(key, value.line) for key, value in data.items()] if isinstance(data, dict) else []

    def problem(self, name: str, message: str, suggestion: str | None = None) -> None:
        self.problems.add(self.line_of(name), self.key(name), message, suggestion)

    def value(self, name: str) -> Value | None:
        """Return the raw value, or None if it is left out."""
        return self._fields[name] if self.has(name) else None

    def entries(self) -> Iterator[tuple[str, Value]]:
        """Yield every field, for a mapping whose names are not settings."""
        yield from self._fields.items()

    def entry_count(self, name: str) -> int:
        """Return how many entries a list has as written, usable or not."""
        data = self._fields[name].data if self.has(name) else []
        return len(data) if isinstance(data, list) else 1

    def section(self, name: str) -> Section:
        return Section(self.value(name), self.key(name), self.problems)

    def sections(self, name: str, alone: str | None = None) -> dict[str, Section]:
        """Return a mapping of names to mappings, such as `models`; `alone` as of a section."""
        holder = Section(self.value(name), self.key(name), self.problems, NAMES)
        return {key: Section(value, holder.key(key), self.problems, alone) for key, value in holder.entries()}

    def text(self, name: str) -> str | None:
        """Return a word as written: `display_name: No` is "No", not a boolean."""
        value = self.value(name)
        return None if value is None else self._text_of(value, name)

    def texts(self, name: str, *, secret: bool = False, mappings: bool = False) -> list[Value] | None:
        """Return a list of words, or None if it is left out. For a `secret` list no message shows what was
        written. With `mappings` an entry may also be one."""
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value.data, list):
            shown = "" if secret else f", not {describe(value)}"
            self.problem(name, f"must be a list, such as [a, b]{shown}")
            return []
        return [
            item
            for item in value.data
            if (mappings and isinstance(item.data, dict)) or self._usable_item(item, name, secret)
        ]

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """Return a whole number in low..high. True and "8080" are not numbers."""
        value = self.value(name)
        if value is None:
            return default
        number = value.data
        if isinstance(number, int) and not isinstance(number, bool) and low <= number <= high:
            return number
        wanted = f"a whole number from {low} to {high}"
        hint = _write(value, Number(low, high).meant) or _unquote(value)
        self.problem(name, f"must be {wanted}, not {describe(value)}{hint}")
        return default

    def seconds(self, name: str, default: float, low: float, high: float) -> float:
        """Return a number of seconds in low..high."""
        value = self.value(name)
        if value is None:
            return default
        number = value.data
        if isinstance(number, int | float) and not isinstance(number, bool) and low <= number <= high:
            return float(number)
        wanted = f"a number of seconds from {low:g} to {high:.10g}"
        seconds = Number(low, high, whole=False)
        hint = _write(value, _in_seconds) or _write(value, seconds.meant) or _unquote(value)
        self.problem(name, f"must be {wanted}, not {describe(value)}{hint}")
        return default

    def boolean(self, name: str, default: bool) -> bool:
        value = self.value(name)
        if value is None:
            return default
        if isinstance(value.data, bool):
            return value.data
        self.problem(name, f"must be true or false, not {describe(value)}{_unquote(value)}")
        return default

    def choice(self, name: str, choices: type[E]) -> E | None:
        """Return a member of `choices`, compared with the text as written (so `off` is a word here)."""
        value = self.value(name)
        if value is None:
            return None
        member = self.member(name, choices)
        if member is None:
            valid = [choice.value for choice in choices]
            message = f"must be one of {', '.join(valid)}, not {describe(value)}"
            self.problem(name, message, nearest(value.text, valid))
        return member

    def member(self, name: str, choices: type[E]) -> E | None:
        """Return what `choice` would, but without reporting what is not a member."""
        text = self._fields[name].text if self.has(name) else None
        return next((choice for choice in choices if choice.value == text), None)

    def checked(self, name: str, check: Callable[[str], T]) -> T | None:
        """Return `check(text)`; the sentence of the ValueError it raises becomes the problem."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return check(text)
        except ValueError as error:
            self.problem(name, str(error))
            return None

    def finish(self, valid: Collection[str]) -> None:
        """Report the keys that are not among those that may stand here."""
        for name in self._fields:
            if name in valid or (not self.path and name.startswith(EXTENSION)):
                continue
            if said := misplaced(self.path, name, valid):
                self.problem(name, f"is not a setting here; {said}")
                continue
            message = f"is not a setting; valid here: {', '.join(valid)}"
            self.problem(name, message, respelt(name, valid) or nearest(name, valid))

    def _text_of(self, value: Value, name: str) -> str | None:
        text = value.text.strip()
        if isinstance(value.data, dict | list) or not text:
            what = "empty" if not text and not isinstance(value.data, dict | list) else describe(value)
            self.problem(name, f"must be text, not {what}")
            return None
        if not is_speakable(text):
            self.problem(name, f"must be on one line, without control characters{_as_escaped(text)}")
            return None
        return text

    def _usable_item(self, item: Value, name: str, secret: bool) -> bool:
        if isinstance(item.data, dict | list) or not item.text or item.data is None:
            shown = "something else" if secret else describe(item)
            self.problems.add(item.line, self.key(name), f"each entry must be text, not {shown}")
            return False
        if not is_speakable(item.text):
            message = f"an entry holds a line break or a control character{_as_escaped(item.text)}"
            self.problems.add(item.line, self.key(name), message)
            return False
        return True


def _under(value: Value, alone: str | None) -> str:
    """Return a hint for a value that stands where a mapping should."""
    if alone == NAMES:
        return "; write each as NAME: with its settings below it" if isinstance(value.data, list) else ""
    plain = alone is not None and isinstance(value.data, str) and is_speakable(value.text)
    return f"; write {{{alone}: {value.text}}}" if plain and len(value.text) <= _LONGEST else ""


def _unquote(value: Value) -> str:
    helps = value.quoted and isinstance(value.data, str) and _PLAIN.fullmatch(value.text) is not None
    return "; write it without quotes" if helps else ""


def _write(value: Value, meant: Callable[[str], str | None]) -> str:
    number = None if isinstance(value.data, dict | list | bool) else meant(value.text)
    return f"; write {number}" if number is not None and number != value.text else ""


def _in_seconds(text: str) -> str | None:
    """Return the seconds of `5m`, `1.5 h`, `30s`, as other programs write times."""
    found = _DURATION.fullmatch(text.strip().lower())
    return f"{float(found[1]) * _UNITS[found[2] or found[3]]:.10g}" if found else None


def duration(section: Section, name: str, default: float, low: float, high: float) -> float:
    """Return seconds in low..high, written as a number or with a unit (`2s`, `12h`, `7d`)."""

    def read(text: str) -> float:
        seconds = text if _SECONDS.fullmatch(text) else _in_seconds(text)
        if seconds is None or not low <= float(seconds) <= high:
            raise ValueError(
                f'must be a time such as 2s, 12h or 7d, from {low:g} to {high:.10g} s, not "{text}"'
            )
        return float(seconds)

    found = section.checked(name, read)
    return default if found is None else found


def _as_escaped(text: str) -> str:
    """Return a remark on text with control characters, where a path has become that: "C:\\new"."""
    return _NO_ESCAPES if _OF_WINDOWS.fullmatch(text) else ""
