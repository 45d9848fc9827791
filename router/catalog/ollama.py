"""Ollama's store: `manifests/<host>/<namespace>/<name>/<tag>` names blobs, which are GGUFs without a suffix.

Format: Ollama's types/model/name.go, server/manifest.go and server/images.go. A manifest is written when all
its blobs are there. What a name means is all of it: weights, vision part, adapters, parameters, the system
prompt and the messages every conversation begins with. Its chat template is Go's and cannot be run here: the
GGUF's own is used, of which Ollama's is a translation.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from router.base.errors import RouterError
from router.base.files import is_dir, is_file
from router.catalog.gguf import read_header
from router.wire.ollama import parameters

log = logging.getLogger(__name__)

MANIFESTS = "manifests"
_KIND = "application/vnd.ollama.image."
_DIGEST = re.compile(r"sha256[:-](?P<hex>[0-9a-f]{64})")
_MOST = 1 << 20  # bytes of a manifest or a prompt; real ones have some 1,000
_HOST, _NAMESPACE = "registry.ollama.ai", "library"
_DEPTH = 4  # host, namespace, name, tag


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """`name` as Ollama's users write it (`llama3.2:3b`).

    Attributes:
        model: the blob; where that is not known, the manifest.
        flags: launch flags of what belongs to it (`mmproj`, `lora`, `n-predict`).
        request: its parameters, as fields of a request.
        system: its system prompt, for requests that bring none.
        opening: the messages that come before the client's.
        variant: equal for two names of one blob that mean the same; () for a blob and nothing else.
        problem: one sentence why it cannot be run as what it is, else None.
    """

    name: str
    model: Path
    flags: dict[str, str | bool] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)
    system: str = ""
    opening: tuple[Mapping[str, Any], ...] = ()
    variant: tuple[str, ...] = ()
    problem: str | None = None


def is_store(folder: Path) -> bool:
    """Return whether `folder` is where Ollama keeps its models."""
    return is_dir(folder / MANIFESTS) and is_dir(folder / "blobs")


def blob_of(store: Path, sha256: str) -> Path:
    """Return where a file with this checksum lies in the store, if it does."""
    return store / "blobs" / f"sha256-{sha256}"


def ollama_models(store: Path) -> Iterator[OllamaModel]:
    """Return every model of the store that has its weights here, by name; also those with something missing."""
    for file in _manifests(store / MANIFESTS):
        name = _name(file.relative_to(store / MANIFESTS).parts)
        try:
            model = _model(store, file, name)
        except (OSError, ValueError, KeyError, TypeError, RecursionError, RouterError) as error:
            log.info("Ollama's model %s (%s): %r", name, file, error)
            yield OllamaModel(name, file, problem=_problem(name, error))
        else:
            if model is not None:
                yield model


class _Missing(ValueError):
    """Something that the manifest names is not there."""


class _Unusable(ValueError):
    """All is there, and llama-server can do nothing with it."""


def _problem(name: str, error: Exception) -> str:
    if isinstance(error, _Unusable):
        return f"{name} of Ollama's store cannot be run here: {error}."
    why = getattr(error, "strerror", None) or (str(error) if isinstance(error, _Missing) else "damaged")
    return f"{name} is incomplete in Ollama's store ({why}): pull it again."


def _manifests(top: Path) -> list[Path]:
    def warn(error: OSError) -> None:
        log.warning("Ollama's folder %s is skipped: %s", error.filename, error.strerror)

    found = []
    for folder, subfolders, names in os.walk(top, onerror=warn, followlinks=True):
        depth = len(Path(folder).relative_to(top).parts)
        if depth >= _DEPTH - 1:
            subfolders.clear()
        if depth == _DEPTH - 1:
            files = (Path(folder, name) for name in names if not name.startswith("."))
            found += [file for file in files if is_file(file) or file.is_symlink()]
    return sorted(found)


def _name(parts: tuple[str, ...]) -> str:
    host, namespace, name, tag = parts
    if host != _HOST:
        return f"{host}/{namespace}/{name}:{tag}"
    return f"{name}:{tag}" if namespace == _NAMESPACE else f"{namespace}/{name}:{tag}"


def _model(store: Path, manifest: Path, name: str) -> OllamaModel | None:
    """Read a manifest; None for what has no GGUF: models that run on Ollama's servers, or in other formats."""
    layers = _layers(manifest)
    if not layers["model"]:
        log.debug("%s has no weights here that llama-server could run", name)
        return None
    if len(layers["model"]) > 1 or len(layers["projector"]) > 1:
        raise _Unusable("llama-server does not find the parts of a split model by their checksums")
    weights = _blob(store, layers["model"][0])
    flags: dict[str, str | bool] = {}
    if layers["projector"]:
        flags["mmproj"] = str(_blob(store, layers["projector"][0]))
    if layers["adapter"]:
        flags["lora"] = ",".join(_adapter(_blob(store, digest), weights) for digest in layers["adapter"])
    given = [_json(_blob(store, digest)) for digest in layers["params"]]
    params = {key: value for part in given for key, value in dict(part).items()}
    limit = params.get("num_predict")
    if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0:
        flags["n-predict"] = str(limit)  # a default in every dialect, each of which has its own word for it
    said = [message for digest in layers["messages"] for message in _json(_blob(store, digest))]
    messages = [{"role": str(message["role"]), "content": str(message["content"])} for message in said]
    prompts = [_text(_blob(store, digest)) for digest in layers["system"]]
    return OllamaModel(
        name,
        weights,
        flags,
        parameters(params),
        "\n".join([*prompts, *(m["content"] for m in messages if m["role"] == "system")]),
        tuple(message for message in messages if message["role"] != "system"),
        tuple(sorted(f"{k} {d}" for k, ds in layers.items() if k not in ("model", "license") for d in ds)),
    )


def _layers(file: Path) -> Mapping[str, list[str]]:
    """Return digests by what they are: model, projector, adapter, params, system, messages, template, ..."""
    raw = _json(file)
    found: dict[str, list[str]] = {
        kind: [] for kind in ("model", "projector", "adapter", "params", "system", "messages")
    }
    for layer in raw["layers"]:
        kind = str(layer["mediaType"])
        if kind.startswith(_KIND):
            found.setdefault(kind.removeprefix(_KIND), []).append(str(layer["digest"]))
    return found


def _blob(store: Path, digest: str) -> Path:
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise _Missing("its manifest is damaged")
    path = blob_of(store, match["hex"])
    if not is_file(path):
        raise _Missing(f"{path.name} is missing")
    return path


def _adapter(path: Path, weights: Path) -> str:
    """Return the LoRA adapter, if llama-server can put it onto `weights`."""
    try:
        header = read_header(path)
    except RouterError:
        raise _Unusable(f"its adapter {path.name} is no GGUF, so llama-server cannot use it") from None
    kinds = (header.type, header.text("adapter.type") or "lora", header.architecture)
    if kinds != ("adapter", "lora", read_header(weights).architecture):
        raise _Unusable(f"its adapter {path.name} does not belong to its weights")
    if "," in str(path):
        raise _Unusable(f"llama-server cannot be given {path}, whose folder has a comma in its name")
    return str(path)


def _text(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(_MOST).decode()


def _json(file: Path) -> Any:
    if not is_file(file):  # opening a FIFO would wait for a writer
        raise _Missing(f"{file.name} is missing")
    return json.loads(_text(file))
