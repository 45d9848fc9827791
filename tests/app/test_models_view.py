from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.texts import models as words
from app.views.models import (
    Grade,
    Target,
    file_changes,
    fit_text,
    folder_changes,
    folder_of,
    load_problem,
    matches,
    rows,
    shown_of,
    targets,
)
from router.config.change import ConfigChange, ConfigDocument
from router.config.schema import Config, Kind, ModelConfig
from router.state import DeviceMemory, ModelStatus, SlotState, Snapshot
from tests.app import scenes
from tests.app.fake_service import EMBED, GB, GEMMA, LLAMA, QWEN, first_snapshot

CARD = DeviceMemory("GPU", True, 24 * GB, 8 * GB)
RAM = DeviceMemory("RAM", False, 64 * GB, 4 * GB)


def sized(gb: float) -> ModelStatus:
    return ModelStatus("m", "M", Kind.CHAT, size_bytes=int(gb * GB))


def model(model_id: str, snapshot: Snapshot | None = None) -> ModelStatus:
    found = (snapshot or first_snapshot()).model(model_id)
    assert found is not None
    return found


def test_rows_say_what_a_model_is_and_where_it_is_loaded() -> None:
    by_id = {row.model.id: row for row in rows(first_snapshot())}
    assert list(by_id) == [QWEN, GEMMA, LLAMA, EMBED]
    assert (by_id[QWEN].name, by_id[QWEN].size, by_id[QWEN].slots) == (
        "Qwen3-30B Q4_K_M",
        "17.8 GB",
        ("primary",),
    )
    assert by_id[GEMMA].slots == ()
    assert by_id[LLAMA].fit.tip == "the file llama-70b.gguf is missing"
    assert (by_id[LLAMA].size, by_id[LLAMA].context) == ("–", "–")


def test_requests_change_nothing_that_is_shown() -> None:
    primary, embed = first_snapshot().slots
    busy = replace(first_snapshot(), slots=(replace(primary, in_flight=3, tokens_per_second=40.0), embed))
    one = replace(first_snapshot(), slots=(replace(primary, in_flight=1), embed))
    moved = replace(first_snapshot(), slots=(replace(primary, loaded=()), embed))
    assert shown_of(busy) == shown_of(one) != shown_of(moved)


@pytest.mark.parametrize(
    ("length", "trained", "shown"),
    [(32768, 131072, "32k of 128k"), (32768, 32768, "32k"), (8192, None, "8k"), (None, 4096, "–")],
)
def test_context_is_what_it_loads_with_of_what_it_was_trained_for(
    length: int | None, trained: int | None, shown: str
) -> None:
    changed = replace(sized(1), context_length=length, context_trained=trained)
    assert rows(Snapshot(models=(changed,)))[0].context == shown


@pytest.mark.parametrize(
    ("gb", "memory", "grade"),
    [
        (13, (CARD,), Grade.FITS),
        (14, (CARD,), Grade.TIGHT),
        (20, (CARD,), Grade.TIGHT),
        (25, (CARD,), Grade.TOO_BIG),
        (25, (CARD, CARD), Grade.FITS),
        (25, (CARD, RAM), Grade.TOO_BIG),
        (25, (RAM,), Grade.FITS),
        (1, (), Grade.UNKNOWN),
        (0, (CARD,), Grade.UNKNOWN),
    ],
)
def test_the_fit_is_an_estimate_and_says_so(gb: float, memory: tuple[DeviceMemory, ...], grade: Grade) -> None:
    found = fit_text(sized(gb), memory)
    assert found.grade is grade
    if grade is not Grade.UNKNOWN:
        assert found.text.startswith("≈")
        assert words.ESTIMATE in found.tip


def test_numbers_are_in_the_tip() -> None:
    assert fit_text(sized(13), (CARD,)).tip.startswith("The file is 14 GB; 16 GiB of VRAM is free now.")
    assert "RAM has 64 GiB in all" in fit_text(sized(70), (RAM,)).tip


def test_targets_name_every_slot_and_why_not() -> None:
    assert targets(first_snapshot(), model(QWEN)) == (
        Target("primary", enabled=False, loaded=True, reason="loaded"),
        Target("embed", enabled=False, reason="only for embedding models"),
    )
    assert targets(first_snapshot(), model(GEMMA))[0] == Target("primary", enabled=True)
    primary, embed = first_snapshot().slots
    picky = replace(first_snapshot(), slots=(replace(primary, choices=(QWEN,)), embed))
    assert targets(picky, model(GEMMA))[0].reason == "not among its models"
    unloaded = replace(first_snapshot(), slots=(replace(primary, state=SlotState.UNLOADED), embed))
    assert targets(unloaded, model(QWEN))[0].enabled


def test_a_model_that_cannot_be_loaded_says_why() -> None:
    assert load_problem(first_snapshot(), model(LLAMA)) == "the file llama-70b.gguf is missing"
    assert load_problem(first_snapshot(), model(GEMMA)) is None
    assert load_problem(replace(first_snapshot(), slots=()), model(GEMMA)) == words.NO_SLOT


