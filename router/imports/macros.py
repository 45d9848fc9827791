"""llama-swap's `${macro}`s, put in: `${env.NAME}` first, then the model's own, then the global ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from router.config.yaml_lines import Value

_MACRO: Final = re.compile(r"\$\{([A-Za-z0-9_.-]+)\}")
_DEEPEST: Final = 16
KEPT: Final = frozenset({"PORT", "PID"})
"""What only llama-swap knows, once a model is started."""


class Macros:
    """Those in force for one model.

    Attributes:
        unknown: names that were met and mean nothing here.
        used: names of macros that were put in.
    """

    def __init__(self, variables: Mapping[str, str], *sections: Value | None, **reserved: str) -> None:
        self._variables = variables
        self._values = dict(reserved)
        for section in sections:
            if section is not None and isinstance(section.data, dict):
                self._values |= {name: str(value.text or value.plain()) for name, value in section.data.items()}
        self.unknown: list[str] = []
        self.used: set[str] = set()

    def put_in(self, text: str, *, environment: bool = True) -> str:
        """Return `text` with all that is known in place; not what the environment holds, if that is not
        wanted."""
        put = self._one if environment else self._not_environment
        for _ in range(_DEEPEST):
            replaced = _MACRO.sub(put, text)
            if replaced == text:
                break
            text = replaced
        return text

    def plain(self, value: Value) -> Any:
        """Return a value as data, macros put in; a text that is one macro has its macro's kind."""
        return self._within(value.plain())

    def _within(self, data: Any) -> Any:
        if isinstance(data, dict):
            return {self.put_in(str(name)): self._within(item) for name, item in data.items()}
        if isinstance(data, list):
            return [self._within(item) for item in data]
        return self.put_in(data) if isinstance(data, str) else data

    def _not_environment(self, match: re.Match[str]) -> str:
        return match[0] if match[1].startswith("env.") else self._one(match)

    def _one(self, match: re.Match[str]) -> str:
        name = match[1]
        if name in KEPT:
            return match[0]
        found = self._variables.get(name[4:]) if name.startswith("env.") else self._values.get(name)
        if found is None:
            self.unknown.append(name)
            return match[0]
        self.used.add(name)
        return found
