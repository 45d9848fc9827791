from __future__ import annotations

import collections
import gc
import itertools
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QSystemTrayIcon
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.tray.icons import SWITCHING_FRAMES, TrayIcons, app_icon
from app.tray.tray import Tray
from app.views.menu import Action, Command, IconState
from router.state import Progress, SlotState, Snapshot
from tests.app import scenes
from tests.app.fake_service import GEMMA, QWEN, first_snapshot


@pytest.fixture
def tray(qtbot: QtBot) -> Iterator[Tray]:
    made = Tray(first_snapshot())
    yield made
    made.close()


def actions(menu: QMenu) -> list[QAction]:
    """All actions of a menu and its submenus, top to bottom."""
    found = []
    for action in menu.actions():
        found.append(action)
        submenu = action.menu()
        if isinstance(submenu, QMenu):
            found += actions(submenu)
    return found


def action(tray: Tray, beginning: str) -> QAction:
    return next(a for a in actions(tray.menu) if a.text().startswith(beginning))


def switched(snapshot: Snapshot, **changes: object) -> Snapshot:
    primary, *others = snapshot.slots
    return replace(snapshot, slots=(replace(primary, **changes), *others))  # type: ignore[arg-type]


LOADING = Progress(SlotState.LOADING, 0.45, 0.0)


def test_a_new_snapshot_changes_texts_and_marks_but_keeps_every_action(tray: Tray) -> None:
    before = actions(tray.menu)
    tray.show_snapshot(
        switched(first_snapshot(), state=SlotState.LOADING, target=GEMMA, progress=LOADING, in_flight=1)
    )
    after = actions(tray.menu)
    assert all(a is b for a, b in zip(before, after, strict=True))
    assert action(tray, "primary").text() == "primary · → Gemma-27B && vision · Loading 45%"
    assert action(tray, "Gemma-27B").isChecked()
    assert not action(tray, "Qwen3-30B").isChecked()
    assert action(tray, "Cancel switch").isEnabled()


def test_a_new_choice_rebuilds_only_its_own_submenu(tray: Tray) -> None:
    top = tray.menu.actions()
    embed = actions(top[6].menu())  # type: ignore[arg-type]
    tray.show_snapshot(switched(first_snapshot(), choices=(QWEN, GEMMA)))
    assert tray.menu.actions() == top
    assert actions(top[6].menu()) == embed  # type: ignore[arg-type]
    assert [a.text() for a in actions(tray.menu) if a.text().startswith("Llama")] == []


def test_rebuilt_menus_keep_nothing_of_the_old_ones(tray: Tray) -> None:
    def there() -> collections.Counter[bool]:
        """How many actions there are, and how many that only Python still holds."""
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()
        return collections.Counter(isValid(one) for one in gc.get_objects() if isinstance(one, QAction))

    before = there()
    for _ in range(3):
        tray.show_snapshot(scenes.twelve_slots())
        tray.show_snapshot(first_snapshot())
    assert there() == before


def test_a_click_sends_the_command_and_leaves_the_mark_to_the_router(tray: Tray, qtbot: QtBot) -> None:
    with qtbot.waitSignal(tray.chosen) as caught:
        action(tray, "Gemma-27B").trigger()
    assert caught.args == [Command(Action.LOAD, "primary", GEMMA)]
    assert action(tray, "Qwen3-30B").isChecked()
    assert not action(tray, "Gemma-27B").isChecked()


def test_pointing_at_a_model_says_that_it_may_be_wanted(tray: Tray) -> None:
    said: list[Command] = []
    tray.chosen.connect(said.append)
    action(tray, "Gemma-27B").hover()
    action(tray, "Quit").hover()
    assert said == [Command(Action.WARM, "primary", GEMMA)]


def test_a_click_means_what_the_entry_says_now(tray: Tray, qtbot: QtBot) -> None:
    tray.show_snapshot(switched(first_snapshot(), model=GEMMA))
    with qtbot.waitSignal(tray.chosen) as caught:
        action(tray, "Copy model id").trigger()
    assert caught.args == [Command(Action.COPY_MODEL, "primary", GEMMA)]


def test_without_a_tray_nothing_is_shown_and_messages_are_dropped(tray: Tray) -> None:
    assert not tray.visible
    tray.show_message("hal0", "nobody sees this")
    assert tray.icon is None


@pytest.mark.skipif(sys.platform != "win32", reason="elsewhere there may be none; tests/desktop has one")
def test_windows_has_a_tray_for_it(tray: Tray) -> None:
    assert tray.visible and tray.icon is not None and tray.icon.isVisible()
    assert tray.icon.contextMenu() is tray.menu and tray.icon.toolTip().startswith("hal0")


def test_icons_of_all_states_differ_and_are_never_blank(qtbot: QtBot) -> None:
    for scheme in (Qt.ColorScheme.Light, Qt.ColorScheme.Dark):
        icons = TrayIcons(scheme)
        assert len(icons.frames(IconState.SWITCHING)) == SWITCHING_FRAMES
        images = [f.pixmap(22, 22).toImage() for state in IconState for f in icons.frames(state)]
        assert len({bytes(image.constBits()) for image in images}) == len(images)
        assert all(any(image.pixelColor(x, 11).alpha() for x in range(22)) for image in images)


@pytest.mark.parametrize("size", [16, 22, 32, 64])
def test_a_state_is_told_by_its_shape_alone(qtbot: QtBot, size: int) -> None:
    """A panel may draw all icons in one colour: enough pixels are covered in one and not in the other."""
    icons = TrayIcons(Qt.ColorScheme.Dark)
    inked = {
        state: {
            (x, y) for x in range(size) for y in range(size)
            if icons.frames(state)[0].pixmap(size, size).toImage().pixelColor(x, y).alpha() > 127
        }
        for state in IconState
    }  # fmt: skip
    for one, other in itertools.combinations(IconState, 2):
        assert len(inked[one] ^ inked[other]) > 0.06 * size * size, (one, other)


def test_the_icon_is_calm_while_short_requests_come_and_go(tray: Tray) -> None:
    tray._icon = QSystemTrayIcon(tray)

    def shown() -> int:
        assert tray._icon is not None
        return tray._icon.icon().cacheKey()

    key = {state: tray._icons.frames(state)[0].cacheKey() for state in IconState}
    tray.show_snapshot(first_snapshot())
    assert shown() == key[IconState.READY]
    tray.show_snapshot(switched(first_snapshot(), in_flight=1))
    assert shown() == key[IconState.BUSY]
    tray.show_snapshot(first_snapshot())
    assert shown() == key[IconState.BUSY]
    tray._calm.setInterval(0)
    tray._calm.start()
    tray._calm.timeout.emit()
    tray._calm.stop()
    tray.show_snapshot(first_snapshot())
    assert shown() == key[IconState.READY]


def test_hollow_is_hollow_and_solid_is_solid(qtbot: QtBot) -> None:
    icons = TrayIcons(Qt.ColorScheme.Dark)
    middle = {state: icons.frames(state)[0].pixmap(64, 64).toImage().pixelColor(32, 32) for state in IconState}
    assert middle[IconState.IDLE].alpha() == 0
    assert middle[IconState.READY].alpha() == 255
    assert not app_icon().pixmap(256, 256).isNull()
