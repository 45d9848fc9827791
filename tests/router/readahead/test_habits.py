"""What is remembered of slots: private, and no trouble when it is damaged."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from router.readahead.habits import HabitsFile
from router.readahead.predict import KEPT, Asked


def test_what_is_saved_is_loaded_and_is_private(tmp_path: Path) -> None:
    file = HabitsFile(tmp_path / "state" / "habits.json")
    assert file.load() == {}
    habits = {"primary": (Asked("alpha", 1.5, 9), Asked("bé/ta", 2.0, 23)), "other": ()}
    file.save(habits)
    assert file.load() == habits
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "state" / "habits.json").stat().st_mode) == 0o600
    file.forget()
    file.forget()
    assert file.load() == {} and list((tmp_path / "state").iterdir()) == []


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    file = HabitsFile(tmp_path / "habits.json")
    file.save({"primary": [Asked("ab"[n % 2], float(n), 0) for n in range(KEPT + 50)]})
    assert [one.at for one in file.load()["primary"]] == [float(n) for n in range(50, KEPT + 50)]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"slots": 1}', '{"slots": {"a": 1}}', '{"slots": {"a": [["m", 1, 24]]}}', "[" * 100_000],
)
def test_a_damaged_file_is_learnt_anew(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "habits.json").write_text(text)
    assert HabitsFile(tmp_path / "habits.json").load() == {}
    assert "learnt anew" in caplog.text


def test_a_disk_that_refuses_is_told_and_no_more(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "no-folder").write_text("")
    HabitsFile(tmp_path / "no-folder" / "habits.json").save({})
    assert "could not be saved" in caplog.text
