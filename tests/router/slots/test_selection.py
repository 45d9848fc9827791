"""What each slot held last, and what it holds first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.catalog.model import Model
from router.config.schema import Kind, SlotConfig
from router.reload.diff import choose_model
from router.slots.selection import Selected, Selection, SelectionFile
from router.state import SlotState, SlotStatus, Snapshot
from tests.modes import is_private

SAVED = {"primary": Selected("alpha", "beta"), "embed": Selected("words", None)}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "state" / "selection.json"
    SelectionFile(path).save(SAVED)
    assert SelectionFile(path).load() == SAVED
    assert is_private(path)


def test_an_absent_file_is_an_empty_selection(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert SelectionFile(tmp_path / "selection.json").load() == {}
    assert caplog.text == ""


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"slots": 7}', '{"slots": {"primary": "a"}}', '{"slots": {"primary": {}}}'],
)
def test_a_damaged_file_is_an_empty_selection_and_told(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "selection.json"
    path.write_text(text)
    assert SelectionFile(path).load() == {}
    assert "slots start as configured" in caplog.text


def test_one_damaged_entry_takes_no_other_with_it(tmp_path: Path) -> None:
    """Property 2."""
    path = tmp_path / "selection.json"
    good = {"model": "alpha", "configured": None}
    path.write_text(
        json.dumps({"slots": {"a": 3, "b": {"model": 1}, "primary": good, "c": {**good, "configured": []}}})
    )
    assert SelectionFile(path).load() == {"primary": Selected("alpha", None)}


@pytest.mark.parametrize("name", ["\ud800", "a\x00b", "two\nlines", "\x1b[m", "\u2028", "caf\u00e9"])
def test_any_name_is_kept(tmp_path: Path, name: str) -> None:
    """Row 33."""
    path = tmp_path / "selection.json"
    SelectionFile(path).save({"primary": Selected(name, name)})
    assert SelectionFile(path).load() == {"primary": Selected(name, name)}


def test_a_selection_of_an_older_hal0_without_the_configured_model(tmp_path: Path) -> None:
    path = tmp_path / "selection.json"
    path.write_text(json.dumps({"slots": {"primary": {"model": "alpha"}}, "more": 1}))
    assert SelectionFile(path).load() == {"primary": Selected("alpha", None)}


def test_a_folder_that_cannot_be_written_is_told_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    SelectionFile(tmp_path / "state" / "selection.json").save(SAVED)
    assert "could not be saved" in caplog.text


def model(id_: str, *aliases: str, problem: str | None = None) -> Model:
    return Model(id_, Kind.CHAT, display_name=id_, aliases=aliases, problem=problem)


CHOICES = {m.id: m for m in (model("broken", problem="gone"), model("alpha", "first"), model("beta"))}


@pytest.mark.parametrize(
    ("configured", "saved", "chosen"),
    [
        (None, None, "alpha"),
        ("beta", None, "beta"),
        ("first", None, "alpha"),
        ("broken", None, "broken"),
        ("gamma", None, None),
        ("beta", Selected("alpha", "beta"), "alpha"),
        ("beta", Selected("alpha", "alpha"), "beta"),
        ("beta", Selected("gamma", "beta"), "beta"),
        (None, Selected("beta", None), "beta"),
        (None, Selected("beta", "alpha"), "alpha"),
    ],
)
def test_a_slot_begins_with_the_newest_wish(
    configured: str | None, saved: Selected | None, chosen: str | None
) -> None:
    assert choose_model(SlotConfig("primary", model=configured), CHOICES, saved) == chosen


def test_a_slot_without_choices_begins_empty() -> None:
    assert choose_model(SlotConfig("primary"), {}, Selected("alpha", None)) is None


async def test_what_is_ready_is_what_is_kept_and_the_newest_stays(tmp_path: Path) -> None:
    file = SelectionFile(tmp_path / "selection.json")
    slots = {"primary": SlotConfig("primary", model="fast")}
    selection = Selection(file, {"gone": Selected("old", None)}, lambda: slots)
    other = SlotStatus("elsewhere", Kind.CHAT, SlotState.READY, model="x")
    for model, state in (("alpha", SlotState.READY), ("beta", SlotState.READY), ("gamma", SlotState.LOADING)):
        selection.remember(Snapshot(slots=(SlotStatus("primary", Kind.CHAT, state, model=model), other)))
    assert selection.of("primary") == Selected("beta", "fast") and selection.of("elsewhere") is None
    await selection.saved()
    assert file.load() == {"gone": Selected("old", None), "primary": Selected("beta", "fast")}
