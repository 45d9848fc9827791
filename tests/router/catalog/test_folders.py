"""What counts as a change where models lie."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import pytest

from router.catalog.folders import FolderWatch
from router.catalog.model import Model
from router.catalog.models import Catalog, build_catalog
from router.config.schema import Config, Kind, ModelConfig
from tests.router.catalog.files import write_gguf


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    models = tmp_path / "models"
    (models / "sub").mkdir(parents=True)
    (models / "good.gguf").write_bytes(b"good")
    (models / "sub" / "bad.gguf").write_bytes(b"bad")
    (models / "sub" / "loop").symlink_to(models)
    return models


def watch(folder: Path, **more: ModelConfig) -> FolderWatch:
    made = FolderWatch(Config(model_dirs=(folder,), models=more), also=[folder.parent / "usual"])
    bad = Model("bad", Kind.CHAT, "bad", file=folder / "sub" / "bad.gguf", problem="It is damaged.")
    good = Model("good", Kind.CHAT, "good", file=folder / "good.gguf")
    made.found(Catalog(MappingProxyType({"bad": bad, "good": good})))
    assert not made.changed()
    return made


def test_files_that_come_or_go_at_any_depth(folder: Path) -> None:
    seen = watch(folder)
    (folder / "sub" / "new.gguf").touch()
    assert seen.changed()
    seen = watch(folder)
    (folder / "good.gguf").unlink()
    assert seen.changed()


def test_a_damaged_file_is_looked_at_itself(folder: Path) -> None:
    seen = watch(folder)
    (folder / "good.gguf").write_bytes(b"better")
    assert not seen.changed()
    (folder / "sub" / "bad.gguf").write_bytes(b"more than before")
    assert seen.changed()


def test_folders_and_files_that_are_not_there_yet(folder: Path, tmp_path: Path) -> None:
    seen = watch(folder)
    (tmp_path / "usual").mkdir()
    assert seen.changed()
    seen = watch(folder, named=ModelConfig("named", str(tmp_path / "else.gguf")))
    (tmp_path / "else.gguf").touch()
    assert seen.changed()


def test_a_model_folder_that_appears(tmp_path: Path) -> None:
    seen = FolderWatch(Config(model_dirs=(tmp_path / "later",)))
    seen.found(Catalog())
    assert not seen.changed()
    (tmp_path / "later").mkdir()
    assert seen.changed()


def test_a_file_that_engines_read_counts_when_it_has_been_written(tmp_path: Path) -> None:
    """While somebody writes it, each call finds another size: taken too early, an engine would get half."""
    models, template = tmp_path / "models", tmp_path / "chat.jinja"
    good = write_gguf(models / "good.gguf")
    template.write_text("hello")
    flags = {"chat-template-file": str(template), "mmproj": str(tmp_path / "later.gguf")}
    config = Config(model_dirs=(models,), models={"good": ModelConfig("good", str(good), flags=flags)})
    seen = FolderWatch(config)
    seen.found(build_catalog(config))
    assert not seen.changed()
    for touched in (good, template, tmp_path / "later.gguf"):
        for _ in range(2):
            with touched.open("ab") as file:
                file.write(b"more")
            assert not seen.changed()
        assert seen.changed()
        seen.found(build_catalog(config))
        assert not seen.changed()
