from __future__ import annotations

import sys
from pathlib import Path

import pytest

from router.engine.probe import EngineVersion, NotAnEngine, parse_version, probe
from tests.router.engine.fake_engines import make_engine

NOT_THERE = "cannot find the file|File not found" if sys.platform == "win32" else "No such file"


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("version: 0.7.0 (build 11669, commit Debian)\nbuilt with GNU", ("0.7.0 (build 11669)", 11669)),
        ("load_backend: loaded CPU\nversion: 6150 (a0f7016d)\n", ("build 6150", 6150)),
        ("version: 0.9.1 (unknown)", ("0.9.1", None)),
        ("GNU bash, version 5.2", None),
        ("", None),
    ],
)
def test_versions_of_old_and_new_builds_are_read(output: str, version: tuple[str, int | None] | None) -> None:
    assert parse_version(output) == (EngineVersion(*version) if version else None)


def test_llama_arg_variables_do_not_reach_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMA_ARG_PORT", "nonsense")
    assert probe([make_engine(tmp_path / "llama-server")]).build == 11669


def test_what_does_not_run_is_told_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(NotAnEngine, match=NOT_THERE):
        probe([tmp_path / "missing"])
    with pytest.raises(NotAnEngine, match=r"code 3: version: 0\.7\.0"):
        probe([make_engine(tmp_path / "broken", code=3)])
    with pytest.raises(NotAnEngine, match="no version"):
        probe([sys.executable, "-c", "pass"])
