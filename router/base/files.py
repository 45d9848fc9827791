"""Small file helpers: replacing whole files privately, and reading the end of long ones."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")

BUSY_SECONDS: Final = 2.0
TAIL_LINES: Final = 2000
TAIL_BYTES: Final = 512 * 1024
_RETRY_SECONDS: Final = 0.01


def write_atomic(path: Path, data: bytes) -> None:
    """Replace `path` in one step; a crash leaves the old file or the new one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # mkstemp makes the file 0600.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        replace(Path(name), path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def is_file(path: Path) -> bool:
    """Return whether a file is there; False also where nobody may look, of which `Path.is_file` complains."""
    try:
        return path.is_file()
    except OSError:
        return False


def file_key(path: Path | str) -> str:
    """Return what is the same for all spellings of a path, links resolved: on Windows in every case."""
    return os.path.normcase(os.path.realpath(path))


def is_dir(path: Path) -> bool:
    """Return whether it is a folder, as `is_file` does of files."""
    try:
        return path.is_dir()
    except OSError:
        return False


def tail(path: Path) -> list[str]:
    """Return the last lines of a text file, oldest first, `TAIL_LINES` and `TAIL_BYTES` at most; [] if there is
    no such file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    found = text.splitlines()
    return (found[1:] if size > TAIL_BYTES else found)[-TAIL_LINES:]


if sys.platform == "win32":

    def replace(source: Path, target: Path) -> None:
        """Put `source` in the place of `target`. Windows refuses while somebody has `target` open, be it hal0,
        an editor or a virus scanner, all of which close it again: it is tried for `BUSY_SECONDS`. Raises
        OSError."""
        _patiently(lambda: source.replace(target))

    def read(path: Path, most: int = -1) -> bytes:
        """Return the first `most` bytes of a file that may be replaced, all by default. Windows refuses in the
        very moment in which it is, and while an editor has it for itself: it is tried for `BUSY_SECONDS`.
        Raises OSError."""
        return _patiently(lambda: _read(path, most))

    def _patiently(act: Callable[[], T]) -> T:
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                return act()
            except PermissionError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_RETRY_SECONDS)

else:

    def replace(source: Path, target: Path) -> None:
        """Put `source` in the place of `target`. Raises OSError."""
        source.replace(target)

    def read(path: Path, most: int = -1) -> bytes:
        """Return the first `most` bytes of a file, all by default. Raises OSError."""
        return _read(path, most)


def _read(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)
