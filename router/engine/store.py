"""The folder of installed engines: what lies in it, which one counts, and what half-made installs leave.

`<data>/engines/<source>-<version>/bin/llama-server` is an engine. `current`, if it exists, is a file that
names the folder to prefer, because a person chose it; `previous` names the one that counted before the last
change. `.partial-*` is an install in progress; whoever holds `.lock` owns them all, so
with the lock in hand every one of them is rubbish.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from router.base.files import write_atomic

SERVER_NAME = "llama-server.exe" if sys.platform == "win32" else "llama-server"
CURRENT = "current"
PREVIOUS = "previous"
_PARTIAL = ".partial-"
_LOCK = ".lock"


class Locked(Exception):
    """Another process (or another install in this one) holds the lock."""


def engines_folder(data: Path) -> Path:
    """Return where engines are installed, below hal0's data folder."""
    return data / "engines"


def server_in(folder: Path) -> Path:
    """Return the executable of the engine installed in `folder`."""
    return folder / "bin" / SERVER_NAME


def installed_servers(engines: Path) -> list[Path]:
    """Return executables of all finished installs: the one `current` names, then the newest install first."""
    if not engines.is_dir():
        return []
    finished = [f for f in engines.iterdir() if not f.name.startswith(".") and server_in(f).is_file()]
    current = _read(engines / CURRENT)
    finished.sort(key=lambda f: (f.name == current, f.stat().st_mtime_ns, f.name), reverse=True)
    return [server_in(folder) for folder in finished]


def chosen_server(engines: Path) -> Path | None:
    """Return the executable of the install that a person chose, if it is still there."""
    name = _read(engines / CURRENT)
    server = server_in(engines / name)
    return server if name and Path(name).name == name and server.is_file() else None


def previous_folder(engines: Path) -> Path | None:
    """Return the install that counted before the last change, if it is still there."""
    name = _read(engines / PREVIOUS)
    folder = engines / name
    return folder if name and Path(name).name == name and server_in(folder).is_file() else None


def remember(engines: Path, next_name: str) -> None:
    """Note which install counts, before the one called `next_name` does."""
    servers = installed_servers(engines)
    counts = servers[0].parents[1].name if servers else next_name
    if counts != next_name:
        write_atomic(engines / PREVIOUS, f"{counts}\n".encode())


def choose(engines: Path, name: str | None) -> None:
    """Prefer the install called `name` from now on; None: the newest. With the lock held. Raises OSError."""
    servers = [
        server for server in installed_servers(engines) if server.parents[1].name != _read(engines / CURRENT)
    ]
    following = name or (servers[0].parents[1].name if servers else "")
    remember(engines, following)
    if name is None:
        (engines / CURRENT).unlink(missing_ok=True)
    else:
        write_atomic(engines / CURRENT, f"{name}\n".encode())


def new_partial(engines: Path) -> Path:
    """Return an empty private folder on the same volume as the finished install, so a rename can finish it."""
    engines.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=engines))


def aside(folder: Path) -> Path:
    """Return an unused name beside `folder` that the next clean-up removes."""
    path = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=folder.parent))
    path.rmdir()
    return path


def remove_partials(engines: Path) -> None:
    """Remove half-made installs, with the lock held. What cannot be removed now (Windows, a file in use) goes
    the next time."""
    for folder in _partials(engines):
        shutil.rmtree(folder, ignore_errors=True)


def sweep(engines: Path) -> None:
    """Remove what killed installs left behind, unless one is running."""
    if not _partials(engines):
        return
    try:
        with locked(engines):
            remove_partials(engines)
    except (Locked, OSError):
        # Somebody is installing, or the folder is read-only: looking for an engine must work all the same.
        return


@contextmanager
def locked(engines: Path) -> Iterator[None]:
    """Hold the install lock; the system frees it however the holder ends. Raises Locked."""
    engines.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (engines / _LOCK).open("ab") as file:
        _lock(file)
        yield


def _partials(engines: Path) -> list[Path]:
    return list(engines.glob(f"{_PARTIAL}*")) if engines.is_dir() else []


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace").strip() if file.is_file() else ""


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            raise Locked from None

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked from None
