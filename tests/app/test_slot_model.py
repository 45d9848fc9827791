from __future__ import annotations

from dataclasses import replace

import pytest

from app.texts import common as text
from app.texts import window as text_window
from app.views.menu import menu_spec
from app.views.models import Grade, load_problem, rows
from app.views.notices import notices
from app.views.slot import SlotView, slot_view
from app.views.switch import Mark
from router.state import SlotError, SlotState, SlotStatus, Snapshot
from tests.app import scenes
from tests.app.scenes import CODER, EMBED, GEMMA, NOW, PRIMARY, QWEN


def view(snapshot: Snapshot, number: int = 0, left: float | None = None) -> SlotView:
    return slot_view(snapshot, snapshot.slots[number], NOW, left)


def only(slot: SlotStatus) -> SlotView:
    return view(replace(scenes.ready(), slots=(slot,)))


def test_a_ready_slot_says_how_fast_how_big_and_how_idle_it_is() -> None:
    shown = view(scenes.ready())
    assert (shown.chip, shown.facts) == ("Ready", "42 tok/s · 32k context · 9.8 GiB used · idle 4 min")
    assert shown.phases == ()
    assert (shown.may_unload, shown.may_restart, shown.may_cancel) == (True, True, False)


def test_flags_for_this_load_only_are_told_beside_the_others() -> None:
    slot = replace(scenes.ready().slots[0], load_flags=("n-cpu-moe=12", "no-mmap"))
    assert only(slot).facts == (
        "42 tok/s · with n-cpu-moe 12, no-mmap, this time only · 32k context · 9.8 GiB used · idle 4 min"
    )


def test_a_busy_slot_counts_its_requests() -> None:
    assert view(scenes.ready(), 1).facts == "2 running · 1 waiting · 8.4 tok/s · 8k context · 6.3 GiB used"


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


def test_each_choice_says_what_it_would_come_to() -> None:
    texts = {choice.model: choice.text for choice in view(scenes.planner(), 1).choices}
    assert texts == {
        "qwen3-30b": "Qwen3-30B Q4_K_M   17.8 GB · fits",
        "gemma-27b": "Gemma-27B & vision   16.1 GB · unloads embed"
        " · 65,536 tokens (chosen to fit; trained for 262,144)",
        "qwen-72b": "Qwen-72B Q4_K_M   needs 46 GiB, 23.1 GiB short",
    }
    assert view(scenes.planner(), 0).choices[0].text.endswith("· loaded")
    assert view(scenes.planner(), 0).choices[0].short == "Qwen3-30B Q4_K_M   17.8 GB"


def test_while_others_leave_that_is_said() -> None:
    assert view(scenes.making_room(), 1).facts == "Making room: unloading embed · Switching for 14 s"


@pytest.mark.parametrize(
    ("evicting", "told"),
    [
        ((), "Waits until embed is idle: hal0.yaml does not let both be loaded (together)"),
        (("embed",), "Unloading embed: hal0.yaml does not let both be loaded (together)"),
        (
            ("embed", "primary"),
            "Unloading embed: hal0.yaml does not let both be loaded (together)"
            " · Making room: unloading primary",
        ),
    ],
)
def test_what_may_not_be_loaded_together_is_said(evicting: tuple[str, ...], told: str) -> None:
    room = scenes.making_room()
    coder = replace(room.slots[1], evicting=evicting, apart=("embed",))
    shown = replace(room, slots=(room.slots[0], coder, room.slots[2]))
    assert view(shown, 1).facts == f"{told} · Switching for 14 s"


def test_a_model_that_answers_while_the_next_one_loads_is_named() -> None:
    shown = view(scenes.overlap())
    assert "Qwen3-30B Q4_K_M answers until then" in shown.facts
    assert [mark for _name, mark in shown.phases] == [
        Mark.SKIPPED, Mark.SKIPPED, Mark.DONE, Mark.NOW, Mark.AHEAD
    ]  # fmt: skip


def test_what_does_not_fit_may_be_forced_or_given_what_would_help() -> None:
    shown = view(scenes.no_room())
    assert "8.6 GiB short" in shown.error
    assert (shown.retry, shown.force, shown.restore) == (GEMMA.id, GEMMA.id, "")
    assert (shown.remedy, shown.remedy_text) == (("ctx-size=32768",), "Use ctx-size 32768")
    assert view(scenes.failed()).force == ""


