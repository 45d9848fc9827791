"""The GGUF models on disk: which files below a folder are models, and what each one needs.

Touches the disk throughout: call it in a thread.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from router.base.errors import BadModel
from router.base.files import file_key, is_file
from router.base.names import is_speakable, speakable
from router.catalog.folder_names import named_by_folder
from router.catalog.gguf import read_header
from router.catalog.header import GgufHeader, default_pooling, why_no_model, why_not_launchable
from router.catalog.nearby import Folder, pair_folders
from router.catalog.ollama import is_store, ollama_models
from router.catalog.pieces import to_be_joined, whole_behind, whole_within
from router.catalog.projectors import quantisation_in
from router.catalog.repositories import SNAPSHOTS, newest_first, repository
from router.catalog.shards import SHARD, sort_files

log = logging.getLogger(__name__)

INCOMPLETE = "incomplete-"
"""How GPT4All's downloads begin until they are whole."""

NOT_ENTERED = (".", "datasets--", "spaces--")
"""How folders without models begin: hidden ones, and the other halves of Hugging Face's cache."""

PARTIAL = {".part", ".partial", ".incomplete", ".downloading", ".download", ".crdownload", ".tmp"}


@dataclass(frozen=True, slots=True)
class Found:
    """One model on disk.

    Attributes:
        id: the file's stem without a shard suffix, or where that tells nothing its folder's name;
            `stem@folder` if that was taken.
        path: absolute path of the GGUF or its first shard, links not resolved.
        size_bytes: of all shards present.
        header: of `path`; None if `problem` is about reading it.
        problem: one sentence why it cannot be launched, else None.
        flags: launch flags that follow from what lies beside it (`mmproj`) or from its header (`pooling`).
        note: one sentence that a person should know though it can be launched, else None.
        aliases: other names of the same thing: links to the file, tags of one blob.
        fetched_as: what programs call it by where it was fetched from: `org/repo:quantisation`.
        request, system, opening, variant: of a model in Ollama's store (`OllamaModel`).
    """

    id: str
    path: Path
    size_bytes: int
    header: GgufHeader | None = None
    problem: str | None = None
    flags: dict[str, str | bool] = field(default_factory=dict)
    note: str | None = None
    aliases: tuple[str, ...] = ()
    fetched_as: tuple[str, ...] = ()
    request: Mapping[str, Any] = field(default_factory=dict)
    system: str = ""
    opening: tuple[Mapping[str, Any], ...] = ()
    variant: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A GGUF file that is no model; `reason` is one sentence what it is instead."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Scan:
    """`left_out`: of what is no model, all but the parts that a model here uses. `unread`: folders that could
    not be looked into, each with the reason."""

    models: list[Found]
    left_out: list[LeftOut]
    unread: list[LeftOut]


def scan_folders(folders: Iterable[Path]) -> list[Found]:
    """Return the models of `scan`."""
    return scan(folders).models


def scan(folders: Iterable[Path]) -> Scan:
    """Return every model below `folders`, each file once; in the order given, then by path. Ids are unique.

    A folder may be Ollama's store: its models have Ollama's names.
    """
    same: dict[object, list[Found]] = {}
    left_out: dict[object, LeftOut] = {}
    unread: list[LeftOut] = []
    for found in (found for folder in folders for found in _below(folder.expanduser().absolute(), unread)):
        identity = _identity(found.path)
        if isinstance(found, LeftOut):
            left_out.setdefault(identity, found)
        else:
            same.setdefault((identity, found.variant), []).append(found)
    taken: set[str] = set()
    firsts = [_first_of(names) for names in same.values()]
    unique = dict(enumerate(firsts))
    gives_way = _broken_beside_whole(firsts)
    for at in sorted(unique, key=lambda at: firsts[at].path in gives_way):
        unique[at] = _speakable(firsts[at], taken)
        taken.add(unique[at].id)
    others = [[found for found in names if found.id != firsts[at].id] for at, names in enumerate(same.values())]
    models = [replace(unique[at], aliases=_aliases(named, taken)) for at, named in enumerate(others)]
    models = _with_hub_names(models, taken, gives_way)
    used = {_identity(Path(str(found.flags["mmproj"]))) for found in models if "mmproj" in found.flags}
    return Scan(models, [left for identity, left in left_out.items() if identity not in used], unread)


