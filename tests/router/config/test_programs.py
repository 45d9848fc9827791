"""Where other programs keep their models."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
from pathlib import Path

import pytest

from router.base.paths import Paths
from router.config.default import default_model_dirs, usual_model_dirs, with_downloads
from router.config.programs import Program, ollama_setting, program_folders, readable
from router.config.schema import Config
from tests.homes import home_variables


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in home_variables(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return tmp_path


def places(environment: dict[str, str], program: Program) -> list[Path]:
    return [found.folder for found in program_folders(environment) if found.program is program]


def test_each_program_has_its_usual_place(home: Path) -> None:
    assert places({}, Program.HUGGING_FACE) == [home / ".cache" / "huggingface" / "hub"]
    assert places({}, Program.LM_STUDIO)[0] == home / ".lmstudio" / "models"
    assert places({}, Program.OLLAMA)[0] == home / ".ollama" / "models"
    assert len(places({}, Program.LLAMA_CPP)) == 1


@pytest.mark.parametrize(
    ("name", "program", "below"),
    [
        ("HF_HOME", Program.HUGGING_FACE, "hub"),
        ("HF_HUB_CACHE", Program.HUGGING_FACE, ""),
        ("LLAMA_CACHE", Program.LLAMA_CPP, ""),
        ("OLLAMA_MODELS", Program.OLLAMA, ""),
    ],
)
def test_a_place_that_was_chosen_wins(tmp_path: Path, name: str, program: Program, below: str) -> None:
    assert places({name: str(tmp_path / "x")}, program)[0] == tmp_path / "x" / below


def test_lm_studio_is_found_where_its_settings_say(home: Path) -> None:
    moved = home / "elsewhere"
    moved.mkdir()
    (home / ".lmstudio-home-pointer").write_text(f"{moved}\n")
    (moved / "settings.json").write_text(json.dumps({"downloadsFolder": str(home / "big disk")}))
    assert places({}, Program.LM_STUDIO)[:2] == [home / "big disk", moved / "models"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"downloadsFolder": 3}'])
def test_settings_that_say_nothing_change_nothing(home: Path, text: str) -> None:
    (home / ".lmstudio").mkdir()
    (home / ".lmstudio" / "settings.json").write_text(text)
    assert places({}, Program.LM_STUDIO)[0] == home / ".lmstudio" / "models"


def ollama_app(database: Path, models: str) -> None:
    database.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(database)) as made:
        made.execute("CREATE TABLE settings (id INTEGER PRIMARY KEY, models TEXT NOT NULL DEFAULT '')")
        made.execute("INSERT INTO settings (id, models) VALUES (1, ?)", (models,))
        made.commit()


def test_the_folder_chosen_in_ollamas_window_is_known(tmp_path: Path) -> None:
    database = tmp_path / "Ollama #1" / "db.sqlite"
    assert ollama_setting(database) is None
    ollama_app(database, str(tmp_path / "big disk"))
    assert ollama_setting(database) == tmp_path / "big disk"
    ollama_app(tmp_path / "unset", "")
    assert ollama_setting(tmp_path / "unset") is None
    (tmp_path / "damaged").write_bytes(b"no database")
    assert ollama_setting(tmp_path / "damaged") is None


@pytest.mark.skipif(sys.platform != "win32", reason="where its app keeps that on Windows")
def test_on_windows_it_is_looked_for_where_ollamas_app_keeps_it(home: Path) -> None:
    local = home / "AppData" / "Local"
    ollama_app(local / "Ollama" / "db.sqlite", str(home / "big disk"))
    found = places({"LOCALAPPDATA": str(local)}, Program.OLLAMA)
    assert found == [home / "big disk", home / ".ollama" / "models"]
    assert places({"LOCALAPPDATA": str(local)}, Program.LLAMA_CPP) == [local / "llama.cpp"]


def test_they_are_model_folders_unless_the_config_names_others(home: Path) -> None:
    paths = Paths(home / "hal0.yaml", home / "data", home / "state", home / "logs", home / "cache")
    assert default_model_dirs(paths) == ()
    for folder in (home / ".lmstudio" / "models", paths.downloads):
        folder.mkdir(parents=True)
    assert default_model_dirs(paths) == (home / ".lmstudio" / "models", paths.downloads)
    assert set(default_model_dirs(paths)) < set(usual_model_dirs(paths))


def test_own_downloads_are_looked_at_whatever_the_config_names(home: Path) -> None:
    paths = Paths(home / "hal0.yaml", home / "data", home / "state", home / "logs", home / "cache")
    written = Config(model_dirs=(home / "mine",))
    assert with_downloads(written, paths).model_dirs == (home / "mine",), "not before there are any"
    paths.downloads.mkdir(parents=True)
    assert with_downloads(written, paths).model_dirs == (home / "mine", paths.downloads)
    assert with_downloads(with_downloads(written, paths), paths) == with_downloads(written, paths)


def test_a_folder_that_may_not_be_entered_is_not_readable(tmp_path: Path) -> None:
    assert not readable(tmp_path / "none")
    assert not readable(Path(__file__) / "below a file")
    assert readable(tmp_path)
