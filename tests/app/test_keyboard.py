"""A person with nothing but a keyboard: first run → load a model → copy the URL → read the log → quit."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.actions import Actions
from app.link.state_bridge import StateBridge
from app.window.main import MainWindow
from router.base.errors import EngineFailed
from router.orders.kinds import Load
from router.state import SlotState
from tests.app.fake_service import BROKEN, GEMMA, StoreLink, first_snapshot
from tests.app.running import run_qt, until

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
MOST_TABS = 40


class Keyboard:
    """Presses keys where the focus is."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self._window.focusWidget() or self._window, key, modifiers)

    def tab_to(self, target: QWidget) -> None:
        """Tab until `target` has the focus, as somebody who does not see where it is."""
        for _ in range(MOST_TABS):
            if self._window.focusWidget() is target:
                return
            self.press(Qt.Key.Key_Tab)
        raise AssertionError(f"{target.accessibleName()!r} cannot be reached with Tab")


async def walk(tmp_path: Path) -> None:
    link = StoreLink(first_snapshot())
    window = MainWindow(link, first_run=True)
    actions = Actions(link, tmp_path)
    bridge = StateBridge(link)
    quits: list[bool] = []
    window.chosen.connect(actions.trigger)
    bridge.changed.connect(window.show_snapshot)
    actions.logs_requested.connect(window.show_logs)
    actions.quit_requested.connect(lambda: quits.append(True))
    window.may_hide = True
    window.reveal()
    keys = Keyboard(window)

    assert window.first_run is not None
    keys.tab_to(window.first_run.start)
    keys.press(Qt.Key.Key_Return)
    assert window.first_run is None

    keys.press(Qt.Key.Key_1, CTRL)
    models = window.slots.cards["primary"].models
    assert window.focusWidget() is models
    keys.press(Qt.Key.Key_Down)
    listed = models.view()
    assert listed.isVisible()
    QTest.keyClick(listed, Qt.Key.Key_Down)
    QTest.keyClick(listed, Qt.Key.Key_Return)
    await until(lambda: loaded(link) == GEMMA, "the model to be ready")
    await until(lambda: window.slots.cards["primary"].chip.text() == "Ready", "the card to say so")

    window.activateWindow()  # a window manager does this when the list closes
    await until(window.isActiveWindow, "the focus to come back")
    keys.press(Qt.Key.Key_C, CTRL | SHIFT)
    assert QGuiApplication.clipboard().text() == "http://127.0.0.1:8080/v1"

    keys.tab_to(window.slots.cards["primary"].log)
    keys.press(Qt.Key.Key_Space)
    await until(lambda: "primary: line 2" in window.logs.view.toPlainText(), "the engine's log")
    assert window.logs.isVisible()
    keys.press(Qt.Key.Key_Tab)  # the log is no trap

    keys.press(Qt.Key.Key_Q, CTRL)
    assert quits == [True]
    bridge.close()
    window.close()


def loaded(link: StoreLink) -> str | None:
    primary = link.snapshot.slots[0]
    return primary.model if primary.state is SlotState.READY else None


def test_everything_needed_can_be_done_with_the_keyboard(qapp: QApplication, tmp_path: Path) -> None:
    QGuiApplication.clipboard().clear()
    run_qt(qapp, walk(tmp_path))


async def recover(tmp_path: Path) -> None:
    link = StoreLink(first_snapshot())
    window = MainWindow(link)
    actions = Actions(link, tmp_path)
    bridge = StateBridge(link)
    failures: list[str] = []
    window.chosen.connect(actions.trigger)
    bridge.changed.connect(window.show_snapshot)
    actions.failed.connect(lambda _slot, message: failures.append(message))
    window.may_hide = True
    window.reveal()
    keys = Keyboard(window)
    card = window.slots.cards["primary"]
    with pytest.raises(EngineFailed):
        await link.carry_out(Load("primary", BROKEN))
    await until(card.problem.isVisible, "the error")
    keys.tab_to(card.restore)
    keys.press(Qt.Key.Key_Space)
    await until(lambda: card.chip.text() == "Ready", "the previous model")
    assert failures == []
    bridge.close()
    window.close()


def test_a_failed_switch_is_undone_with_the_keyboard(qapp: QApplication, tmp_path: Path) -> None:
    run_qt(qapp, recover(tmp_path))