def _broken_beside_whole(models: Sequence[Found]) -> set[Path]:
    """Return those that take no name away from a whole model; of one repository's versions the current one
    keeps its name, as nobody should get an older one unasked."""
    whole: dict[str, set[Path]] = {}
    for model in models:
        if not model.problem:
            whole.setdefault(model.id, set()).add(_repository_folder(model.path))
    broken = [model for model in models if model.problem and model.id in whole]
    return {model.path for model in broken if _repository_folder(model.path) not in whole[model.id]}


def _repository_folder(path: Path) -> Path:
    return next((folder.parent for folder in path.parents if folder.name == SNAPSHOTS), path.parent)


def _first_of(names: Sequence[Found]) -> Found:
    """Return a file's first name that can be shown. Another link to it may be the one with its mmproj beside
    it."""
    first = next((found for found in names if is_speakable(found.path.name)), names[0])
    flags = first.flags
    for found in names:
        flags = found.flags | flags
    return replace(first, flags=flags, note=None if "mmproj" in flags else first.note)


def _speakable(found: Found, taken: Set[str]) -> Found:
    """Return the model with an id of its own, which clients can send and everybody can show."""
    id_ = free_id(speakable(found.id), found.path, taken)
    if is_speakable(found.id) and (is_speakable(found.path.name) or found.problem):
        return replace(found, id=id_)
    problem = (
        f"The name of {speakable(str(found.path))} is not text (UTF-8), or holds a line break or another "
        "control character: rename it."
    )
    return replace(found, id=id_, problem=problem)


def _aliases(others: Iterable[Found], taken: set[str]) -> tuple[str, ...]:
    """Return the other names of a file, each unique; those that cannot be said are no names."""
    names = []
    for name, path in {found.id: found.path for found in others if is_speakable(found.id)}.items():
        alias = free_id(name, path, taken)
        taken.add(alias)
        names.append(alias)
    return tuple(names)


def _with_hub_names(models: Sequence[Found], taken: set[str], gives_way: Collection[Path]) -> list[Found]:
    """Each with `org/repo:quantisation`, and `org/repo` where that has one quantisation; of several
    versions the first has the names."""
    labels = {found.path: quantisation_in(found.path.stem) for found in models}
    repos = {found.path: repository(found.path, labels[found.path]) for found in models}
    usable = {(repos[found.path], labels[found.path]) for found in models if found.header}
    kinds = Counter(repo for repo, _label in usable if repo)
    given: dict[Path, tuple[str, ...]] = {}
    for found in sorted(models, key=lambda found: found.path in gives_way):
        repo, label = repos[found.path], labels[found.path]
        names = [f"{repo}:{label}"] if repo and label else []
        names += [repo] if repo and kinds[repo] <= 1 else []
        given[found.path] = tuple(name for name in names if name not in taken and is_speakable(name))
        taken.update(given[found.path])
    return [replace(found, fetched_as=given[found.path]) for found in models]


def _below(top: Path, unread: list[LeftOut]) -> Iterator[Found | LeftOut]:
    if is_store(top):
        yield from _ollama(top)
    if is_file(top) and _is_gguf(top):  # one file where a folder is meant
        yield _alone(top)
        return
    for found in _together(
        [_read(folder, files, pieces=pieces) for folder, files, pieces in _walk(top, unread)]
    ):
        if isinstance(found, Found) and (name := named_by_folder(found.id, found.path, top)):
            yield replace(found, id=name)
        yield found  # what it is called by its file stays a name of it


def _alone(file: Path) -> Found:
    try:
        return describe_file(file)
    except BadModel as error:
        return Found(file.stem, file, 0, problem=error.message)


def _together(folders: Sequence[Folder[Found, LeftOut]]) -> Iterator[Found | LeftOut]:
    """All that lies in `folders`, each model with the projector that is its own."""
    pairs = pair_folders(folders)
    for folder in folders:
        for found in sorted(folder.models, key=lambda found: found.path):
            projector, note = pairs.get(found.path, (None, None))
            beside: dict[str, str | bool] = {"mmproj": str(projector)} if projector else {}
            if note:
                _tell_once(note)
            yield replace(found, flags=found.flags | beside, note=note)
        yield from folder.others


def _ollama(store: Path) -> Iterator[Found | LeftOut]:
    for model in ollama_models(store):
        if model.problem:
            yield Found(model.name, model.model, 0, problem=model.problem)
            continue
        found = _describe(model.name, model.model)
        if found.header and (reason := why_no_model(found.header)):
            yield LeftOut(found.path, reason.replace(found.path.name, model.name))
            continue
        yield replace(
            found,
            flags={**found.flags, **model.flags},
            request=model.request,
            system=model.system,
            opening=model.opening,
            variant=model.variant,
        )


