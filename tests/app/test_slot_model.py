from __future__ import annotations

from dataclasses import replace

import pytest

from app import text_window
from app.slot_model import SlotView, slot_view
from app.switch_model import Mark
from router.state import SlotError, SlotState, SlotStatus, Snapshot
from tests.app import scenes
from tests.app.scenes import CODER, EMBED, GEMMA, NOW, PRIMARY, QWEN


def view(snapshot: Snapshot, number: int = 0, left: float | None = None) -> SlotView:
    return slot_view(snapshot, snapshot.slots[number], NOW, left)


def only(slot: SlotStatus) -> SlotView:
    return view(replace(scenes.ready(), slots=(slot,)))


def test_a_ready_slot_says_how_fast_how_big_and_how_idle_it_is() -> None:
    shown = view(scenes.ready())
    assert (shown.chip, shown.facts) == ("Ready", "42 tok/s · 32k context · 9.8 GB · idle 4 min")
    assert shown.phases == ()
    assert (shown.may_unload, shown.may_restart, shown.may_cancel) == (True, True, False)


def test_a_busy_slot_counts_its_requests() -> None:
    assert view(scenes.ready(), 1).facts == "2 running · 1 waiting · 8.4 tok/s · 8k context · 6.3 GB"


def test_a_switch_shows_its_phases_its_share_and_the_time_left() -> None:
    shown = view(scenes.switching(), 1, left=12.2)
    assert shown.chip == "Loading 45%"
    assert [mark for _name, mark in shown.phases] == [Mark.DONE, Mark.DONE, Mark.DONE, Mark.NOW, Mark.AHEAD]
    assert [name for name, _mark in shown.phases] == ["Drain", "Stop", "Start", "Load", "Warm-up"]
    assert (shown.share, shown.left) == (0.45, "~12 s")
    assert shown.facts.startswith("Switching for 14 s")
    assert (shown.may_cancel, shown.may_unload, shown.may_restart) == (True, False, False)


def test_without_a_real_share_there_is_no_time_left() -> None:
    assert view(scenes.switching(), 1).left == ""


def test_a_failed_switch_offers_the_way_back_and_another_try() -> None:
    shown = view(scenes.failed())
    assert shown.error.startswith("llama-server stopped")
    assert (shown.restore, shown.restore_text) == (QWEN.id, "Back to Qwen3-30B Q4_K_M")
    assert shown.retry == GEMMA.id
    assert shown.facts == ""


def test_a_slot_that_went_back_by_itself_offers_only_another_try() -> None:
    shown = view(scenes.failed(), 1)
    assert (shown.chip, shown.restore, shown.retry) == ("Ready", "", GEMMA.id)


def test_a_model_that_is_gone_cannot_be_tried_again() -> None:
    error = SlotError("engine.failed", "It broke.", "gone", NOW)
    assert only(replace(PRIMARY, last_error=error)).retry == ""


def test_an_old_error_makes_room_for_the_switch_that_follows() -> None:
    error = SlotError("engine.failed", "It broke.", GEMMA.id, NOW)
    assert only(replace(CODER, state=SlotState.STARTING, last_error=error)).error == ""


def test_an_unloaded_slot_says_what_happens_next() -> None:
    assert only(EMBED).facts == "Unloaded: the next request loads it"
    assert only(replace(EMBED, choices=(), model=None)).hint == "No models"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "~1 s"), (9.4, "~9 s"), (12.2, "~12 s"), (43, "~45 s"), (200, "~3 min")],
)
def test_time_left_does_not_pretend_to_know_seconds(seconds: float, words: str) -> None:
    assert text_window.time_left(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "idle"), (245, "idle 4 min"), (3 * 3600, "idle 3 h"), (50 * 3600, "idle 2 days")],
)
def test_idle_time_is_coarse(seconds: float, words: str) -> None:
    assert text_window.idle(seconds) == words
