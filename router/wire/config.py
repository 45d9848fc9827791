"""hal0.yaml and the configuration in effect as JSON, keys left out, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from router.base.names import speakable
from router.config.change import ConfigDocument
from router.config.schema import Config
from router.wire.json_dataclass import read


def config_json(config: Config) -> dict[str, Any]:
    """Return every field but the keys: what is not told cannot be written back by mistake."""
    document: dict[str, Any] = _plain(config)
    return document


def parse_config_json(document: Any) -> Config:
    """Read what `config_json` wrote: the configuration without its keys. Raises SchemaMismatch."""
    return read(Config, document)


def document_json(document: ConfigDocument) -> dict[str, Any]:
    file = {"file": speakable(str(document.file)), "exists": document.exists, "text": document.text}
    return {**file, "config": config_json(document.config)}


def parse_document(document: Any) -> ConfigDocument:
    """Read what `document_json` wrote. Raises SchemaMismatch, KeyError, TypeError."""
    config = parse_config_json(document["config"])
    return ConfigDocument(Path(document["file"]), bool(document["exists"]), str(document["text"]), config)


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
