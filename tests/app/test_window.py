from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.menu_model import Action, Command
from app.theme import DARK, LIGHT, colours
from app.window.log_view import LogView
from app.window.main import MainWindow
from router.state import DeviceMemory, Progress, ServerState, ServerStatus, SlotError, SlotState, Snapshot
from tests.app.fake_service import GB, GEMMA, QWEN, first_snapshot


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    made = MainWindow(first_snapshot())
    qtbot.addWidget(made, before_close_func=lambda w: setattr(w, "may_hide", True))
    made.show()
    return made


def switched(**changes: object) -> Snapshot:
    primary, *others = first_snapshot().slots
    return replace(first_snapshot(), slots=(replace(primary, **changes), *others))  # type: ignore[arg-type]


def test_shows_endpoint_slots_and_memory(window: MainWindow) -> None:
    assert window.endpoint.url.text() == "http://127.0.0.1:8080/v1"
    assert window.endpoint.chip.text() == "Running"
    card = window.cards["primary"]
    assert card.models.currentText() == "Qwen3-30B Q4_K_M   17.8 GB"
    assert card.chip.text() == "Ready"
    assert card.detail.text() == "32k context · uses 17.8 GB"
    assert not card.progress.isVisible()
    assert window.memory[0].numbers.text() == "hal0 16.1 · other apps 3.1 · free 4.8 of 24 GB"


def test_choosing_a_model_sends_a_command_and_shows_what_is_still_served(
    window: MainWindow, qtbot: QtBot
) -> None:
    models = window.cards["primary"].models
    with qtbot.waitSignal(window.chosen) as caught:
        models.setCurrentIndex(1)  # what a click in the list does, before it
        models.activated.emit(1)
    assert caught.args == [Command(Action.LOAD, "primary", GEMMA)]
    assert models.currentText().startswith("Qwen3-30B")
    window.show_snapshot(switched(state=SlotState.STOPPING, target=GEMMA))
    assert models.currentText().startswith("Gemma-27B")


def test_a_model_with_a_problem_cannot_be_chosen(window: MainWindow) -> None:
    models = window.cards["primary"].models
    flags = models.model().index(2, 0).flags()
    assert not flags & Qt.ItemFlag.ItemIsEnabled
    assert models.model().index(0, 0).flags() & Qt.ItemFlag.ItemIsEnabled


def test_arrow_keys_open_the_list_and_choose_nothing(window: MainWindow, qtbot: QtBot) -> None:
    models = window.cards["primary"].models
    with qtbot.assertNotEmitted(window.chosen, wait=50):
        QTest.keyClick(models, Qt.Key.Key_Down)
    assert models.view().isVisible()
    models.hidePopup()


def test_the_button_unloads_a_ready_slot_and_cancels_a_switch(window: MainWindow, qtbot: QtBot) -> None:
    card = window.cards["primary"]
    with qtbot.waitSignal(window.chosen) as unloaded:
        card.button.click()
    progress = Progress(SlotState.LOADING, 0.45, 0.0)
    window.show_snapshot(switched(state=SlotState.LOADING, target=GEMMA, progress=progress))
    assert card.progress.isVisible()
    assert card.progress.value() == 45
    assert card.chip.text() == "Loading 45%"
    with qtbot.waitSignal(window.chosen) as cancelled:
        card.button.click()
    assert unloaded.args == [Command(Action.UNLOAD, "primary")]
    assert cancelled.args == [Command(Action.CANCEL, "primary")]


def test_progress_without_a_known_share_is_shown_as_such(window: MainWindow) -> None:
    window.show_snapshot(switched(state=SlotState.WARMING, progress=Progress(SlotState.WARMING, None, 0.0)))
    assert window.cards["primary"].progress.maximum() == 0


def test_an_engine_s_error_is_shown_as_plain_text(window: MainWindow) -> None:
    error = SlotError("engine.failed", "<b>tensor</b> 'x' is damaged; download it again.", QWEN, 0.0)
    window.show_snapshot(switched(state=SlotState.FAILED, last_error=error))
    detail = window.cards["primary"].detail
    assert detail.text() == error.message
    assert detail.textFormat() is Qt.TextFormat.PlainText


def test_an_endpoint_that_is_down_says_why(window: MainWindow) -> None:
    server = ServerStatus(ServerState.FAILED, error="Port 8080 is in use.")
    window.show_snapshot(replace(first_snapshot(), server=server, memory=()))
    assert window.endpoint.error.isVisible()
    assert window.endpoint.error.text() == "Port 8080 is in use."
    assert window.memory == []


def test_copy_is_confirmed_on_the_button(window: MainWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.chosen) as caught:
        window.endpoint.copy.click()
    assert caught.args == [Command(Action.COPY_URL)]
    assert window.endpoint.copy.text() == "Copied"


def test_slots_and_memory_pools_may_come_and_go(window: MainWindow) -> None:
    kept = window.cards["primary"]
    ram = DeviceMemory("RAM", False, 23 * GB, 5 * GB)
    window.show_snapshot(replace(first_snapshot(), memory=(ram, ram)))
    assert window.cards["primary"] is kept
    assert len(window.memory) == 2
    window.show_snapshot(Snapshot())
    assert window.cards == {}
    assert window.empty.isVisible()


def test_close_hides_only_where_a_tray_keeps_hal0_reachable(window: MainWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.close_refused):
        window.close()
    assert window.isVisible()
    window.may_hide = True
    with qtbot.waitSignal(window.closed):
        QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isVisible()
    window.reveal()
    assert window.isVisible()


def test_dark_and_light_follow_the_palette(qtbot: QtBot) -> None:
    assert colours(QPalette(QColor("#31363b"), QColor("#232629"))) is DARK
    assert colours(QPalette(QColor("#efefef"))) is LIGHT
    assert QApplication.instance() is not None


def test_log_view_shows_the_lines_or_says_there_are_none(qtbot: QtBot) -> None:
    view = LogView()
    qtbot.addWidget(view)
    view.show_log("primary", ["one", "two"])
    assert view.lines.toPlainText() == "one\ntwo"
    assert view.windowTitle() == "hal0 · log of primary"
    view.show_log("primary", [])
    assert "not written anything" in view.lines.toPlainText()


def test_grows_with_its_slots_until_a_person_resizes_it(qtbot: QtBot) -> None:
    window = MainWindow(Snapshot())
    window.may_hide = True
    qtbot.addWidget(window)
    window.show()
    empty = window.height()
    window.show_snapshot(first_snapshot())
    two_cards = 2 * window.cards["primary"].sizeHint().height()
    qtbot.waitUntil(lambda: window.height() >= empty + two_cards, timeout=5000)
    window.resize(900, 300)
    window.show_snapshot(Snapshot())
    assert (window.width(), window.height()) == (900, 300)
