"""One file is one model however its name is spelt, where the system finds it by every case."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from resources import demo_model
from router.catalog.models import build_catalog
from router.catalog.scan import scan_folders
from router.config.schema import Config, ModelConfig

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="two names are two files")
ID = "Klein-Q4_K_M"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Modelle"
    made.mkdir()
    shutil.copy(demo_model(), made / "Klein-Q4_K_M.GGUF")
    return made


def other_case(path: Path) -> Path:
    return Path(path.drive.lower() + str(path)[2:].swapcase())


def test_a_folder_that_is_named_twice_is_looked_into_once(folder: Path) -> None:
    (found,) = scan_folders([folder, other_case(folder)])
    assert found.id == ID and found.problem is None


def test_a_file_that_is_named_by_another_case_is_the_one_that_was_found(folder: Path) -> None:
    file = other_case(folder / "Klein-Q4_K_M.GGUF")
    config = Config(model_dirs=(folder,), models={ID: ModelConfig(ID, file=file)})
    catalog = build_catalog(config, None)
    assert list(catalog.models) == [ID], "not offered a second time"
