"""Every control of a slot's card, and the memory below."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.views.menu import Action, Command, order_of
from app.views.slot_history import SlotHistory
from app.views.switch import LoadClock
from app.window.main import MainWindow
from app.window.slot_card import SlotCard
from app.window.slots_tab import SlotsTab
from app.window.wake_button import WakeButton
from router.config.schema import UpstreamKind
from router.orders.kinds import Wake
from router.state import (
    DeviceMemory,
    KeptStatus,
    Progress,
    SlotError,
    SlotState,
    Snapshot,
    UpstreamState,
    UpstreamStatus,
)
from tests.app import scenes
from tests.app.fake_service import GB, GEMMA, QWEN, first_snapshot
from tests.app.gallery import window as make_window


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    made = make_window(first_snapshot())
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def card(window: MainWindow) -> SlotCard:
    return window.slots.cards["primary"]


def switched(**changes: object) -> Snapshot:
    primary, *others = first_snapshot().slots
    return replace(first_snapshot(), slots=(replace(primary, **changes), *others))  # type: ignore[arg-type]


def loading(fraction: float | None = 0.45) -> Snapshot:
    progress = Progress(SlotState.LOADING, fraction, 0.0)
    return switched(state=SlotState.LOADING, target=GEMMA, progress=progress, loaded=())


def test_a_card_shows_what_its_slot_serves(card: SlotCard) -> None:
    assert card.title.full == "primary"
    assert card.models.currentText() == "Qwen3-30B Q4_K_M   17.8 GB · loaded"
    assert card.models.closed_text == "Qwen3-30B Q4_K_M   17.8 GB"
    assert card.chip.text() == "Ready"
    assert card.facts.full == "32k context · 17.8 GiB used"
    assert not card.phases.isVisible()
    assert not card.problem.isVisible()


def test_pointing_at_a_model_in_the_list_says_that_it_may_be_wanted(window: MainWindow, card: SlotCard) -> None:
    said: list[Command] = []
    window.chosen.connect(said.append)
    card.models.showPopup()
    place = card.models.view().visualRect(card.models.model().index(1, 0)).center()
    rows = card.models.view().viewport()
    # Told to the list itself: QTest moves the screen's own pointer, which Windows tells of when it likes.
    none = (Qt.MouseButton.NoButton, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier)
    at = (QPointF(place), QPointF(rows.mapToGlobal(place)))
    QApplication.sendEvent(rows, QMouseEvent(QEvent.Type.MouseMove, *at, *none))
    card.models.hidePopup()
    assert said[-1] == Command(Action.WARM, "primary", GEMMA)
    assert {command.action for command in said} == {Action.WARM}


def test_choosing_a_model_sends_a_command_and_shows_what_is_still_served(
    window: MainWindow, card: SlotCard, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(window.chosen) as caught:
        card.models.setCurrentIndex(1)  # what a click in the list does, before it
        card.models.activated.emit(1)
    assert caught.args == [Command(Action.LOAD, "primary", GEMMA)]
    assert card.models.currentText().startswith("Qwen3-30B")
    window.show_snapshot(switched(state=SlotState.STOPPING, target=GEMMA))
    assert card.models.currentText().startswith("Gemma-27B")


def test_a_model_with_a_problem_cannot_be_chosen(card: SlotCard) -> None:
    rows = card.models.model()
    assert not rows.index(2, 0).flags() & Qt.ItemFlag.ItemIsEnabled
    assert rows.index(0, 0).flags() & Qt.ItemFlag.ItemIsEnabled


def test_arrow_keys_open_the_list_and_choose_nothing(window: MainWindow, card: SlotCard, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(window.chosen, wait=50):
        QTest.keyClick(card.models, Qt.Key.Key_Down)
    assert card.models.view().isVisible()
    card.models.hidePopup()


@pytest.mark.parametrize(
    ("button", "action"),
    [("unload", Action.UNLOAD), ("restart", Action.RESTART), ("log", Action.SHOW_LOG)],
)
def test_buttons_of_a_ready_slot(
    window: MainWindow, card: SlotCard, qtbot: QtBot, button: str, action: Action
) -> None:
    with qtbot.waitSignal(window.chosen) as caught:
        getattr(card, button).click()
    assert caught.args == [Command(action, "primary")]


def test_a_switch_shows_its_phases_and_can_only_be_cancelled(
    window: MainWindow, card: SlotCard, qtbot: QtBot
) -> None:
    window.show_snapshot(loading())
    assert [name.text() for name in card.phases.names] == ["Drain ✓", "Stop ✓", "Start ✓", "Load", "Warm-up"]
    assert (card.phases.bar.value(), card.phases.numbers.text()) == (45, "45%")
    assert card.chip.text() == "Loading 45%"
    assert not card.unload.isVisible()
    assert not card.restart.isVisible()
    with qtbot.waitSignal(window.chosen) as cancelled:
        card.cancel.click()
    assert cancelled.args == [Command(Action.CANCEL, "primary")]


def test_progress_without_a_known_share_is_shown_as_such(window: MainWindow, card: SlotCard) -> None:
    window.show_snapshot(loading(None))
    assert card.phases.bar.maximum() == 0
    assert not card.phases.numbers.isVisible()


def test_a_failure_offers_the_way_back_another_try_and_the_log(
    window: MainWindow, card: SlotCard, qtbot: QtBot
) -> None:
    error = SlotError("engine.failed", "<b>tensor</b> 'x' is damaged; download it again.", GEMMA, 0.0)
    window.show_snapshot(switched(state=SlotState.FAILED, pid=None, last_error=error))
    assert card.error.text() == error.message
    assert card.error.textFormat() is Qt.TextFormat.PlainText
    with qtbot.waitSignal(window.chosen) as restored:
        card.restore.click()
    with qtbot.waitSignal(window.chosen) as retried:
        card.retry.click()
    assert restored.args == [Command(Action.LOAD, "primary", QWEN)]
    assert retried.args == [Command(Action.LOAD, "primary", GEMMA)]
    assert card.log.isVisible()


def test_what_does_not_fit_is_forced_or_given_less_context_with_a_click(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.show_snapshot(scenes.no_room())
    card = window.slots.cards["primary"]
    with qtbot.waitSignal(window.chosen) as forced:
        card.force.click()
    with qtbot.waitSignal(window.chosen) as helped:
        card.remedy.click()
    assert forced.args == [Command(Action.LOAD, "primary", GEMMA, force=True)]
    assert helped.args == [Command(Action.LOAD, "primary", GEMMA, flags=("ctx-size=32768",))]
    assert card.remedy.accessibleName() == "Use ctx-size 32768 primary"
    with qtbot.waitSignal(window.chosen) as once:
        card.once.click()
    assert once.args == [Command(Action.LOAD, "primary", GEMMA, flags=("ctx-size=32768",), once=True)]
    assert card.once.accessibleName() == "Use ctx-size 32768, This load only primary"


def test_an_error_goes_when_it_is_dismissed_and_the_next_one_comes(window: MainWindow, card: SlotCard) -> None:
    error = SlotError("engine.failed", "It broke.", GEMMA, 5.0)
    window.show_snapshot(switched(last_error=error))
    card.dismiss.setFocus()
    QTest.keyClick(card.dismiss, Qt.Key.Key_Space)
    assert not card.problem.isVisible()
    window.show_snapshot(switched(last_error=error, in_flight=1))
    assert not card.problem.isVisible()
    window.show_snapshot(switched(last_error=replace(error, at=6.0)))
    assert card.problem.isVisible()
    assert card.dismiss.accessibleName() == "Dismiss primary"


def test_servers_elsewhere_are_listed_with_their_state(window: MainWindow) -> None:
    window.show_snapshot(scenes.upstreams())
    lines = [(line.name.full, line.facts.full, line.chip.text()) for line in window.slots.upstreams.lines]
    assert lines == [
        ("openrouter", "3 models · https://openrouter.ai/api/v1", "Answers"),
        ("studio", "http://10.0.0.7:8080/v1", "Not reachable"),
        ("spare", "http://spare.local:8080/v1", "Not asked yet"),
    ]
    assert "connection refused" in window.slots.upstreams.lines[1].error.text()
    assert not window.slots.cards["cloud"].models.isEnabled()
    window.show_snapshot(scenes.local_only())
    assert {line.chip.text() for line in window.slots.upstreams.lines} == {"Not asked"}
    window.show_snapshot(scenes.ready())
    assert not window.slots.upstreams.isVisible()


@pytest.mark.parametrize("kind", list(UpstreamKind))
def test_a_computer_that_sleeps_is_woken_with_a_click(
    window: MainWindow, qtbot: QtBot, kind: UpstreamKind
) -> None:
    bigpc = UpstreamStatus(
        "bigpc", kind, "http://bigpc:8080", UpstreamState.DOWN, error="No route.", wakes=True
    )

    def shown(**changes: object) -> WakeButton:
        seen = replace(first_snapshot(), upstreams=(replace(bigpc, **changes),))  # type: ignore[arg-type]
        window.show_snapshot(seen)
        lines = window.slots.remotes.groups if kind is UpstreamKind.HAL0 else window.slots.upstreams.lines
        return lines[0].wake

    button = shown()
    assert button.isVisible() and button.isEnabled() and button.accessibleName() == "Wake bigpc"
    with qtbot.waitSignal(window.slots.chosen) as chosen:
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert order_of(chosen.args[0]) == Wake("bigpc")
    for state in (UpstreamState.WAKING, UpstreamState.OK, UpstreamState.UNKNOWN):
        assert shown(state=state).isVisible() and not shown(state=state).isEnabled()
    assert not shown(wakes=False).isVisible()


def test_the_open_list_is_as_wide_as_its_longest_entry(window: MainWindow) -> None:
    window.show_snapshot(scenes.planner())
    box = window.slots.cards["coder"].models
    box.showPopup()
    assert box.view().sizeHintForColumn(0) <= box.view().viewport().width() <= 700
    box.hidePopup()


def test_slots_and_memory_pools_may_come_and_go(window: MainWindow, card: SlotCard) -> None:
    ram = DeviceMemory("RAM", False, 23 * GB, 5 * GB)
    window.show_snapshot(replace(first_snapshot(), memory=(ram, ram)))
    assert window.slots.cards["primary"] is card
    assert len(window.slots.memory) == 2
    window.show_snapshot(Snapshot())
    assert window.slots.cards == {}
    assert window.slots.empty.isVisible()


def test_memory_is_a_bar_and_numbers(window: MainWindow) -> None:
    window.show_snapshot(scenes.ready())
    (line,) = window.slots.memory
    assert line.numbers.text() == "4.8 GiB free of 24 GiB"
    assert len(line.bar.parts) == 3
    assert line.bar.accessibleName() == "NVIDIA GeForce RTX 3090"
    assert line.bar.accessibleDescription() == (
        "primary 9.8 GiB, coder 6.3 GiB, other programs 3.1 GiB, 4.8 GiB free of 24 GiB"
    )


def test_without_a_gpu_the_ram_is_labelled_so(window: MainWindow) -> None:
    window.show_snapshot(scenes.no_gpu())
    assert window.slots.memory[0].caption.full == "RAM (no GPU found)"


def test_a_slot_s_name_is_never_markup(window: MainWindow) -> None:
    slot = replace(scenes.PRIMARY, name="<b>bold</b>")
    window.show_snapshot(replace(scenes.ready(), slots=(slot,)))
    assert "&lt;b&gt;bold&lt;/b&gt;" in window.slots.memory[0].legend.text()


def test_every_control_has_a_name_for_those_who_do_not_see_it(window: MainWindow, card: SlotCard) -> None:
    names = [w.accessibleName() for w in (card.models, card.cancel, card.unload, card.restart, card.log)]
    assert names == [
        "Model in primary",
        "Cancel primary",
        "Unload primary",
        "Restart primary",
        "Show log primary",
    ]
    assert card.phases.bar.accessibleName() == "Loading progress of primary"


def test_twelve_slots_scroll(window: MainWindow) -> None:
    window.resize(640, 480)
    window.show_snapshot(scenes.twelve_slots())
    assert len(window.slots.cards) == 12
    last = window.slots.cards["slot-12"]
    QApplication.processEvents()  # a layout has been made before any key is pressed
    window.show_slot(11)
    assert not last.visibleRegion().isEmpty()


def test_what_is_kept_of_conversations_is_told_and_can_be_forgotten(window: MainWindow, qtbot: QtBot) -> None:
    line = window.slots.kept
    assert not line.isVisible()
    kept = (KeptStatus(QWEN, 2, 1_100_000_000), KeptStatus(GEMMA, 1, 100_000_000))
    window.show_snapshot(replace(first_snapshot(), kept=kept))
    assert line.isVisible() and line.numbers.text() == "Keeps 3 conversations (1.2 GB)"
    with qtbot.waitSignal(window.chosen) as caught:
        QTest.mouseClick(line.forget, Qt.MouseButton.LeftButton)
    assert caught.args == [Command(Action.FORGET)]
    window.show_snapshot(replace(first_snapshot(), kept=(KeptStatus(QWEN, 1, 64_488_404),)))
    assert line.numbers.text() == "Keeps 1 conversation (64 MB)"
    window.show_snapshot(first_snapshot())
    assert not line.isVisible()


def test_the_last_hour_is_shown_once_there_is_one(qtbot: QtBot) -> None:
    tab = SlotsTab()
    qtbot.addWidget(tab)
    tab.show()
    snapshot, history = scenes.ready(), SlotHistory()
    history.note(snapshot, scenes.NOW)
    tab.show_snapshot(snapshot, scenes.NOW, LoadClock(), history)
    assert tab.cards["primary"].curves.isHidden()
    tab.show_snapshot(snapshot, scenes.NOW, LoadClock(), scenes.past_hour())
    primary, coder = (tab.cards[name].curves for name in ("primary", "coder"))
    assert not primary.isHidden() and primary.speed_most.text() == "≤ 44 tok/s"
    assert primary.speed.accessibleDescription() == (
        "Speed of the answers in the last hour: 33 to 44 tokens per second"
    )
    assert coder.memory.accessibleDescription() == "Memory in the last hour: 0 MiB to 6.3 GiB"
    assert tab.cards["embed"].curves.isHidden()


def laid_out() -> None:
    """A layout that changes another one's needs some rounds."""
    for _ in range(4):
        QApplication.processEvents()


def test_in_a_narrow_window_the_facts_are_whole_above_the_buttons(qtbot: QtBot) -> None:
    made = make_window(scenes.ready(), width=640, height=480)
    qtbot.addWidget(made)
    made.show()
    laid_out()
    card = made.slots.cards["coder"]
    assert (
        card.facts.text()
        == card.facts.full
        == ("2 running · 1 waiting · 8.4 tok/s · 8k context · 6.3 GiB used")
    )
    below = card.log.geometry().top()
    assert below > card.facts.geometry().bottom()
    coder = scenes.ready().slots[1]
    quiet = replace(coder, in_flight=0, queued=0, tokens_per_second=None)
    first, _coder, last = scenes.ready().slots
    made.show_snapshot(replace(scenes.ready(), slots=(first, quiet, last)))
    laid_out()
    assert card.log.geometry().top() == below, "a shorter line does not make the card jump"
    made.resize(1100, 480)
    laid_out()
    assert card.log.geometry().top() < card.facts.geometry().bottom(), "beside each other again"
