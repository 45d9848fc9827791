"""Which repository of a hub a file was fetched from, and which of its versions is the one in use.

In Hugging Face's cache `models--org--repo/snapshots/<commit>/` are versions, and `refs/main` names the one in
use. Programs that fetch models call them `org/repo:quantisation` (llama-server's `-hf` and router mode, hal0's
own `model pull`), so clients that were set up for those ask for that name.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from router.base.files import is_dir

log = logging.getLogger(__name__)

SNAPSHOTS, REFS, MAIN = "snapshots", "refs", "main"
_COMMIT = 64  # bytes; a commit has 40
_REPO = "models--"
_LMSTUDIO = {".lmstudio", "lm-studio"}  # both have `models/org/repo/file`


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


def repository(path: Path, label: str | None) -> str | None:
    """`org/repo` that the model at `path` was fetched from, as far as its folders say so. `label`: of its
    quantisation, in capitals; hal0's own downloads lie in `org/repo/label/`."""
    folders = path.parts[:-1]
    if SNAPSHOTS in folders:
        cached = folders[folders.index(SNAPSHOTS) - 1]
        org, _dashes, repo = cached.removeprefix(_REPO).partition("--")
        return f"{org}/{repo}" if cached.startswith(_REPO) and repo else None
    if len(folders) > 3 and label is not None and folders[-1].upper() == label:
        return "/".join(folders[-3:-1])
    if len(folders) > 4 and folders[-3] == "models" and folders[-4] in _LMSTUDIO:
        return "/".join(folders[-2:])
    return None
