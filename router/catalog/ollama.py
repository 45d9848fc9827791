"""Ollama's store: `manifests/<host>/<namespace>/<name>/<tag>` names blobs, which are GGUFs without a suffix.

Format: Ollama's types/model/name.go and server/manifest.go. A manifest is written when all its blobs are there.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

_MODEL = "application/vnd.ollama.image.model"
_PROJECTOR = "application/vnd.ollama.image.projector"
_DIGEST = re.compile(r"sha256[:-](?P<hex>[0-9a-f]{64})")
_MOST = 1 << 20  # bytes of a manifest; real ones have some 1,000
_HOST, _NAMESPACE = "registry.ollama.ai", "library"


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """`name` as Ollama's users write it (`llama3.2:3b`); files are blobs."""

    name: str
    model: Path
    projector: Path | None = None


def is_store(folder: Path) -> bool:
    """Whether `folder` is where Ollama keeps its models."""
    return (folder / "manifests").is_dir() and (folder / "blobs").is_dir()


def blob_of(store: Path, sha256: str) -> Path:
    """Where a file with this checksum lies in the store, if it does."""
    return store / "blobs" / f"sha256-{sha256}"


def ollama_models(store: Path) -> Iterator[OllamaModel]:
    """Every model of the store whose file is there, by name."""
    manifests = store / "manifests"
    for file in sorted(manifests.glob("*/*/*/*")):
        if file.name.startswith(".") or not file.is_file():
            continue
        layers = _layers(file)
        model = _blob(store, layers.get(_MODEL))
        if model is not None:
            yield OllamaModel(
                _name(file.relative_to(manifests).parts), model, _blob(store, layers.get(_PROJECTOR))
            )


def _name(parts: tuple[str, ...]) -> str:
    host, namespace, name, tag = parts
    if host != _HOST:
        return f"{host}/{namespace}/{name}:{tag}"
    return f"{name}:{tag}" if namespace == _NAMESPACE else f"{namespace}/{name}:{tag}"


def _layers(file: Path) -> dict[str, str]:
    """Digests by media type."""
    try:
        with file.open("rb") as opened:
            raw: Any = json.loads(opened.read(_MOST))
        return {str(layer["mediaType"]): str(layer["digest"]) for layer in raw["layers"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.debug("not a manifest of Ollama: %s (%s)", file, error)
        return {}


def _blob(store: Path, digest: str | None) -> Path | None:
    match = _DIGEST.fullmatch(digest or "")
    path = blob_of(store, match["hex"]) if match else None
    return path if path is not None and path.is_file() else None
