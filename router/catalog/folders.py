"""Has anything changed where models lie? Cheaper than a scan, so that it can be asked every few seconds.

A folder's time changes with each file that comes or goes, and not with one that is written anew where it lies.
So models' files are looked at themselves: at once where a scan found something wrong with them, as a download
under way grows; the others, which may be in use, when they have not changed for a while. Blocking: call in a
thread.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable
from pathlib import Path

from router.base.files import file_key
from router.catalog.models import Catalog
from router.catalog.ollama import MANIFESTS
from router.catalog.repositories import MAIN, REFS
from router.catalog.scan import NOT_ENTERED
from router.config.schema import Config

Stamps = dict[Path, tuple[int, int] | None]


class FolderWatch:
    """Make it before the scan and tell it what that found: no change in between is missed."""

    def __init__(self, config: Config, also: Collection[Path] = ()) -> None:
        """`also`: folders that would be model folders if they were there."""
        folders, files = _walk(config.model_dirs)
        self._folders = folders | set(also) | _named_places(config)
        self._stamps = _look(self._folders | files)

        self._used: Stamps = {}
        self._before: Stamps = {}

    def found(self, catalog: Catalog) -> None:
        """Keep an eye on what a scan could not use, and on what engines read."""
        damaged = {model.file for model in catalog.models.values() if model.problem and model.file}
        self._stamps = {p: s for p, s in self._stamps.items() if p in self._folders or p in damaged}
        self._stamps |= _look(damaged - self._stamps.keys())
        read = (look for model in catalog.models.values() for look in model.files)
        self._used = {Path(p): None if size < 0 else (changed, size) for p, size, changed in read}
        self._stamps = {path: stamp for path, stamp in self._stamps.items() if path not in self._used}
        self._before = dict(self._used)

    def changed(self) -> bool:
        """Return whether something differs from what was found. A file that engines read, and that is being
        written, differs when it was the same at the call before."""
        before, self._before = self._before, _look(self._used)
        settled = {path for path, stamp in self._before.items() if before[path] == stamp}
        if any(self._before[path] != self._used[path] for path in settled):
            return True
        return _look(self._stamps) != self._stamps


def _look(paths: Iterable[Path]) -> Stamps:
    return {path: _stamp(path) for path in paths}


def _stamp(path: Path) -> tuple[int, int] | None:
    """(mtime in ns, inode or for a file its size); None if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino if stat.S_ISDIR(status.st_mode) else status.st_size


def _walk(tops: Iterable[Path]) -> tuple[set[Path], set[Path]]:
    """Return every folder and every GGUF file below `tops`; links are followed, each real folder once."""
    folders: set[Path] = set()
    files: set[Path] = set()
    entered: set[str] = set()
    for top in tops:
        for folder, subfolders, names in os.walk(top.expanduser().absolute(), followlinks=True):
            real = file_key(folder)
            subfolders[:] = [] if real in entered else [n for n in subfolders if not n.startswith(NOT_ENTERED)]
            entered.add(real)
            folders.add(Path(folder))
            folders |= _rewritten(Path(folder), names)
            files |= {Path(folder, name) for name in names if name.lower().endswith(".gguf")}
        folders.add(top.expanduser().absolute())
    return folders, files


def _rewritten(folder: Path, names: Collection[str]) -> set[Path]:
    """Return files that say what is a model, and are written anew where they lie: their folder does not
    tell."""
    if folder.name == REFS:  # Hugging Face's cache
        return {folder / MAIN} & {folder / name for name in names}
    return {folder / name for name in names} if MANIFESTS in folder.parts else set()


def _named_places(config: Config) -> set[Path]:
    """Return the files that the config names by their whole path: they may lie outside every model folder."""
    written = (Path(os.path.expanduser(model.file)) for model in config.models.values())  # noqa: PTH111
    return {path for path in written if path.is_absolute()}
