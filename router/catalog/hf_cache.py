"""Hugging Face's cache: `models--org--repo/snapshots/<commit>/` are versions, `refs/main` the one in use."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from router.base.files import is_dir

log = logging.getLogger(__name__)

SNAPSHOTS, REFS, MAIN = "snapshots", "refs", "main"
_COMMIT = 64  # bytes; a commit has 40


def newest_first(folder: Path, subfolders: Sequence[str]) -> list[str]:
    """Return the subfolders of `folder` in the order their models are named: by name, but of a repository's
    versions first the one that programs get now: `refs/main`, or where that leads nowhere, the newest on this
    disk."""
    names = sorted(subfolders)
    if folder.name != SNAPSHOTS or not is_dir(folder.parent / REFS) or len(names) < 2:
        return names
    current = _main(folder.parent / REFS / MAIN)
    if current not in names:
        log.info("%s: refs/main is not here, so the newest of %d versions has its names", folder, len(names))
        current = max(names, key=lambda name: _modified(folder / name))
    return [current, *(name for name in names if name != current)]


def _main(ref: Path) -> str:
    try:
        if not ref.is_file():  # opening a FIFO would wait for a writer
            return ""
        with ref.open("rb") as file:
            return file.read(_COMMIT).decode(errors="replace").strip()
    except OSError as error:
        log.warning("%s cannot be read: %s", ref, error.strerror)
        return ""


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
