from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.system.desktop_state import FIRST_RUN_DONE, TRAY_EXPLAINED, DesktopState, is_first_run
from app.views.first_run import first_look
from router.base.paths import STARTER
from tests.app import scenes
from tests.modes import is_private


def test_a_gpu_and_models_are_named() -> None:
    look = first_look(scenes.first_start())
    assert look.gpu == "NVIDIA GeForce RTX 3090 with 24 GiB"
    assert look.models == "3 found on this computer: Qwen3-30B Q4_K_M, Gemma-27B & vision, BGE-M3."
    assert look.slot == "primary"


def test_without_either_the_demo_is_explained() -> None:
    look = first_look(scenes.first_start_bare())
    assert look.gpu.startswith("None found: models run on the processor, with 32 GiB of RAM")
    assert "built-in demo" in look.models


def test_without_an_engine_the_demo_is_not_promised_to_answer() -> None:
    assert "answers" not in first_look(scenes.first_start_bare(), engine_missing=True).models


def test_before_anything_is_known_nothing_is_claimed() -> None:
    look = first_look(scenes.empty())
    assert look.gpu == "Looking for a graphics card…"
    assert look.slot == ""


def test_the_first_run_is_over_once_it_was_left_or_a_config_exists(tmp_path: Path) -> None:
    config = tmp_path / "hal0.yaml"
    assert is_first_run(DesktopState(tmp_path), config)
    config.touch()
    assert not is_first_run(DesktopState(tmp_path), config)
    config.unlink()
    DesktopState(tmp_path).add(FIRST_RUN_DONE)
    assert not is_first_run(DesktopState(tmp_path), config)


def test_flags_stay_beside_each_other_in_a_private_file(tmp_path: Path) -> None:
    remembered = DesktopState(tmp_path / "state")
    remembered.add(FIRST_RUN_DONE)
    remembered.add(TRAY_EXPLAINED)
    file = tmp_path / "state" / "desktop.json"
    assert json.loads(file.read_bytes()) == {FIRST_RUN_DONE: True, TRAY_EXPLAINED: True}
    assert is_private(file)
    remembered.put(TRAY_EXPLAINED, False)
    assert json.loads(file.read_bytes()) == {FIRST_RUN_DONE: True}


@pytest.mark.parametrize("broken", ["", "[1]", "{", '{"first_run_done": 1}'])
def test_a_broken_file_is_forgotten(tmp_path: Path, broken: str) -> None:
    (tmp_path / "desktop.json").write_text(broken)
    assert FIRST_RUN_DONE not in DesktopState(tmp_path)


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    remembered = DesktopState(blocked)
    remembered.add(FIRST_RUN_DONE)
    assert FIRST_RUN_DONE in remembered
    assert "cannot remember" in caplog.text


def test_the_starter_is_no_model_of_the_person() -> None:
    bare = scenes.first_start_bare()
    starter = replace(bare.models[0], id=STARTER, display_name="SmolLM2 135M (starter)")
    look = first_look(replace(bare, models=(starter,)))
    assert "SmolLM2 135M (starter) answers" in look.models
    assert "answers" not in first_look(replace(bare, models=(starter,)), engine_missing=True).models
