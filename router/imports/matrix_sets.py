"""llama-swap's expressions for models that may be loaded at once: `&`, `|`, `(…)`, and `+name` for another set.
Grammar: llama-swap's config.example.yaml, `matrix: sets:`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

_TOKEN: Final = re.compile(r"\s*(?:([&|()])|(\+?[\w.-]+))")
MOST: Final = 64
"""Sets that one expression, or all groups, may stand for: a list of more says nothing to a person."""

Family = Collection[frozenset[str]]


class NoSets(Exception):
    """The expression stands for nothing that can be written down; the message is a clause that says why."""


def expand(name: str, written: Mapping[str, str]) -> Family:
    """Return the sets of names that the expression `name` of `written` stands for. Raises NoSets."""
    return _Expression(name, written, ()).read()


def largest(family: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """Return the sets that are in no other one, in their order: whatever is in a set is allowed without the
    rest of it."""
    sets = list(dict.fromkeys(family))
    return [one for one in sets if not any(one < other for other in sets)]


class _Expression:
    def __init__(self, name: str, written: Mapping[str, str], within: tuple[str, ...]) -> None:
        if name in within:
            raise NoSets(f'"{name}" contains itself')
        if name not in written:
            raise NoSets(f'there is no set "{name}"')
        self._written = written
        self._within = (*within, name)
        self._left = _tokens(written[name])

    def read(self) -> Family:
        found = self._either()
        if self._left:
            raise NoSets(f'"{self._left[0]}" is one too many')
        return found

    def _either(self) -> Family:
        found = list(self._all())
        while self._take("|"):
            found += self._all()
        return _few(dict.fromkeys(found))

    def _all(self) -> Family:
        found = self._one()
        while self._take("&"):
            found = _few(dict.fromkeys(a | b for b in self._one() for a in found))
        return found

    def _one(self) -> Family:
        if self._take("("):
            found = self._either()
            if not self._take(")"):
                raise NoSets("a bracket is not closed")
            return found
        if not self._left or self._left[0] in "&|()":
            raise NoSets("a name is missing")
        name = self._left.pop(0)
        if not name.startswith("+"):
            return [frozenset({name})]
        return _Expression(name[1:], self._written, self._within).read()

    def _take(self, token: str) -> bool:
        if self._left[:1] != [token]:
            return False
        del self._left[0]
        return True


def _tokens(text: str) -> list[str]:
    found, end = [], 0
    while match := _TOKEN.match(text, end):
        found.append(match[1] or match[2])
        end = match.end()
    if text[end:].strip():
        raise NoSets(f'"{text[end:].strip()[0]}" means nothing in it')
    return found


def _few(family: Collection[frozenset[str]]) -> Family:
    if len(family) > MOST:
        raise NoSets(f"it stands for more than {MOST} sets")
    return family