def _identity(path: Path) -> object:
    """Return what is equal for two names of one file, also where they are hard links."""
    try:
        status = path.stat()
    except OSError:
        return file_key(path)
    return (status.st_dev, status.st_ino) if status.st_ino else file_key(path)


def describe_file(path: Path) -> Found:
    """Return the model at `path`, whatever the file is called, with its shards and the mmproj that lies near
    it."""
    own = path.parent
    folders = [(own, [path, *(other for other in _gguf_in(own) if other != path)])]
    folders += [(below, _gguf_in(below)) for below in _subfolders(own)]
    if above := _gguf_in(own.parent) if own != own.parent else []:
        folders += [(own.parent, above), *((f, _gguf_in(f)) for f in _subfolders(own.parent) if f != own)]
    for found in _together([_read(folder, files, path) for folder, files in folders]):
        if isinstance(found, Found) and found.path == path:
            return found
    raise BadModel(f"{path} is a later part of a split model: choose its first part (00001-of-…).")


def header_of(path: Path) -> GgufHeader | None:
    """Read the header of any GGUF; None for what cannot be read."""
    return _describe(path.stem, path).header


def _gguf_in(folder: Path) -> list[Path]:
    try:
        return [path for path in sorted(folder.iterdir()) if _is_gguf(path)]
    except OSError as error:
        log.warning("folder %s cannot be listed: %s", folder, error.strerror)
        return []


def _subfolders(folder: Path) -> list[Path]:
    try:
        return [
            path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(NOT_ENTERED)
        ]
    except OSError:
        return []  # told by _gguf_in


def free_id(stem: str, path: Path, taken: Set[str]) -> str:
    """`stem`, or `stem@folder` with as many of the folders above `path` as make it unique; in Hugging Face's
    cache at least from the commit on."""
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


def _walk(top: Path, unread: list[LeftOut]) -> Iterator[tuple[Path, list[Path], dict[str, list[Path]]]]:
    """`top` and each folder below with its GGUF files, and pieces of such by what they are of; links are
    followed, each real folder is entered once. Those that cannot be are added to `unread`."""
    entered: set[tuple[int, int]] = set()

    def warn(error: OSError) -> None:
        log.warning("model folder %s is skipped: %s", error.filename, error.strerror)
        unread.append(LeftOut(Path(error.filename), error.strerror or str(error)))

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
        pieces: dict[str, list[Path]] = {}
        for name in sorted(names):
            if ".gguf" in name.lower() and (whole := whole_behind(name)) is not None:
                pieces.setdefault(whole, []).append(Path(folder, name))
        yield Path(folder), [path for name in sorted(names) if _is_gguf(path := Path(folder, name))], pieces


def _is_gguf(path: Path) -> bool:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if (
        suffixes[-1:] != [".gguf"]
        or path.name.startswith((".", INCOMPLETE))
        or not PARTIAL.isdisjoint(suffixes)
    ):
        return False
    return not path.with_name(
        f"{path.name}.aria2"
    ).exists()  # aria2 takes the whole room before it has the bytes


def _read(
    folder: Path,
    files: Sequence[Path],
    named: Path | None = None,
    pieces: Mapping[str, Sequence[Path]] = MappingProxyType({}),
) -> Folder[Found, LeftOut]:
    """Return what one folder's `files` are. `named` is taken for a model, whatever it is."""
    models: list[Found] = []
    projectors: list[GgufHeader] = []
    there = sort_files(files)
    for file in there.others:
        found = _describe(file.stem, file)
        if found.header and found.header.is_projector:
            projectors.append(found.header)
        models.append(_with_parts_by_name(found))
    models += [_describe_shards(stem, count, shards) for (stem, count), shards in there.sets.items()]
    models = _without_pieces(models)
    reasons = {m.path: why_no_model(m.header) for m in models if m.header and m.path != named}
    others = [LeftOut(path, reason) for path, reason in reasons.items() if reason]
    others += [LeftOut(path, _a_copy(path, name)) for path, name in there.copies.items()]
    for whole, parts in pieces.items():
        if not is_file(folder / whole):
            others.append(LeftOut(parts[0], to_be_joined(whole, (part.name for part in parts))))
    return Folder(folder, [m for m in models if not reasons.get(m.path)], projectors, others)