def test_a_dismissed_error_shrinks_to_a_line_and_another_one_shows() -> None:
    slot = scenes.failed().slots[0]
    hidden = slot_view(scenes.failed(), slot, NOW, None, slot.last_error)
    assert (hidden.error, hidden.retry, hidden.restore, hidden.chip) == ("", "", "", "Error")
    assert hidden.facts.startswith("llama-server stopped while it loaded")
    back = scenes.failed().slots[1]
    assert slot_view(scenes.failed(), back, NOW, None, back.last_error).facts.startswith("42 tok/s")
    assert slot.last_error is not None
    again = replace(slot, last_error=replace(slot.last_error, at=NOW))
    assert slot_view(scenes.failed(), again, NOW, None, slot.last_error).error != ""


def test_a_slot_that_a_server_elsewhere_answers_names_it_in_place_of_models() -> None:
    shown = view(scenes.upstreams(), 1)
    assert (shown.choices, shown.hint, shown.has_engine) == ((), "openrouter/a", False)
    assert (shown.may_unload, shown.may_restart) == (False, False)


def test_who_answered_instead_is_said() -> None:
    assert view(scenes.upstreams()).facts.startswith("answered by openrouter · 42 tok/s")


def test_a_slot_of_another_hal0_is_judged_by_its_own_memory_and_not_given_flags_here() -> None:
    there = scenes.no_room()
    slot = replace(there.slots[0], name=f"bigpc/{there.slots[0].name}")
    shown = slot_view(there, slot, NOW, None)
    assert shown.choices == view(there).choices
    assert (shown.force, shown.remedy) == (GEMMA.id, ())


def test_the_demos_speed_is_not_told() -> None:
    """It says one fixed sentence, at 7,000 tokens a second."""
    slot = replace(scenes.demo_and_more().slots[0], tokens_per_second=7060.0, in_flight=1)
    snapshot = replace(scenes.demo_and_more(), slots=(slot,))
    assert "tok/s" not in slot_view(snapshot, slot, scenes.NOW, None).facts
    assert "tok/s" not in str(menu_spec(snapshot, scenes.NOW))
    own = replace(slot, choices=("qwen3",), model="qwen3")
    assert "7060 tok/s" in slot_view(snapshot, own, scenes.NOW, None).facts
    assert "7060 tok/s" in str(menu_spec(replace(snapshot, slots=(own,)), scenes.NOW)), "while it answers"


def test_the_first_own_model_is_offered_instead_of_the_demo() -> None:
    """Row 42: with one click; the demo that runs is not broken."""
    now = scenes.demo_and_more()
    view = slot_view(now, now.slots[0], scenes.NOW, None)
    assert view.found == scenes.QWEN.id and "Qwen3-30B" in view.found_text
    assert (view.hint, view.error, view.chip) == ("Built-in demo", "", "Ready")
    (row,) = [row for row in rows(now) if row.model.id == "hal0-demo"]
    assert (row.fit.grade, row.fit.text) == (Grade.UNKNOWN, "running")
    assert "put it back" not in (load_problem(now, row.model) or "").lower()
    before = replace(now, slots=(replace(now.slots[0], choices=("hal0-demo",)),), models=now.models[-1:])
    (told,) = notices(before, now)
    assert told.good and told.message == view.found_text
    assert notices(now, now) == []
    own = replace(now.slots[0], model=scenes.QWEN.id, loaded=(scenes.QWEN.id,))
    assert slot_view(now, own, scenes.NOW, None).found == ""
    broken = replace(now, slots=(replace(now.slots[0], choices=(scenes.LLAMA.id,)),))
    assert slot_view(broken, broken.slots[0], scenes.NOW, None).found == ""


def draining(state: SlotState, count: int, deadline: float | None) -> SlotStatus:
    told = {"leaving": (QWEN.id,), "draining": count, "drain_deadline": deadline}
    return replace(PRIMARY, state=state, progress=None, **told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("slot", "line", "buttons"),
    [
        (draining(SlotState.DRAINING, 1, NOW + 12), "waits for 1 request, cut off in 12 s", (True, True)),
        (draining(SlotState.DRAINING, 2, NOW - 1), "waits for 2 requests, cut off in 0 s", (True, True)),
        (draining(SlotState.LOADING, 3, None), "waits for 3 requests", (True, False)),
        (draining(SlotState.READY, 1, None), "waits for 1 request", (True, False)),
        (draining(SlotState.READY, 0, None), "", (False, False)),
    ],
)
def test_a_switch_that_waits_says_for_what_and_how_long(
    slot: SlotStatus, line: str, buttons: tuple[bool, bool]
) -> None:
    """Row 40."""
    shown = only(slot)
    assert (line in shown.facts) if line else ("waits" not in shown.facts)
    assert (shown.may_cut, shown.may_wait) == buttons
    assert line in text.slot_detail(slot, NOW)
