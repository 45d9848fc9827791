"""Slots elsewhere and a router that is another process's, as tray and window show them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.link.link import Attached
from app.texts import remote as texts_remote
from app.views.menu import Action, Command, IconState, Row, icon_state, menu_spec, order_of, tooltip
from app.views.notices import announcements, switch_notice
from app.views.remote import groups
from app.views.slot import slot_view
from app.views.switch import LoadClock
from router.config.schema import UpstreamKind
from router.orders.kinds import Wake
from router.remote.names import find_slot
from router.state import Progress, SlotError, SlotState, UpstreamState
from tests.app import scenes

ATTACHED = Attached("http://127.0.0.1:8080", 4711)


def labels(rows: tuple[Row, ...]) -> list[str]:
    return [row.text for row in rows if row.text]


def by_key(rows: tuple[Row, ...], key: str) -> Row:
    return next(row for row in rows if row.key == key)


def test_each_other_hal0_is_a_section_of_the_menu_and_its_slots_can_be_commanded() -> None:
    rows = menu_spec(scenes.remote(), scenes.NOW).rows
    keys = [row.key for row in rows]
    start = keys.index("remote:bigpc")
    assert keys[start - 1 : start + 4] == [
        "separator-remote:bigpc", "remote:bigpc", "slot:bigpc/primary", "slot:bigpc/coder", "separator-memory",
    ]  # fmt: skip
    header, primary, coder = rows[start : start + 3]
    assert (header.text, header.enabled) == ("bigpc · Connected · VRAM 30/48 GiB used", False)
    assert primary.text == "bigpc/primary · Qwen3-30B Q4_K_M · Ready"
    assert coder.text == "bigpc/coder · → Gemma-27B & vision · Loading 45%"
    commands = {row.command for row in coder.rows if row.command}
    assert Command(Action.CANCEL, "bigpc/coder") in commands
    assert by_key(primary.rows, "model:gemma-27b").command == Command(Action.LOAD, "bigpc/primary", "gemma-27b")


def test_lost_contact_says_so_and_shows_no_slot_it_knows_nothing_of() -> None:
    rows = menu_spec(scenes.remote_lost(), scenes.NOW).rows
    assert by_key(rows, "remote:bigpc").text.startswith("bigpc · No contact · No route to host")
    assert not [row for row in rows if row.key.startswith("slot:bigpc/")]
    assert [row.key for row in rows if row.key.startswith("slot:")] == [
        "slot:primary",
        "slot:coder",
        "slot:embed",
    ]


def test_a_contact_not_yet_made_and_one_not_wanted_are_not_called_lost() -> None:
    lost = scenes.remote_lost()
    (bigpc,) = (u for u in lost.upstreams if u.kind is UpstreamKind.HAL0)
    early = replace(lost, upstreams=(replace(bigpc, state=UpstreamState.UNKNOWN, error=None),))
    assert [g.link for g in groups(early)] == [texts_remote.CONNECTING]
    assert [(g.link, g.facts) for g in groups(replace(lost, local_only=True))] == [("Not asked", "local only")]


def test_a_switch_elsewhere_moves_the_icon_and_its_failure_does_not_alarm() -> None:
    remote = scenes.remote()
    assert icon_state(remote) is IconState.SWITCHING
    assert icon_state(scenes.remote_lost()) is IconState.BUSY
    (bigpc,) = (u for u in remote.upstreams if u.remote is not None)
    assert bigpc.remote is not None
    failed = tuple(replace(s, state=SlotState.FAILED, progress=None, target=None) for s in bigpc.remote.slots)
    there = replace(bigpc, remote=replace(bigpc.remote, slots=failed))
    assert icon_state(replace(remote, upstreams=(there,))) is IconState.BUSY


def test_a_card_elsewhere_has_its_short_name_and_the_clock_knows_its_load() -> None:
    snapshot, clock = scenes.remote(), LoadClock()
    place = find_slot(snapshot, "bigpc/coder")
    assert place is not None and place.slot.progress is not None
    assert slot_view(place.snapshot, place.slot, scenes.NOW, None).name == "coder"
    earlier = replace(place.slot.progress, fraction=0.0)
    (bigpc,) = (u for u in snapshot.upstreams if u.remote is not None)
    assert bigpc.remote is not None
    began = replace(bigpc.remote, slots=(replace(bigpc.remote.slots[1], progress=earlier),))
    clock.note(replace(snapshot, upstreams=(replace(bigpc, remote=began),)), scenes.NOW - 9)
    clock.note(snapshot, scenes.NOW)
    assert clock.left("bigpc/coder", scenes.NOW) == pytest.approx(11.0)


def test_a_remedy_elsewhere_cannot_be_written_here() -> None:
    error = SlotError("memory.insufficient", "It is short.", scenes.GEMMA.id, scenes.NOW, ("ctx-size=4096",))
    here = replace(scenes.PRIMARY, state=SlotState.FAILED, last_error=error)
    there = replace(here, name="bigpc/primary")
    assert slot_view(scenes.ready(), here, scenes.NOW, None).remedy == ("ctx-size=4096",)
    assert slot_view(scenes.ready(), there, scenes.NOW, None).remedy == ()


def test_what_happens_elsewhere_is_said_with_its_place() -> None:
    snapshot = scenes.remote()
    (bigpc,) = (u for u in snapshot.upstreams if u.remote is not None)
    assert bigpc.remote is not None
    warm = Progress(SlotState.WARMING, None, scenes.NOW)
    slots = (bigpc.remote.slots[0], replace(bigpc.remote.slots[1], state=SlotState.WARMING, progress=warm))
    after = replace(snapshot, upstreams=(replace(bigpc, remote=replace(bigpc.remote, slots=slots)),))
    (sentence,) = announcements(snapshot, after)
    assert "bigpc/coder" in sentence and "Warming up" in sentence
    notice = switch_notice(after, "bigpc/coder", scenes.GEMMA.id, 60.0, hidden=True)
    assert notice is not None and "bigpc/coder now answers with Gemma-27B & vision" in notice.message


def test_an_attached_tray_says_whose_router_it_shows_and_what_quitting_leaves() -> None:
    rows = menu_spec(scenes.ready(), scenes.NOW, ATTACHED).rows
    assert rows[0].text == "hal0 · 127.0.0.1:8080 · Running · attached to hal0 serve (process 4711)"
    assert by_key(rows, "quit").text == "Close the tray (hal0 serve keeps running)"
    assert not by_key(rows, "start-here").enabled
    assert "start-here" not in {row.key for row in menu_spec(scenes.ready(), scenes.NOW).rows}


def test_an_attached_tray_that_lost_contact_says_so_and_offers_to_start_here() -> None:
    lost = scenes.attached_lost()
    rows = menu_spec(lost, scenes.NOW, replace(ATTACHED, lost=True)).rows
    assert rows[0].text.startswith(
        "hal0 · Lost contact with hal0 at http://127.0.0.1:8080 (Connection refused)"
    )
    assert by_key(rows, "start-here").enabled
    assert icon_state(lost) is IconState.ERROR
    assert "Lost contact" in tooltip(lost)


def test_rows_stay_while_only_what_they_say_changes() -> None:
    there = menu_spec(scenes.ready(), scenes.NOW, ATTACHED).rows
    other = menu_spec(scenes.switching(), scenes.NOW, replace(ATTACHED, pid=1)).rows
    assert [row.key for row in there] == [row.key for row in other]


def test_one_that_can_be_woken_has_an_entry_that_is_usable_while_it_sleeps() -> None:
    def row(state: UpstreamState, *, local_only: bool = False) -> Row:
        bigpc = replace(scenes.remote_lost().upstreams[0], wakes=True, state=state)
        snapshot = replace(scenes.remote_lost(), upstreams=(bigpc,), local_only=local_only)
        return by_key(menu_spec(snapshot, scenes.NOW).rows, "wake:bigpc")

    asleep = row(UpstreamState.DOWN)
    assert asleep.text == "Wake bigpc" and asleep.enabled
    assert asleep.command is not None and order_of(asleep.command) == Wake("bigpc")
    assert not row(UpstreamState.WAKING).enabled and not row(UpstreamState.OK).enabled
    assert not row(UpstreamState.DOWN, local_only=True).enabled
    assert not any(r.key.startswith("wake:") for r in menu_spec(scenes.remote_lost(), scenes.NOW).rows)


def test_that_it_is_being_woken_is_said() -> None:
    bigpc = replace(scenes.remote_lost().upstreams[0], wakes=True, state=UpstreamState.WAKING)
    assert groups(replace(scenes.remote_lost(), upstreams=(bigpc,)))[0].link == "Waking up…"
