"""Files that are on this disk already: fetched by hal0 or by another program, and proven by their checksum."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from router.base.files import is_file
from router.catalog.ollama import blob_of, is_store
from router.config.programs import readable
from router.hub.file_download import OnBytes, sha256_of
from router.hub.names import RepoFile
from router.hub.retry import Retrier
from router.hub.store import gguf_files

log = logging.getLogger(__name__)


def find_copies(
    files: Sequence[RepoFile], folders: Iterable[Path], retrier: Retrier, on_check: OnBytes
) -> Mapping[RepoFile, Path]:
    """Which of `files` lie below `folders`, and where. Raises Paused.

    A name that is a checksum (Hugging Face's cache, Ollama) is believed; any other file of that size is read.
    """
    found: dict[RepoFile, Path] = {}
    for path, size in _candidates(files, [folder for folder in folders if readable(folder)]):
        for file in files:
            if file.size == size and file not in found and _is(path, file, retrier, on_check):
                found[file] = path
                break
    return found


def _candidates(files: Sequence[RepoFile], folders: Sequence[Path]) -> Iterator[tuple[Path, int]]:
    for store in filter(is_store, folders):
        blobs = (blob_of(store, file.sha256) for file in files if file.sha256)
        yield from ((blob, blob.stat().st_size) for blob in blobs if is_file(blob))
    for path in gguf_files(folders):
        try:
            yield path, path.stat().st_size
        except OSError:
            continue  # a link that leads nowhere


def _is(path: Path, file: RepoFile, retrier: Retrier, on_check: OnBytes) -> bool:
    if file.sha256 is None:
        return False
    if Path(os.path.realpath(path)).name.removeprefix("sha256-") == file.sha256:
        return True
    try:
        return sha256_of(path, retrier, on_check) == file.sha256
    except OSError as error:
        log.info("%s cannot be read (%s), so it is no copy of %s", path, error.strerror, file.name)
        return False
