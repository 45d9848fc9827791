"""The configuration in effect as JSON, its keys left out, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from router.config.schema import Config
from router.names import speakable
from router.wire.plain import read


def config_json(config: Config) -> dict[str, Any]:
    """Every field but the keys: what is not told cannot be written back by mistake (app.settings_written)."""
    told: dict[str, Any] = _plain(config)
    return told


def parse_config_json(told: Any) -> Config:
    """The configuration `config_json` told, without its keys. Raises NotPlain."""
    return read(Config, told)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        # What a dataclass does not print of itself is a secret.
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value) if f.repr}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return speakable(str(value)) if isinstance(value, Path) else value
