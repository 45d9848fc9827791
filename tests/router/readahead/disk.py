"""Real files on the disk, in the page cache or not."""

from __future__ import annotations

import os
from pathlib import Path

from router.platforms import current as platform
from router.readahead.plan import BLOCK


def make_file(path: Path, blocks: int, beyond: int = 0) -> Path:
    """`blocks` times BLOCK bytes and some `beyond`, written out and not cached."""
    with path.open("wb") as file:
        for number in range(blocks):
            file.write(bytes([number % 256]) * BLOCK)
        file.write(b"x" * beyond)
        file.flush()
        os.fsync(file.fileno())
    drop(path)
    return path


def drop(path: Path) -> None:
    """Take the file out of the page cache."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cached(path: Path) -> list[int]:
    """The numbers of the blocks that are in the page cache."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        missing = platform.missing_blocks(file.fileno(), size, BLOCK)
    return [number for number, absent in enumerate(missing) if not absent]
