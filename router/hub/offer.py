"""What a repository offers: each of its models with its size and whether it would fit; and taking one of them.

Blocking: asks the hub for its list of files, and for the first megabytes of one.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from router.base.errors import BadModel, PullFailed
from router.catalog.header import GgufHeader, why_not_launchable
from router.hub import store
from router.hub.api import Hub, Repository
from router.hub.claim import claimed
from router.hub.fit import offered_fit
from router.hub.names import FileSet, Reference, choose, file_sets
from router.hub.part import there_of
from router.hub.remote import remote_header
from router.hub.retry import Patience
from router.memory.forecast.needs import HEADROOM
from router.memory.measure.sources import find_source
from router.wire.offer import Offer, OfferedModel


def make_offer(
    hub: Hub,
    reference: Reference,
    downloads: Path,
    patience: Patience,
    headroom: int = HEADROOM,
    held: int = 0,
) -> Offer:
    """`headroom`: bytes of memory to leave free; `held`: those that slots would give back. Raises PullFailed,
    Paused."""
    repository, sets = _look(hub, reference, patience)
    chosen = _chosen(reference, sets)
    asked = chosen or sets[0]
    header, warning = _header(hub, repository, asked, patience)
    pools = find_source().read(())
    models = []
    for found in sets:
        model = _model(found, repository, downloads)
        # What the files of one model have in common stands in each of them; another model's are not like it.
        if header is not None and warning is None and _base(found) == _base(asked):
            model = replace(model, room=offered_fit(header, found.total_bytes, headroom, held, pools))
        models.append(model)
    return Offer(
        repository.repo,
        tuple(models),
        _reference(repository, chosen) if chosen else None,
        str(downloads),
        _disk_free(downloads),
        warning,
    )


def take(hub: Hub, reference: Reference, downloads: Path, patience: Patience) -> store.Download:
    """Make the folder the model is to come into, so that it is known from now on what is to come. A model that
    is here already is returned as it lies there, whole. Raises PullFailed, Paused."""
    repository, sets = _look(hub, reference, patience)
    chosen = choose(reference, sets)
    files, label = chosen.all_files, chosen.key
    if store.whole(downloads, repository.repo, label, files) is not None:
        final = store.final_folder(downloads, repository.repo, label)
        return store.Download(repository.repo, label, repository.commit, final, files)
    download = store.incoming(downloads, repository.repo, label, repository.commit, files)
    with claimed(download, downloads):
        return download


def _look(hub: Hub, reference: Reference, patience: Patience) -> tuple[Repository, tuple[FileSet, ...]]:
    repository = patience.insist(lambda: hub.repository(reference.repo))
    return repository, file_sets(repository.files)


def _chosen(reference: Reference, sets: tuple[FileSet, ...]) -> FileSet | None:
    """None where hal0 cannot choose and a person can. Raises PullFailed if there is nothing of that name."""
    try:
        return choose(reference, sets)
    except PullFailed:
        if reference.quant is not None or not sets:
            raise
        return None


def _model(found: FileSet, repository: Repository, downloads: Path) -> OfferedModel:
    here = store.whole(downloads, repository.repo, found.key, found.all_files)
    folder = store.filling(store.incoming_folder(downloads, repository.repo, found.key))
    return OfferedModel(
        _reference(repository, found),
        found.key,
        len(found.all_files),
        found.total_bytes,
        found.projector is not None,
        0 if here else sum(there_of(folder, file) for file in found.all_files),
        str(here) if here else None,
    )


def _reference(repository: Repository, found: FileSet) -> str:
    return str(Reference(repository.repo, found.key))


def _header(
    hub: Hub, repository: Repository, asked: FileSet, patience: Patience
) -> tuple[GgufHeader | None, str | None]:
    try:
        header = remote_header(hub, repository, asked.files[0], patience)
    except BadModel as error:
        return None, error.message
    return header, why_not_launchable(header)


def _base(found: FileSet) -> str:
    """The model's name without its quantisation."""
    return found.stem.casefold().replace(found.label.casefold(), "")


def _disk_free(downloads: Path) -> int:
    there = next(path for path in (downloads, *downloads.parents) if path.exists())
    return shutil.disk_usage(there).free
