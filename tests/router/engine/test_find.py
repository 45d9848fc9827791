from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from router.base.errors import EngineMissing
from router.base.paths import Paths
from router.config.schema import EngineConfig
from router.engine.find import EngineSource, engine_problem, find_engine, list_engines
from router.engine.store import SERVER_NAME
from tests.router.engine.fake_engines import installed, make_engine, paths_in

AUTO = EngineConfig()


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """Nothing to be found: no variable, no engine on PATH, an empty data folder."""
    monkeypatch.delenv("HAL0_LLAMA_SERVER", raising=False)
    (tmp_path / "path").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return paths_in(tmp_path)


def test_every_place_is_looked_at_in_order(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = EngineConfig(llama_server=make_engine(tmp_path / "mine"))
    env = make_engine(tmp_path / "env")
    monkeypatch.setenv("HAL0_LLAMA_SERVER", str(env))
    on_path = make_engine(tmp_path / "path" / SERVER_NAME)
    data = installed(paths, "release-b1", 1, age=5)
    bundled = make_engine(tmp_path / "app" / "engine" / SERVER_NAME)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "app" / "hal0"))

    found = [(b.source, b.path) for b in list_engines(config, paths)]

    assert found == [
        (EngineSource.CONFIG, config.llama_server),
        (EngineSource.ENV, env),
        (EngineSource.PATH, on_path),
        (EngineSource.DATA, data),
        (EngineSource.BUNDLED, bundled),
    ]
    assert find_engine(config, paths).source is EngineSource.CONFIG
    assert find_engine(AUTO, paths).source is EngineSource.ENV
    monkeypatch.delenv("HAL0_LLAMA_SERVER")
    assert find_engine(AUTO, paths).source is EngineSource.PATH
    on_path.unlink()
    best = find_engine(AUTO, paths)
    assert (best.source, best.version, best.build) == (EngineSource.DATA, "0.7.0 (build 1)", 1)
    data.unlink()
    assert find_engine(AUTO, paths).source is EngineSource.BUNDLED


def test_a_named_engine_that_does_not_run_is_an_error(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_engine(tmp_path / "path" / SERVER_NAME)
    with pytest.raises(EngineMissing, match=r"engine\.llama_server in hal0\.yaml names .*[/\\]gone"):
        find_engine(EngineConfig(llama_server=tmp_path / "gone"), paths)
    monkeypatch.setenv("HAL0_LLAMA_SERVER", str(make_engine(tmp_path / "broken", code=1)))
    with pytest.raises(EngineMissing, match=r"HAL0_LLAMA_SERVER names .*[/\\]broken.*code 1"):
        find_engine(AUTO, paths)
    assert [b.source for b in list_engines(AUTO, paths)] == [EngineSource.PATH]


def test_what_installing_would_mend_is_told_apart(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = engine_problem(AUTO, paths)
    assert missing is not None and missing.installable
    assert missing.sentence.startswith("No llama-server was found")
    named = engine_problem(EngineConfig(llama_server=tmp_path / "gone"), paths)
    assert named is not None and not named.installable
    monkeypatch.setenv("HAL0_LLAMA_SERVER", str(tmp_path / "gone"))
    from_environment = engine_problem(AUTO, paths)
    assert from_environment is not None and not from_environment.installable
    monkeypatch.delenv("HAL0_LLAMA_SERVER")
    installed(paths, "release-b5", 5, age=50)
    assert engine_problem(AUTO, paths) is None


def test_an_unnamed_engine_that_does_not_run_is_passed_over(paths: Paths, tmp_path: Path) -> None:
    make_engine(tmp_path / "path" / SERVER_NAME, code=127)
    installed(paths, "release-b9", 9, age=90, code=1)
    working = installed(paths, "release-b5", 5, age=50)
    assert find_engine(AUTO, paths).path == working


def test_the_newest_install_counts_unless_current_names_another(paths: Paths) -> None:
    for name, build, age in (("release-b7", 7, 70), ("debian-8", 8, 80), ("pypi-6", 6, 60)):
        installed(paths, name, build, age=age)
    assert [b.build for b in list_engines(AUTO, paths)] == [8, 7, 6]
    current = paths.data / "engines" / "current"
    current.write_text("pypi-6\n")
    assert [b.build for b in list_engines(AUTO, paths)] == [6, 8, 7]
    current.write_text("no-longer-there")
    assert find_engine(AUTO, paths).build == 8


def test_half_made_installs_are_not_found_and_go_away(paths: Paths) -> None:
    partial = installed(paths, ".partial-killed", 1, age=1)
    with pytest.raises(EngineMissing, match="hal0 engine install"):
        find_engine(AUTO, paths)
    assert not partial.exists()