@pytest.mark.parametrize(
    ("search", "found"),
    [("", True), ("qwen", True), ("Q4_k 30b", True), ("PRIMARY", True), ("chat", True), ("gemma", False)],
)
def test_the_search_wants_every_word(search: str, found: bool) -> None:
    assert matches(rows(first_snapshot())[0], search.casefold().split()) is found


def test_what_is_dropped_becomes_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "Model.GGUF"
    file.touch()
    (tmp_path / "notes.txt").touch()
    assert folder_of(tmp_path) == folder_of(file) == tmp_path
    assert folder_of(tmp_path / "notes.txt") is None
    assert folder_of(tmp_path / "absent.gguf") is None


def test_what_decides_and_what_it_says_needs_no_qt() -> None:
    code = (
        "import sys, app.system.autostart, app.views.models, app.views.settings_draft, app.texts.models\n"
        "sys.exit(', '.join(name for name in sys.modules if name.startswith(('PySide6', 'qasync'))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_adding_a_folder_keeps_the_others_as_they_were_written(tmp_path: Path) -> None:
    text = "model_dirs: [~/models, sub]\n"
    config = Config(model_dirs=(Path.home() / "models", tmp_path / "sub"))
    document = ConfigDocument(tmp_path / "hal0.yaml", True, text, config)
    new = tmp_path / "new"
    assert folder_changes(document, new) == [ConfigChange(("model_dirs",), ["~/models", "sub", str(new)])]
    assert folder_changes(document, tmp_path / "sub" / "deeper") == []
    assert folder_changes(document, Path.home() / "models") == []
    assert folder_changes(document, tmp_path / "sub" / ".hidden") != []
    defaults = ConfigDocument(tmp_path / "hal0.yaml", False, "", config)
    assert folder_changes(defaults, new) == [ConfigChange(("model_dirs",), ["default", str(new)])]  # row 41


@pytest.mark.parametrize(
    ("gb", "held", "grade", "shown"),
    [
        (15, 0, Grade.FITS, "fits"),
        (15.8, 0, Grade.TIGHT, "tight"),
        (18, 0, Grade.TIGHT, "short by 2 GiB"),
        (18, 8, Grade.FITS, "fits"),
        (30, 0, Grade.TOO_BIG, "short by 14 GiB"),
        (30, 30, Grade.TOO_BIG, "short by 6 GiB"),
    ],
)
def test_a_forecast_is_exact(gb: float, held: int, grade: Grade, shown: str) -> None:
    known = replace(sized(1), needs=int(gb * GB), needs_source="engine")
    found = fit_text(known, (CARD, RAM), held=held * GB)
    assert (found.grade, found.text) == (grade, shown)
    assert found.tip.startswith("Takes ")


def test_a_computed_forecast_is_an_estimate() -> None:
    computed = replace(sized(1), needs=15 * GB, needs_source="formula")
    found = fit_text(computed, (CARD,))
    assert found.text == "≈ fits" and found.tip.endswith(words.COMPUTED)


def test_a_forecast_says_what_a_load_would_come_to() -> None:
    found = {row.model.id: row for row in rows(scenes.planner())}
    assert found["qwen-72b"].fit.text == "23.1 GiB short" and found["qwen-72b"].fit.grade is Grade.TOO_BIG
    assert found["qwen3-30b"].fit.text == "fits"
    assert "46 GiB of VRAM" in found["qwen-72b"].fit.tip
    assert found["gemma-27b"].context_tip == "65,536 tokens (chosen to fit; trained for 262,144)"


def test_where_a_model_may_go_says_who_would_leave() -> None:
    gemma = scenes.planner().models[1]
    reasons = {target.slot: (target.enabled, target.reason) for target in targets(scenes.planner(), gemma)}
    assert reasons["coder"] == (True, "unloads embed")
    assert reasons["embed"] == (False, "only for embedding models")


def test_one_file_becomes_a_named_model(tmp_path: Path) -> None:
    """Row 41: under a free name, and once."""
    file = tmp_path / "my model.gguf"
    file.touch()
    text = "models: {my-model: {file: /elsewhere/a.gguf}}\n"
    models = {"my-model": ModelConfig("my-model", "/elsewhere/a.gguf")}
    document = ConfigDocument(tmp_path / "hal0.yaml", True, text, Config(models=models))
    assert file_changes(document, file) == [ConfigChange(("models", "my-model-2"), {"file": str(file)})]
    known = ConfigDocument(tmp_path / "hal0.yaml", True, "", Config(model_dirs=(tmp_path,)))
    assert file_changes(known, file) == []
    named = {"a": ModelConfig("a", str(file))}
    assert (
        file_changes(
            ConfigDocument(tmp_path / "h", True, f"models: {{a: {{file: '{file}'}}}}", Config(models=named)),
            file,
        )
        == []
    )
