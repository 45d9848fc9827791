"""hal0.yaml as a person wrote it: `n_ctx` instead of ctx-size, `~/models`, `env:NAME`. Pure.

The settings keep such spellings: a change goes to the key that is in the file, and what was not changed stays.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from router.config.change import ConfigDocument
from router.config.flags import flag_value
from router.config.problems import ProblemList
from router.config.yaml_lines import Value, read_yaml

ENVIRONMENT = "env:"
Flags = tuple[tuple[str, str], ...]


class NotReadable(ValueError):
    """The text is no YAML: nothing is known of it, so nothing can be changed in it."""


class WrittenSettings:
    """The file's values by their keys. Raises NotReadable."""

    def __init__(self, text: str) -> None:
        problems = ProblemList(Path("hal0.yaml"))
        self._root = read_yaml(text, problems)
        if problems.found:
            raise NotReadable("; ".join(map(str, problems.found)))

    def value(self, *key: str) -> Value | None:
        """Return what stands at `key`; None for what was left out, or holds nothing."""
        found = self._root
        for name in key:
            entries = found.data if found is not None else None
            found = entries.get(name) if isinstance(entries, dict) else None
        return None if found is None or found.data is None else found

    def text(self, *key: str) -> str | None:
        value = self.value(*key)
        return None if value is None or isinstance(value.data, dict | list) else value.text

    def texts(self, *key: str) -> tuple[str, ...] | None:
        """Return a list of texts, or one text alone, which counts as a list."""
        value = self.value(*key)
        if value is None or isinstance(value.data, dict):
            return None
        items = value.data if isinstance(value.data, list) else [value]
        return tuple(item.text for item in items)

    def has_mappings(self, *key: str) -> bool:
        value = self.value(*key)
        items = value.data if value is not None and isinstance(value.data, list) else []
        return any(isinstance(item.data, dict) for item in items)

    def has_entries(self, section: str) -> bool:
        value = self.value(section)
        return value is not None and bool(value.data)

    def flags(self, model: str) -> Flags | None:
        """Return a model's flags as (name, text) in their order; a bare flag's text is empty."""
        value = self.value("models", model, "flags")
        if value is None or not isinstance(value.data, dict):
            return None
        return tuple((name, _flag_text(entry)) for name, entry in value.data.items())

    def variables(self, *entry: str) -> Flags:
        """Return `env:` of a slot or model as (name, text); a secret as router.config.hidden shows it."""
        return self.named_texts(*entry, "env")

    def named_texts(self, *key: str) -> Flags:
        """Return a mapping of names to plain values as (name, text)."""
        value = self.value(*key)
        written = value.data if value is not None and isinstance(value.data, dict) else {}
        return tuple((name, variable.text) for name, variable in written.items() if variable.data is not None)


def api_keys(document: ConfigDocument, written: WrittenSettings) -> tuple[str, ...] | None:
    """Return the keys to write back: `env:NAME` stays that, the rest are the values themselves, which the text
    hides.

    None where text and values do not match (writing would put a key from the environment into the file), and
    where a key has a name, which a list of keys would lose.
    """
    texts, values = written.texts("server", "api_keys") or (), document.config.server.api_keys
    if len(texts) != len(values) or written.has_mappings("server", "api_keys"):
        return None
    pairs = zip(texts, values, strict=True)
    return tuple(text if text.startswith(ENVIRONMENT) else value for text, value in pairs)


def flags_as_text(flags: dict[str, Any]) -> Flags:
    return tuple(
        (name, _bool_text(value) if isinstance(value, bool) else value) for name, value in flags.items()
    )


def _flag_text(value: Value) -> str:
    if value.data is None:
        return ""
    if isinstance(value.data, dict | list):
        try:
            read = flag_value(value)
        except ValueError:
            return json.dumps(value.plain())
        return _bool_text(read) if isinstance(read, bool) else read
    return value.text


def _bool_text(value: bool) -> str:
    return "on" if value else "off"