def _without_pieces(models: Sequence[Found]) -> list[Found]:
    """Return them with one model, which says what is to be done, in place of the pieces of one file."""
    cut: dict[str, list[Found]] = {}
    for model in models:
        if model.header is None and (whole := whole_within(model.path.name)) is not None:
            cut.setdefault(whole, []).append(model)
    cut = {whole: pieces for whole, pieces in cut.items() if len(pieces) > 1}
    gone = {piece.path for pieces in cut.values() for piece in pieces[1:]}
    said = {pieces[0].path: to_be_joined(w, (p.path.name for p in pieces)) for w, pieces in cut.items()}
    kept = (model for model in models if model.path not in gone)
    return [replace(model, problem=said.get(model.path, model.problem)) for model in kept]


def _a_copy(path: Path, name: str) -> str:
    return f"{path.name} is another copy of a part of a split model, {name}: it is not needed."


def _describe(model_id: str, path: Path) -> Found:
    try:
        status = path.stat()
        header = _header(path, status.st_size, status.st_mtime_ns)
    except BadModel as error:
        return Found(model_id, path, status.st_size, problem=error.message)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Found(model_id, path, 0, problem=f"{path} cannot be read: {reason}.")
    pooling = default_pooling(header)
    flags: dict[str, str | bool] = {"pooling": pooling} if pooling else {}
    return Found(model_id, path, status.st_size, header, why_not_launchable(header), flags)


def _with_parts_by_name(found: Found) -> Found:
    """Give a split model a problem unless its first part has the name that llama-server expects."""
    if found.problem or found.header is None or found.header.split_count == 1:
        return found
    parts = found.header.split_count
    called = f"{found.path.stem}-00001-of-{parts:05}.gguf"
    problem = (
        f"{found.path.name} is the first of {parts} parts, and llama-server finds the others by name only: "
        f"rename it to {called}, the next to {called.replace('-00001-', '-00002-')}, and so on."
    )
    return replace(found, problem=problem)


def _describe_shards(stem: str, count: int, shards: dict[int, Path]) -> Found:
    """Return one model of `count` files, of which `shards` are here by their number from 1."""
    some = next(iter(shards.values()))
    missing = [number for number in range(1, count + 1) if number not in shards]
    if missing:
        first = shards.get(1) or some.with_name(f"{stem}-00001-of-{count:05}{some.suffix}")
        numbers = ", ".join(map(str, missing[:3])) + (", …" if missing[3:] else "")
        problem = f"{stem} is incomplete: of its {count} files, number {numbers} is missing in {first.parent}."
        return Found(stem, first, _total(shards.values()), problem=f"{problem} Download the rest.")
    match = SHARD.fullmatch(shards[1].stem)
    first_stem = match["stem"] if match else stem
    named = {number: shards[1].with_name(f"{first_stem}-{number:05}-of-{count:05}.gguf") for number in shards}
    # llama-server builds these very names (llama_split_path); a file system that ignores case finds them, too.
    astray = [number for number, file in shards.items() if file.name != named[number].name]
    astray = [number for number in sorted(astray) if not named[number].exists()]
    first = shards[1] if 1 in astray else named[1]
    found = replace(_describe(first_stem, first), size_bytes=_total(shards.values()))
    if found.problem:
        return found
    if not astray:
        return replace(found, problem=_why_not_whole(shards))
    wanted, there = named[astray[0]].name, shards[astray[0]].name
    others = f", and {len(astray) - 1} more likewise" if len(astray) > 1 else ""
    problem = (
        f"llama-server finds the parts of {found.id} only by exact names: rename {there} to {wanted}{others}."
    )
    return replace(found, problem=problem)


def _why_not_whole(shards: Mapping[int, Path]) -> str | None:
    """Return what is wrong with a part behind the first, before llama-server has read all others."""
    for number, file in sorted(shards.items())[1:]:
        part = _describe(file.stem, file)
        if part.header is None:
            return part.problem
        if (part.header.split_no, part.header.split_count) != (number - 1, len(shards)):
            return f"{file} is not part {number} of {len(shards)} of this model: download it again."
    return None


def _total(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except OSError as error:
            log.warning("size of %s is unknown: %s", path, error.strerror)
    return total


@lru_cache(maxsize=1024)
def _tell_once(note: str) -> None:
    log.warning("%s", note)


@lru_cache(maxsize=4096)
def _header(path: Path, _size: int, _mtime_ns: int) -> GgufHeader:
    """Read a header once per version of a file; errors are not cached."""
    return read_header(path)
