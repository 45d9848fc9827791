"""What was measured of models, over restarts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.activity.speeds import MOST, Speeds


async def test_the_last_of_each_is_kept_for_the_launch_it_was_of(tmp_path: Path) -> None:
    file = tmp_path / "state" / "speeds.json"
    speeds = Speeds(file)
    speeds.load()
    await speeds.note("qwen", "one launch", 100.0, 10.0)
    await speeds.note("qwen", "one launch", 200.0, 20.0)
    again = Speeds(file)
    again.load()
    for known in (speeds, again):
        measured = known.of("qwen", "one launch")
        assert measured is not None and (measured.reads, measured.writes) == (200.0, 20.0)
        assert known.of("qwen", "another launch") is None and known.of("gemma", "one launch") is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}", '{"models": []}', '{"models": {"a": 1}}', '{"models": {"a": {"launch": "x"}}}'),
        '{"models": {"a": {"launch": "x", "measured": {"reads": -1, "writes": 2, "at": 3}}}}',
        '{"models": {"a": {"launch": "x", "measured": {"reads": NaN, "writes": 2, "at": 3}}}}',
    ],
)
async def test_a_damaged_file_is_none_and_written_anew(tmp_path: Path, text: str) -> None:
    file = tmp_path / "speeds.json"
    file.write_text(text)
    speeds = Speeds(file)
    speeds.load()
    assert speeds.of("a", "x") is None
    await speeds.note("a", "x", 1.0, 2.0)
    assert json.loads(file.read_text())["models"]["a"]["measured"]["writes"] == 2.0


async def test_those_measured_longest_ago_go_first(tmp_path: Path) -> None:
    speeds = Speeds(tmp_path / "speeds.json")
    known = {
        f"model-{number}": {"launch": "x", "measured": {"reads": 1, "writes": 1, "at": 1}}
        for number in range(MOST)
    }
    (tmp_path / "speeds.json").write_text(json.dumps({"models": known}))
    speeds.load()
    await speeds.note("new", "x", 1.0, 1.0)
    assert speeds.of("model-0", "x") is None and speeds.of("model-1", "x") and speeds.of("new", "x")


async def test_a_disk_that_cannot_be_written_loses_no_more_than_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    speeds = Speeds(tmp_path / "file" / "speeds.json")
    await speeds.note("a", "x", 1.0, 2.0)
    assert speeds.of("a", "x") is not None
