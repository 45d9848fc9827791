"""A change to hal0.yaml, as the window's settings ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from router.config.schema import Config


class Remove:
    """Marks a key to be taken out, so that its default applies again."""


REMOVE = Remove()


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """Set the key at `path` (("slots", "primary", "model"); a new section is made where needed) to a JSON
    value, or with REMOVE take it out."""

    path: tuple[str, ...]
    value: Any


@dataclass(frozen=True, slots=True)
class ConfigDocument:
    """hal0.yaml as it is: `exists` is False while hal0 runs on its defaults. Keys in `text` are hidden."""

    file: Path
    exists: bool
    text: str
    config: Config
