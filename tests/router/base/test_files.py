"""Files that are either whole or not there."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from router.base.files import read, write_atomic


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_and_its_folders_are_private(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.json"
    write_atomic(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert mode(path) == 0o600 and mode(path.parent) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_an_old_file_is_replaced_and_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old and longer")
    path.chmod(0o644)
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new" and mode(path) == 0o600


def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(TypeError):
        write_atomic(path, cast(Any, "no bytes"))
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        write_atomic(tmp_path / "file" / "below", b"data")


DIES = """
import os, sys
from pathlib import Path
from router.base.files import write_atomic
os.fsync = lambda _handle: os.kill(os.getpid(), int(sys.argv[2]))
write_atomic(Path(sys.argv[1]), b"new" * 100_000)
"""


def test_a_process_that_is_killed_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    kill = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows ends a process by either, with it as exit code
    done = subprocess.run([sys.executable, "-c", DIES, str(path), str(int(kill))], timeout=30)
    assert abs(done.returncode) == kill
    assert path.read_bytes() == b"old"


def test_whoever_reads_meanwhile_sees_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    versions = [bytes([letter]) * 50_000 for letter in b"ab"]
    write_atomic(path, versions[0])
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for version in versions:
                write_atomic(path, version)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(300):
            assert read(path) in versions
    finally:
        stop.set()
        writer.join()


def test_a_file_that_somebody_has_open_is_replaced_once_they_close_it(tmp_path: Path) -> None:
    """Windows refuses to replace an open file: a virus scanner or an editor may have it for a moment."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    writer = threading.Thread(target=write_atomic, args=(path, b"new"))
    with path.open("rb") as reader:
        writer.start()
        while not list(tmp_path.glob(".file.*")) and writer.is_alive():
            threading.Event().wait(0.001)
        assert reader.read() == b"old"
    writer.join()
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]
