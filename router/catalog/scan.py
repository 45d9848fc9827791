"""The GGUF models on disk: which files below a folder are models, and what each one needs.

Touches the disk throughout: call it in a thread.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from router.catalog.gguf import read_header
from router.catalog.header import GgufHeader, why_not_launchable
from router.catalog.hf_cache import SNAPSHOTS, newest_first
from router.catalog.ollama import is_store, ollama_models
from router.errors import BadModel
from router.names import is_speakable, speakable

log = logging.getLogger(__name__)

NOT_ENTERED = (".", "datasets--", "spaces--")
"""How folders without models begin: hidden ones, and the other halves of Hugging Face's cache."""

PARTIAL = {".part", ".partial", ".incomplete", ".downloading", ".download", ".crdownload", ".tmp"}
_SHARD = re.compile(r"(?P<stem>.+)-(?P<no>\d{5})-of-(?P<count>\d{5})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """One model on disk.

    Attributes:
        id: the file's stem without a shard suffix; `stem@folder` if that was taken.
        path: absolute path of the GGUF or its first shard, links not resolved.
        size_bytes: of all shards present.
        header: of `path`; None if `problem` is about reading it.
        problem: one sentence why it cannot be launched, else None.
        flags: launch flags that follow from what lies beside it (`mmproj`).
        aliases: other names of the same thing: links to the file, tags of one blob.
        request, system, opening, variant: of a model in Ollama's store (`OllamaModel`).
    """

    id: str
    path: Path
    size_bytes: int
    header: GgufHeader | None = None
    problem: str | None = None
    flags: dict[str, str | bool] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    request: Mapping[str, Any] = field(default_factory=dict)
    system: str = ""
    opening: tuple[Mapping[str, Any], ...] = ()
    variant: tuple[str, ...] = ()


def scan_folder(folder: Path) -> list[Found]:
    """Every model below `folder`, in a stable order."""
    return scan_folders([folder])


def scan_folders(folders: Iterable[Path]) -> list[Found]:
    """Every model below `folders`, each file once; in the order given, then by path. Ids are unique.

    A folder may be Ollama's store: its models have Ollama's names.
    """
    same: dict[object, list[Found]] = {}
    for found in (found for folder in folders for found in _below(folder.expanduser().absolute())):
        same.setdefault((_identity(found.path), found.variant), []).append(found)
    taken: set[str] = set()
    result: list[tuple[Found, list[Found]]] = []
    for names in same.values():
        first = next((found for found in names if is_speakable(found.path.name)), names[0])
        # Another link to the file may be the one with its mmproj beside it.
        flags = next((found.flags for found in (first, *names) if found.flags), {})
        unique = _speakable(replace(first, flags=flags), taken)
        taken.add(unique.id)
        result.append((unique, [found for found in names if found.id != first.id]))
    return [replace(found, aliases=_aliases(others, taken)) for found, others in result]


def _speakable(found: Found, taken: Iterable[str]) -> Found:
    """With an id of its own, which clients can send and everybody can show."""
    id_ = free_id(speakable(found.id), found.path, taken)
    if is_speakable(found.id) and (is_speakable(found.path.name) or found.problem):
        return replace(found, id=id_)
    problem = (
        f"The name of {speakable(str(found.path))} is not text (UTF-8), or holds a line break or another "
        "control character: rename it."
    )
    return replace(found, id=id_, problem=problem)


def _aliases(others: Iterable[Found], taken: set[str]) -> tuple[str, ...]:
    """The other names of a file, each unique; those that cannot be said are no names."""
    names = []
    for name, path in {found.id: found.path for found in others if is_speakable(found.id)}.items():
        alias = free_id(name, path, taken)
        taken.add(alias)
        names.append(alias)
    return tuple(names)


def _below(top: Path) -> Iterator[Found]:
    if is_store(top):
        yield from _ollama(top)
    for files in _walk(top):
        yield from _models_among(files)


def _ollama(store: Path) -> Iterator[Found]:
    for model in ollama_models(store):
        if model.problem:
            yield Found(model.name, model.model, 0, problem=model.problem)
            continue
        found = _describe(model.name, model.model)
        if found.header and found.problem:
            log.debug("not offered as a model: %s", found.problem)
            continue
        yield replace(
            found,
            flags=model.flags,
            request=model.request,
            system=model.system,
            opening=model.opening,
            variant=model.variant,
        )


def _identity(path: Path) -> object:
    """Equal for two names of one file, also where they are hard links."""
    try:
        status = path.stat()
    except OSError:
        return os.path.realpath(path)
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)


def describe_file(path: Path) -> Found:
    """The model at `path`, whatever the file is called, with its shards and its folder's mmproj."""
    siblings = [path]
    try:
        siblings += [other for other in sorted(path.parent.iterdir()) if _is_gguf(other) and other != path]
    except OSError as error:
        log.warning("folder %s cannot be listed: %s", path.parent, error.strerror)
    for found in _models_among(siblings, named=path):
        if found.path == path:
            return found
    raise BadModel(f"{path} is a later part of a split model: choose its first part (00001-of-…).")


def header_of(path: Path) -> GgufHeader | None:
    """Of any GGUF; None for what cannot be read."""
    return _describe(path.stem, path).header


def free_id(stem: str, path: Path, taken: Iterable[str]) -> str:
    """`stem`, or `stem@folder` with as many of the folders above `path` as make it unique; in Hugging Face's
    cache at least from the commit on."""
    taken = set(taken)
    if stem not in taken:
        return stem
    folders = path.parent.parts
    below = folders[::-1].index(SNAPSHOTS) if SNAPSHOTS in folders else 1
    for depth in range(max(1, below), len(folders) + 1):
        candidate = speakable(f"{stem}@{'/'.join(folders[-depth:]).lstrip('/')}")
        if candidate not in taken:
            log.warning("two models are called %s: %s is offered as %s", stem, path, candidate)
            return candidate
    return free_id(f"{stem}~", path, taken)  # one folder, names that differ in their suffix's case


def _walk(top: Path) -> Iterator[list[Path]]:
    """The GGUF files of `top` and each folder below; links are followed, each real folder is entered once."""
    entered: set[tuple[int, int]] = set()

    def warn(error: OSError) -> None:
        log.warning("model folder %s is skipped: %s", error.filename, error.strerror)

    for folder, subfolders, names in os.walk(top, followlinks=True, onerror=warn):
        try:
            status = Path(folder).stat()
        except OSError as error:
            warn(error)
            subfolders.clear()
            continue
        identity = (status.st_dev, status.st_ino)
        if identity in entered:
            subfolders.clear()
            continue
        entered.add(identity)
        entered_here = [name for name in subfolders if not name.startswith(NOT_ENTERED)]
        subfolders[:] = newest_first(Path(folder), entered_here)
        yield [path for name in sorted(names) if _is_gguf(path := Path(folder, name))]


def _is_gguf(path: Path) -> bool:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return suffixes[-1:] == [".gguf"] and not path.name.startswith(".") and PARTIAL.isdisjoint(suffixes)


def _models_among(files: Sequence[Path], named: Path | None = None) -> list[Found]:
    """The models of one folder's `files`. Files that are no models are left out, except `named`."""
    whole: list[Found] = []
    sets: dict[tuple[str, int], dict[int, Path]] = {}
    projectors: list[GgufHeader] = []
    for file in files:
        shard = _SHARD.fullmatch(file.stem)
        if shard and int(shard["count"]) > 1:
            sets.setdefault((shard["stem"], int(shard["count"])), {})[int(shard["no"])] = file
            continue
        found = _describe(file.stem, file)
        if found.header and found.header.type == "mmproj":
            projectors.append(found.header)
        if found.header and found.problem and file != named:
            log.debug("not offered as a model: %s", found.problem)
        else:
            whole.append(found)
    whole += [_describe_shards(stem, count, shards) for (stem, count), shards in sets.items()]
    return sorted((_with_projector(found, projectors) for found in whole), key=lambda found: found.path)


def _describe(model_id: str, path: Path) -> Found:
    try:
        status = path.stat()
        header = _header(path, status.st_size, status.st_mtime_ns)
    except BadModel as error:
        return Found(model_id, path, status.st_size, problem=error.message)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Found(model_id, path, 0, problem=f"{path} cannot be read: {reason}.")
    return Found(model_id, path, status.st_size, header, why_not_launchable(header))


def _describe_shards(stem: str, count: int, shards: dict[int, Path]) -> Found:
    """One model of `count` files, of which `shards` are here by their number from 1."""
    some = next(iter(shards.values()))
    missing = [number for number in range(1, count + 1) if number not in shards]
    if missing:
        first = shards.get(1) or some.with_name(f"{stem}-00001-of-{count:05}{some.suffix}")
        numbers = ", ".join(map(str, missing[:3])) + (", …" if missing[3:] else "")
        problem = f"{stem} is incomplete: of its {count} files, number {numbers} is missing in {first.parent}."
        return Found(stem, first, _total(shards.values()), problem=f"{problem} Download the rest.")
    return replace(_describe(stem, shards[1]), size_bytes=_total(shards.values()))


def _total(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except OSError as error:
            log.warning("size of %s is unknown: %s", path, error.strerror)
    return total


def _with_projector(found: Found, projectors: list[GgufHeader]) -> Found:
    """Give a model the mmproj beside it if there is exactly one and it has the model's width."""
    if found.header is None or found.problem or len(projectors) != 1:
        return found
    (projector,) = projectors
    widths = {projector.number(f"clip.{sense}.projection_dim") for sense in ("vision", "audio")} - {None}
    if widths and found.header.embedding_length not in widths:
        return found
    return replace(found, flags={"mmproj": str(projector.path)})


@lru_cache(maxsize=4096)
def _header(path: Path, _size: int, _mtime_ns: int) -> GgufHeader:
    """Reading a header once per version of a file; errors are not cached."""
    return read_header(path)
