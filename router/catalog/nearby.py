"""Which projectors lie near which models: in the same folder, one below it, or the one above. Pure.

That is how people and programs lay them out: beside the model; in a subfolder of their own; or beside the
subfolders that hold a big model's quantisations, as repositories on Hugging Face do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from router.catalog.header import GgufHeader
from router.catalog.projectors import Named, Pairing, pair


class _Model(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def header(self) -> GgufHeader | None: ...
    @property
    def problem(self) -> str | None: ...


M = TypeVar("M", bound=_Model)
Other = TypeVar("Other")
Pairs = dict[Path, tuple[Path | None, str | None]]


@dataclass(frozen=True, slots=True)
class Folder(Generic[M, Other]):
    """What lies in one folder; `others` are files that are no models, `projectors` among them."""

    path: Path
    models: list[M]
    projectors: list[GgufHeader]
    others: list[Other]


def pair_folders(folders: Sequence[Folder[M, Other]]) -> Pairs:
    """Return for each model's path its projector, or a sentence why it has none though one lies there."""
    models = {
        folder.path: [Named(m.id, m.header) for m in folder.models if m.header and not m.problem]
        for folder in folders
    }
    projectors = {folder.path: [Named(p.path.stem, p) for p in folder.projectors] for folder in folders}
    below: dict[Path, list[Path]] = {}
    for folder in folders:
        below.setdefault(folder.path.parent, []).append(folder.path)
    pairs: Pairs = {}
    for path, own in projectors.items():
        if own:
            pairs |= _pairs(pair(models[path], own))
    for path, own in projectors.items():
        children = [child for child in below.get(path, ()) if child != path]
        around = models[path] + [model for child in children for model in models[child]]
        kept_apart = [p for child in children if not models[child] for p in projectors[child]]
        if not own and kept_apart:
            pairs |= _given(pair(around, kept_apart, apart=True), models[path])
        if own:
            without = [model for child in children if not projectors[child] for model in models[child]]
            pairs |= _given(pair(around, own, apart=True), without)
    return pairs


def _given(pairing: Pairing, to: Collection[Named]) -> Pairs:
    """Return what was given to these models; nothing is new for the others."""
    return dict(_pairs(Pairing({m: p for m, p in pairing.given.items() if m in to}, {})))


def _pairs(pairing: Pairing) -> Iterator[tuple[Path, tuple[Path | None, str | None]]]:
    for model, projector in pairing.given.items():
        if model.header and projector.header:
            yield model.header.path, (projector.header.path, None)
    for model, projectors in pairing.unclear.items():
        if model.header:
            yield model.header.path, (None, _unclear(model.header, [p.header for p in projectors if p.header]))


def _unclear(model: GgufHeader, projectors: Sequence[GgufHeader]) -> str:
    names = ", ".join(projector.path.name for projector in projectors[:3])
    return (
        f"{model.path.name} is used without images: {names} may belong to it or to another model. If it does, "
        "name it under the model's flags (mmproj), or put the two in a folder of their own."
    )
