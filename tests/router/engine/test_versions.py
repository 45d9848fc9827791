"""Several llama-servers side by side."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.base.errors import InstallFailed
from router.base.paths import Paths
from router.config.schema import EngineConfig
from router.engine.find import EngineSource, find_engine
from router.engine.install.publish import _publish
from router.engine.store import SERVER_NAME, locked, new_partial
from router.engine.versions import folder_of, remove_engine, roll_back, use_engine
from tests.router.engine.fake_engines import installed, make_engine, paths_in

AUTO = EngineConfig()


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """Two installs: release-b8 is the newer."""
    monkeypatch.delenv("HAL0_LLAMA_SERVER", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    made = paths_in(tmp_path)
    installed(made, "release-b7", 7, age=70)
    installed(made, "release-b8", 8, age=80)
    return made


def in_use(paths: Paths) -> str | None:
    return folder_of(find_engine(AUTO, paths))


@pytest.mark.parametrize("version", ["release-b7", "7", "b7", "0.7.0 (build 7)"])
def test_an_install_is_chosen_by_any_of_its_names(paths: Paths, version: str) -> None:
    assert in_use(paths) == "release-b8"
    assert use_engine(version, AUTO, paths).build == 7
    assert in_use(paths) == "release-b7"
    assert use_engine("auto", AUTO, paths).build == 8


def test_rolling_back_goes_to_the_one_before_and_again_forward(paths: Paths) -> None:
    use_engine("7", AUTO, paths)
    assert [roll_back(AUTO, paths).build for _ in range(3)] == [8, 7, 8]


def test_an_install_is_rolled_back(paths: Paths) -> None:
    partial = new_partial(paths.data / "engines")
    make_engine(partial / "bin" / SERVER_NAME, "0.8.0 (build 9, commit x)")
    _publish(partial, paths.data / "engines" / "release-b9")
    assert in_use(paths) == "release-b9"
    assert roll_back(AUTO, paths).build == 8
    assert in_use(paths) == "release-b8"


def test_without_an_earlier_one_there_is_no_way_back(paths: Paths) -> None:
    with pytest.raises(InstallFailed, match="no earlier llama-server to go back to"):
        roll_back(AUTO, paths)


def test_an_unknown_one_lists_what_there_is(paths: Paths) -> None:
    with pytest.raises(InstallFailed, match="no llama-server 9; there are: release-b8, release-b7"):
        use_engine("9", AUTO, paths)
    with pytest.raises(InstallFailed, match="several installs; name one of"):
        use_engine("0.7.0", AUTO, paths)
    assert in_use(paths) == "release-b8"


def test_what_was_chosen_goes_before_path_and_a_setting_before_both(paths: Paths, tmp_path: Path) -> None:
    make_engine(tmp_path / "path" / SERVER_NAME, "0.7.0 (build 99, commit x)")
    assert find_engine(AUTO, paths).source is EngineSource.PATH
    assert use_engine("7", AUTO, paths).build == 7
    named = EngineConfig(llama_server=make_engine(tmp_path / "named", "0.7.0 (build 55, commit x)"))
    assert use_engine("8", named, paths).build == 55
    assert use_engine("auto", AUTO, paths).build == 99


def test_only_what_nobody_uses_is_removed(paths: Paths) -> None:
    with pytest.raises(InstallFailed, match="release-b8 is the llama-server in use"):
        remove_engine("8", AUTO, paths)
    assert remove_engine("7", AUTO, paths) == paths.data / "engines" / "release-b7"
    assert sorted(f.name for f in (paths.data / "engines").iterdir()) == [".lock", "release-b8"]


@pytest.fixture
def running(paths: Paths) -> Iterator[subprocess.Popen[bytes]]:
    """A process of release-b7's own executable."""
    server = paths.data / "engines" / "release-b7" / "bin" / SERVER_NAME
    if sys.platform != "win32":  # there it waits by itself
        version = 'case "$1" in --version) echo "version: 0.7.0 (build 7, commit x)"; exit 0;; esac'
        server.write_text(f"#!/bin/sh\n{version}\nread line\n")
    with subprocess.Popen([server], stdin=subprocess.PIPE) as process:
        yield process
        process.communicate(b"\n")


def test_one_that_runs_is_not_removed(paths: Paths, running: subprocess.Popen[bytes]) -> None:
    assert running.poll() is None
    with pytest.raises(InstallFailed, match="release-b7 serves a slot right now"):
        remove_engine("release-b7", AUTO, paths)
    assert use_engine("auto", AUTO, paths).build == 8


def test_while_one_is_installed_nothing_is_changed(paths: Paths) -> None:
    with locked(paths.data / "engines"), pytest.raises(InstallFailed, match="installing an engine right now"):
        use_engine("7", AUTO, paths)
    assert in_use(paths) == "release-b8"
