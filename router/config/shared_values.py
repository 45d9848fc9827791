"""`vars:` of hal0.yaml: small values with names, put in where `${name}` stands. Pure.

Where a value is nothing but one reference it is the variable's, type and all; within a longer text its text is
put in. `$${name}` is the text `${name}` itself. No secret stands in a variable: whoever sees the file sees it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from router.config.fields import EXTENSION
from router.config.problems import ProblemList, nearest
from router.config.schema import SHARED_NAME, is_secret
from router.config.yaml_lines import Value, describe

KEY: Final = "vars"
_REFERENCE: Final = re.compile(rf"\$(\$?)\{{({SHARED_NAME})\}}")
_ENVIRONMENT: Final = re.compile(r"(models|slots)\..+\.env\.[^.]+")
"""What stands there may be a secret, and often is a path or a number that others share."""


_LONGEST: Final = 20_000
"""Characters: variables that repeat others could make a text of any length."""


@dataclass(frozen=True, slots=True)
class Expanded:
    """A file with its variables put in, and what they are. `unused`: those that nothing refers to."""

    root: Value
    shared: Mapping[str, Any]
    unused: Mapping[str, int]


def expand(root: Value, problems: ProblemList) -> Expanded:
    """Return `root` with each `${name}` replaced; `unused` are lines by name. Reports what cannot be."""
    top = root.data if isinstance(root.data, dict) else {}
    expander = _Expander(top.get(KEY), problems)
    found = {
        name: value if name == KEY or name.startswith(EXTENSION) else expander.put_in(value, name)
        for name, value in top.items()
    }
    if expander.settled:
        found[KEY] = replace(found[KEY], data=expander.put_in_themselves())
    shared = {name: value.data for name, value in expander.settled.items() if value is not None}
    unused = {name: line for name, line in expander.lines.items() if name not in expander.used}
    return Expanded(replace(root, data=found) if top else root, MappingProxyType(shared), unused)


class _Expander:
    """Attributes:
    settled: each variable that was looked at; None for one that is wrong.
    lines: where they stand.
    used: those that something refers to.
    """

    def __init__(self, section: Value | None, problems: ProblemList) -> None:
        self._problems = problems
        self._written: dict[str, Value] = {}
        self.settled: dict[str, Value | None] = {}
        self.used: set[str] = set()
        if section is not None and isinstance(section.data, dict):
            self._written = section.data
        elif section is not None and section.data is not None:
            example = "write each as NAME: VALUE below it"
            problems.add(
                section.line, KEY, f"must be a mapping of names to values, not {describe(section)}; {example}"
            )
        self.lines = {name: value.line for name, value in self._written.items()}
        for name in self._written:
            self._settle(name, ())

    def put_in_themselves(self) -> dict[str, Value]:
        """Return the variables with each other put in; one that is wrong as it is written."""
        return {name: self.settled.get(name) or written for name, written in self._written.items()}

    def put_in(self, value: Value, path: str) -> Value:
        """Return `value`, which stands at `path`, with what it refers to."""
        if is_secret(path) and not _ENVIRONMENT.fullmatch(path):
            self._check_secret(value, path)
            return value
        if isinstance(value.data, dict):
            return replace(
                value, data={n: self.put_in(item, self._name(n, item, path)) for n, item in value.data.items()}
            )
        if isinstance(value.data, list):
            return replace(value, data=[self.put_in(item, f"{path}[{n}]") for n, item in enumerate(value.data)])
        return self._scalar(value, path, ())

    def _name(self, name: str, value: Value, path: str) -> str:
        """Return the path of an entry; report a name that refers to a variable."""
        here = f"{path}.{name}"
        if (found := _REFERENCE.search(name)) and not found[1]:
            self._problems.add(
                value.line, here, "variables are put into values, not into names; write the name itself"
            )
        return here

    def _settle(self, name: str, above: tuple[str, ...]) -> Value | None:
        if name in self.settled:
            return self.settled[name]
        written, here = self._written[name], f"{KEY}.{name}"
        if name in above:
            loop = " → ".join([*above[above.index(name) :], name])
            self._problems.add(written.line, here, f"refers to itself ({loop}); write one of them as a value")
            return None
        found: Value | None = None
        if (wrong := self._wrong(name, written)) is not None:
            self._problems.add(written.line, here, wrong)
        else:
            found = self._scalar(written, here, (*above, name))
        self.settled[name] = found if found is not None and found.data is not None else None
        return self.settled[name]

    def _wrong(self, name: str, written: Value) -> str | None:
        if not re.fullmatch(SHARED_NAME, name):
            return "is no name of a variable, which begins with a letter and holds letters, digits, _ and -"
        if isinstance(written.data, dict | list) or written.data is None:
            kind = "nothing" if written.data is None else describe(written)
            return (
                f"must be a text, a number, true or false, not {kind}; &name and *name of YAML share the rest"
            )
        return None

    def _scalar(self, value: Value, path: str, above: tuple[str, ...]) -> Value:
        if "${" not in value.text or isinstance(value.data, bool | int | float | None):
            return value
        if (whole := _REFERENCE.fullmatch(value.text.strip())) and not whole[1]:
            found = self._lookup(whole[2], value, path, above)
            if found is None:
                return replace(value, data=None)
            return replace(found, line=value.line, variable=whole[2])
        wrong = False

        def put(found: re.Match[str]) -> str:
            nonlocal wrong
            if found[1]:
                return found[0][1:]
            put_in = self._lookup(found[2], value, path, above)
            wrong = wrong or put_in is None
            return put_in.text if put_in is not None else ""

        text = _REFERENCE.sub(put, value.text)
        if len(text) > _LONGEST:
            self._problems.add(
                value.line, path, f"is longer than {_LONGEST} characters with its variables put in"
            )
            wrong = True
        return replace(value, data=None if wrong else text, text=text)

    def _lookup(self, name: str, value: Value, path: str, above: tuple[str, ...]) -> Value | None:
        """Return a variable's value; None for one that there is not, or that is wrong, which is reported."""
        if name in self._written:
            self.used.add(name)
            return self._settle(name, above)
        meant = f"name it under vars:, or write $${{{name}}} for the text itself"
        message = f"there is no variable ${{{name}}}; {meant}"
        near = nearest(name, self._written)
        self._problems.add(value.line, path, message, f"${{{near}}}" if near else None)
        return None

    def _check_secret(self, value: Value, path: str) -> None:
        """Report a variable in a key's place: it would stand in the file for all to see."""
        if isinstance(value.data, dict):
            inner = list(value.data.values())
        else:
            inner = value.data if isinstance(value.data, list) else []
        for item in inner:
            self._check_secret(item, path)
        found = _REFERENCE.search(value.text)
        if found is not None and not found[1] and found[2] in self._written:
            self.used.add(found[2])
            why = "vars: is shown to whoever sees the settings; write env:NAME"
            self._problems.add(value.line, path, f"variables are not put into keys: {why}")
