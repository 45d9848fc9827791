from __future__ import annotations

import sys
from pathlib import Path

import pytest

from router.engine.store import Locked, locked, new_partial, sweep


def test_the_partial_folder_of_a_running_install_is_left_alone(tmp_path: Path) -> None:
    with locked(tmp_path):
        partial = new_partial(tmp_path)
        sweep(tmp_path)
        assert partial.is_dir()
    sweep(tmp_path)
    assert not partial.exists()


def test_the_lock_is_held_by_one(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(Locked), locked(tmp_path):
        pytest.fail("two held the lock")
    with locked(tmp_path):
        assert (tmp_path / ".lock").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="access lists, not bits")
def test_a_partial_folder_is_private(tmp_path: Path) -> None:
    assert new_partial(tmp_path / "engines").stat().st_mode & 0o077 == 0
