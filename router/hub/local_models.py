"""Every model file on this computer: where it is from, who uses it; removing what hal0 fetched. Blocking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from router.base.errors import PullFailed
from router.base.files import file_key, is_file
from router.base.paths import Paths
from router.catalog.models import Catalog, build_catalog
from router.catalog.scan import LeftOut, scan, scan_folders
from router.config.default import with_downloads
from router.config.problems import did_you_mean
from router.config.programs import program_folders
from router.config.schema import Config
from router.engine.store import Locked, locked
from router.hub import store


@dataclass(frozen=True, slots=True)
class LocalModel:
    """One model file.

    Attributes:
        id: what clients may call it.
        size_bytes: of all its shards.
        origin: "org/repo:quant" of what hal0 fetched, another program's name, or the folder.
        used_by: the names under `models:` in hal0.yaml that mean this file.
        aliases: its other names.
        problem: one sentence why it cannot be loaded, else None.
        download: what hal0 fetched; None: not hal0's to remove.
    """

    id: str
    path: Path
    size_bytes: int
    origin: str
    used_by: tuple[str, ...] = ()
    problem: str | None = None
    download: store.Download | None = None
    aliases: tuple[str, ...] = ()


def list_models(config: Config, paths: Paths) -> list[LocalModel]:
    """Return every model file, as hal0 would offer it with this configuration."""
    config = with_downloads(config, paths)
    users: dict[str, list[str]] = {}
    outside: dict[str, Path] = {}
    for name, model in build_catalog(config, None).models.items():
        if name in config.models and model.file is not None:
            users.setdefault(file_key(model.file), []).append(name)
            outside[file_key(model.file)] = model.file
    found = scan_folders(config.model_dirs)
    listed = [
        LocalModel(
            item.id,
            item.path,
            item.size_bytes,
            _origin(item.path, paths),
            tuple(users.get(file_key(item.path), ())),
            item.problem,
            store.owner_of(paths.downloads, item.path),
            item.aliases,
        )
        for item in found
    ]
    known = {file_key(item.path) for item in found}
    return listed + [_named(file, users[real], paths) for real, file in outside.items() if real not in known]


def with_references(catalog: Catalog, paths: Paths) -> Catalog:
    """Return the catalog with what hal0 itself fetched marked as that."""
    models = dict(catalog.models)
    for name, model in catalog.models.items():
        if model.file is None or not model.file.is_relative_to(paths.downloads):
            continue  # no mark is looked for where there cannot be one
        if (download := store.owner_of(paths.downloads, model.file)) is not None:
            models[name] = replace(model, fetched=download.reference)
    return replace(catalog, models=MappingProxyType(models))


def list_left_out(config: Config, paths: Paths) -> list[LeftOut]:
    """Return the GGUF files there that are no models."""
    return scan(with_downloads(config, paths).model_dirs).left_out


def find(
    name: str, models: Sequence[LocalModel], unfinished: Sequence[store.Download]
) -> LocalModel | store.Download:
    """Return what `name` means: an id, a name of hal0.yaml, `org/repo:quant`, or a path. Raises PullFailed."""
    wanted = name.casefold()
    for item in models:
        reference = item.download.reference.casefold() if item.download else None
        if name in (item.id, *item.aliases, *item.used_by, str(item.path)) or wanted == reference:
            return item
    for download in unfinished:
        if wanted == download.reference.casefold():
            return download
    hint = did_you_mean(name, [known for item in models for known in (item.id, *item.used_by)])
    raise PullFailed(f'There is no model "{name}" on this computer; `hal0 model ls` shows what there is.{hint}')


def remove(item: LocalModel | store.Download, paths: Paths) -> None:
    """Take what hal0 fetched away, all shards and its mmproj. Raises PullFailed."""
    download = item.download if isinstance(item, LocalModel) else item
    if download is None:
        assert isinstance(item, LocalModel)
        raise PullFailed(
            f"{item.id} was not fetched by hal0 ({item.origin}), so hal0 does not remove it: it lies at "
            f"{item.path}."
        )
    incoming = store.incoming_folder(paths.downloads, download.repo, download.label)
    try:
        if download.folder != store.filling(incoming):
            store.remove(download, paths.downloads)
            return
        with locked(incoming):
            store.remove(download, paths.downloads)
    except Locked:
        raise PullFailed(f"{download.reference} is being fetched right now: end that first.") from None
    except OSError as error:
        raise PullFailed(f"{download.folder} cannot be removed ({error.strerror}); try again.") from error


def _named(file: Path, users: Sequence[str], paths: Paths) -> LocalModel:
    size = file.stat().st_size if is_file(file) else 0
    problem = None if is_file(file) else f"{file} is not there."
    return LocalModel(users[0], file, size, _origin(file, paths), tuple(users), problem)


def _origin(file: Path, paths: Paths) -> str:
    download = store.owner_of(paths.downloads, file)
    if download is not None:
        return download.reference
    for other in program_folders():
        if file.is_relative_to(other.folder):
            return str(other.program)
    return str(file.parent)
