"""Where hal0 keeps things."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from router.base.paths import Paths
from tests.homes import home_variables

only_windows = pytest.mark.skipif(sys.platform != "win32", reason="Windows' folders")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in home_variables(tmp_path).items():
        monkeypatch.setenv(name, value)
    for name in ("HAL0_CONFIG", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@only_windows
def test_windows_takes_settings_along_and_leaves_models_where_they_are(home: Path) -> None:
    local = home / "AppData" / "Local" / "hal0"
    paths = Paths.for_user()
    assert paths.config_file == home / "AppData" / "Roaming" / "hal0" / "hal0.yaml"
    assert paths.downloads == local / "models"
    assert {paths.data, paths.state, paths.logs.parent, paths.cache.parent} == {local}


@only_windows
def test_settings_where_they_used_to_be_are_still_found(home: Path) -> None:
    old = home / "AppData" / "Local" / "hal0" / "hal0.yaml"
    old.parent.mkdir(parents=True)
    old.write_text("slots: {}\n")
    assert Paths.for_user().config_file == old
    old.unlink()
    assert Paths.for_user().config_file != old


@pytest.mark.skipif(sys.platform != "linux", reason="the XDG folders")
def test_linux_has_each_in_its_folder(home: Path) -> None:
    paths = Paths.for_user()
    assert paths.config_file == home / ".config" / "hal0" / "hal0.yaml"
    assert (paths.data, paths.cache) == (home / ".local" / "share" / "hal0", home / ".cache" / "hal0")


def test_a_named_config_wins_and_moves_nothing_else(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Paths.for_user()
    monkeypatch.setenv("HAL0_CONFIG", str(home / "other.yaml"))
    assert Paths.for_user().config_file == home / "other.yaml"
    named = Paths.for_user(home / "third.yaml")
    assert (named.config_file, named.data) == (home / "third.yaml", usual.data)
