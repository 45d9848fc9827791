"""One file of a model, fetched so that it can be stopped and gone on with at any byte, and proven whole."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Protocol

from router.base.errors import PullFailed
from router.hub.api import Repository, Stream
from router.hub.names import RepoFile
from router.hub.retry import Retrier, TemporaryFailure

PART: Final = ".part"
SEGMENT: Final = 8 << 30
"""Bytes of one request: content networks refuse to send files above some 50 GB in one."""

_READ: Final = 4 << 20
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)

OnBytes = Callable[[int], None]
"""Is told how many bytes of the file are there."""


class _Digest(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


class Source(Protocol):
    """Who has the files; `stream` as of router.hub.api.Hub."""

    def stream(
        self, repo: str, commit: str, path: str, start: int, end: int, /
    ) -> AbstractContextManager[Stream]: ...


def part_path(folder: Path, file: RepoFile) -> Path:
    """Return where a file lies while it comes. Another version of the file has another name."""
    return folder / f"{file.name}.{(file.sha256 or str(file.size))[:12]}{PART}"


def bytes_present(folder: Path, file: RepoFile) -> int:
    """Return bytes of the file that are there from before."""
    for path in (folder / file.name, part_path(folder, file)):
        if path.is_file():
            return min(path.stat().st_size, file.size)
    return 0


def fetch(
    hub: Source,
    repository: Repository,
    file: RepoFile,
    folder: Path,
    retrier: Retrier,
    on_bytes: OnBytes,
    on_check: OnBytes,
) -> Path:
    """Fetch `file` into `folder`, from where an earlier try stopped; it has its name only once it is proven.

    Raises PullFailed (with its part kept, unless its checksum is wrong) and Paused.
    """
    final = folder / file.name
    if final.is_file():
        return final
    part = part_path(folder, file)
    try:
        digest, done = _what_is_there(part, file, retrier, on_check)
        download = _Download(hub, repository, file, part, retrier, on_bytes)
        digest = download.run(digest, done)
        _prove(file, part, digest.hexdigest())
        part.replace(final)
    except OSError as error:
        raise disk_failed(error, folder) from error
    return final


def sha256_of(path: Path, retrier: Retrier, on_check: OnBytes) -> str:
    """Hash a file. Raises OSError, Paused."""
    digest = hashlib.sha256()
    _hash(path, digest, retrier, on_check)
    return digest.hexdigest()


def disk_failed(error: OSError, folder: Path) -> PullFailed:
    """Return what to tell of a disk that cannot take the file."""
    if error.errno in _FULL:
        return PullFailed(
            f"The disk with {folder} is full: make room and pull again; it continues where it stopped."
        )
    return PullFailed(
        f"{error.filename or folder} cannot be used ({error.strerror or error}); pull again then."
    )


def _what_is_there(part: Path, file: RepoFile, retrier: Retrier, on_check: OnBytes) -> tuple[_Digest, int]:
    digest = hashlib.sha256()
    if not part.is_file():
        return digest, 0
    if part.stat().st_size > file.size:
        part.unlink()
        return digest, 0
    return digest, _hash(part, digest, retrier, on_check)


def _hash(path: Path, digest: _Digest, retrier: Retrier, on_check: OnBytes) -> int:
    done = 0
    with path.open("rb") as opened:
        while data := opened.read(_READ):
            retrier.check()
            digest.update(data)
            done += len(data)
            on_check(done)
    return done


def _prove(file: RepoFile, part: Path, actual: str) -> None:
    if file.sha256 is None or actual == file.sha256:
        return
    part.unlink()
    raise PullFailed(
        f"{file.name} is not what its checksum promises, so it was thrown away: pull again, and check the "
        "network or any proxy if it happens again."
    )


class _Download:
    def __init__(
        self,
        hub: Source,
        repository: Repository,
        file: RepoFile,
        part: Path,
        retrier: Retrier,
        on_bytes: OnBytes,
    ) -> None:
        self._hub, self._repository, self._file, self._part = hub, repository, file, part
        self._retrier, self._on_bytes = retrier, on_bytes
        self._digest: _Digest = hashlib.sha256()
        self._done = 0

    def run(self, digest: _Digest, done: int) -> _Digest:
        """Fetch what is missing after the first `done` bytes, of which `digest` is; returns that of all."""
        self._digest, self._done = digest, done
        while self._done < self._file.size:
            self._retrier.check()
            try:
                self._fetch_some()
            except TemporaryFailure as broke:
                self._retrier.wait(broke)
        if self._done == 0:
            self._part.touch(mode=0o600)
        return self._digest

    def _fetch_some(self) -> None:
        end = min(self._done + SEGMENT, self._file.size)
        repository = self._repository
        # Unbuffered: whatever ends hal0, what was written is there the next time.
        with (
            self._hub.stream(repository.repo, repository.commit, self._file.path, self._done, end) as stream,
            open(self._part, "ab", buffering=0, opener=_private) as opened,
        ):
            if stream.start != self._done:
                opened.truncate(0)
                self._digest, self._done, end = hashlib.sha256(), 0, self._file.size
            for chunk in stream.chunks:
                self._retrier.check()
                if self._done + len(chunk) > end:
                    raise TemporaryFailure(
                        f"The server sends more of {self._file.name} than it has; try again."
                    )
                self._write(opened.write, chunk)
            os.fsync(opened.fileno())
        if self._done < end:
            raise TemporaryFailure(f"The connection ended before {self._file.name} was whole; try again.")

    def _write(self, write: Callable[[memoryview], int | None], chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:  # a disk that gets full takes a part of it
            taken = write(view) or 0
            self._digest.update(view[:taken])
            self._done += taken
            view = view[taken:]
        self._retrier.progressed()
        self._on_bytes(self._done)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
