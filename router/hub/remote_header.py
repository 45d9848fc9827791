"""A model's header before the model is here: the first megabytes of the file, asked for as they are read."""

from __future__ import annotations

import io
from pathlib import Path
from typing import cast

from router.catalog.gguf import read_header_from
from router.catalog.header import GgufHeader
from router.hub.api import Hub, Repository
from router.hub.names import RepoFile
from router.hub.retry import Retrier

AHEAD = 4 << 20
"""Bytes of one request: a vocabulary of 150,000 tokens takes two or three."""


def read_remote_header(hub: Hub, repository: Repository, file: RepoFile, retrier: Retrier) -> GgufHeader:
    """Return the header of the GGUF `file`. Raises BadModel, PullFailed, Paused."""
    raw = _RangeFile(hub, repository, file, retrier)
    with io.BufferedReader(raw, min(AHEAD, max(file.size, 1))) as reader:
        return read_header_from(reader, Path(file.name), file.size)


class _RangeFile(io.RawIOBase):
    def __init__(self, hub: Hub, repository: Repository, file: RepoFile, retrier: Retrier) -> None:
        self._hub, self._repository, self._file, self._retrier = hub, repository, file, retrier
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        start, end = self._at, min(self._at + len(view), self._file.size)
        if start >= end:
            return 0
        data = self._retrier.call(lambda: self._fetch(start, end))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _fetch(self, start: int, end: int) -> bytes:
        repository, wanted = self._repository, bytearray()
        with self._hub.stream(repository.repo, repository.commit, self._file.path, start, end) as stream:
            for chunk in stream.chunks:
                wanted += chunk
                if stream.start + len(wanted) >= end:  # a server that ignores ranges would send it all
                    break
        return bytes(wanted[start - stream.start : end - stream.start])
