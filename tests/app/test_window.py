"""The window's shell: header, tabs, keys, sizes, colours."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPalette, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.texts import window as text_window
from app.views.connect import Client
from app.views.menu import Action, Command
from app.window.main import MainWindow
from app.window.theme import DARK, LIGHT, colours
from app.window.window_geometry import WindowGeometry, clamped, first_size, parse_geometry
from router.state import ServerState, ServerStatus, Snapshot
from tests.app import scenes
from tests.app.config_link import SECRET, ConfigLink
from tests.app.fake_service import StoreLink, first_snapshot
from tests.app.gallery import window as make_window
from tests.app.running import until_processed


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    made = make_window(first_snapshot())
    qtbot.addWidget(made)
    made.show()
    return made


def press(window: MainWindow, key: Qt.Key, *modifiers: Qt.KeyboardModifier) -> None:
    pressed = Qt.KeyboardModifier.NoModifier
    for modifier in modifiers:
        pressed |= modifier
    QTest.keyClick(window, key, pressed)


CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def test_the_header_shows_the_endpoint_its_state_and_who_reaches_it(window: MainWindow) -> None:
    assert window.endpoint.url.full == "http://127.0.0.1:8080/v1"
    assert window.endpoint.chip.text() == "Running"
    assert window.endpoint.badge.text() == "This computer only"
    window.show_snapshot(scenes.lan())
    assert window.endpoint.badge.text() == "Open to the network"
    assert "8080" in window.endpoint.badge.toolTip()


def test_an_endpoint_that_is_down_says_why(window: MainWindow) -> None:
    server = ServerStatus(ServerState.FAILED, error="Port 8080 is in use.")
    window.show_snapshot(replace(first_snapshot(), server=server, memory=()))
    assert window.endpoint.error.isVisible()
    assert window.endpoint.error.text() == "Port 8080 is in use."
    assert window.slots.memory == []


def test_a_config_that_is_not_in_effect_is_told_above_everything(window: MainWindow) -> None:
    server = replace(scenes.RUNNING, config_error="line 3: “prot” is no setting; did you mean “port”?")
    window.show_snapshot(replace(first_snapshot(), server=server))
    assert window.endpoint.chip.text() == "Running"
    assert window.endpoint.error.text().startswith(
        "hal0.yaml has an error; your last changes are ignored: line 3"
    )


def test_copy_is_confirmed_on_the_button(window: MainWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.chosen) as caught:
        window.endpoint.copy.click()
    assert caught.args == [Command(Action.COPY_TEXT, value="http://127.0.0.1:8080/v1")]
    assert window.endpoint.copy.text() == "Copied"


def test_the_copy_menu_opens_the_chat_in_the_browser(window: MainWindow, qtbot: QtBot) -> None:
    entry = next(action for action in window.endpoint.menu.actions() if action.text() == "Try primary…")
    with qtbot.waitSignal(window.endpoint.chosen) as chosen:
        entry.trigger()
    assert chosen.args == [Command(Action.TRY, "primary")]


def test_the_copy_menu_copies_or_explains(window: MainWindow, qtbot: QtBot) -> None:
    entries = {action.text(): action for action in window.endpoint.menu.actions()}
    with qtbot.waitSignal(window.chosen) as caught:
        entries["curl command"].trigger()
    (command,) = caught.args
    assert command.value.startswith("curl http://127.0.0.1:8080/v1/chat/completions")
    entries["Hermes Desktop…"].trigger()
    dialog = window.connect_dialog
    assert dialog is not None and dialog.isVisible()
    assert "Endpoint URL:  http://127.0.0.1:8080/v1" in dialog.paste.toPlainText()
    assert "64,000" in dialog.warning.text()
    with qtbot.waitSignal(window.chosen) as copied:
        dialog.copy.click()
    assert copied.args == [Command(Action.COPY_TEXT, value=dialog.paste.toPlainText())]
    dialog.close_button.click()


def test_connecting_another_slot_changes_the_text(window: MainWindow) -> None:
    window.show_snapshot(scenes.ready())
    window.show_connect(Client.CLINE)
    dialog = window.connect_dialog
    assert dialog is not None
    assert [dialog.slots.itemText(row) for row in range(dialog.slots.count())] == ["primary", "coder"]
    dialog.slots.setCurrentText("coder")
    assert "Model ID:     coder" in dialog.paste.toPlainText()
    dialog.close_button.click()


def test_keys_reach_every_part(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    press(window, Qt.Key.Key_L, CTRL)
    assert window.tabs.currentWidget() is window.logs
    press(window, Qt.Key.Key_Comma, CTRL)
    assert window.tabs.currentWidget() is window.settings
    press(window, Qt.Key.Key_2, CTRL)
    assert window.tabs.currentWidget() is window.slots
    assert window.focusWidget() is window.slots.cards["embed"].models
    with qtbot.waitSignal(window.chosen) as copied:
        press(window, Qt.Key.Key_C, CTRL, SHIFT)
    with qtbot.waitSignal(window.chosen) as left:
        press(window, Qt.Key.Key_Q, CTRL)
    assert (copied.args, left.args) == ([Command(Action.COPY_URL)], [Command(Action.QUIT)])


def test_a_key_for_a_slot_that_does_not_exist_does_nothing(window: MainWindow) -> None:
    press(window, Qt.Key.Key_9, CTRL)
    assert window.isVisible()


def test_a_tab_that_breaks_says_so_and_leaves_the_others_alone(window: MainWindow) -> None:
    window.models._where = ("app.window.no_such_module", "Nothing")
    window.tabs.setCurrentWidget(window.models)
    assert "no_such_module" in window.models.problem
    window.tabs.setCurrentWidget(window.slots)
    assert window.slots.cards["primary"].isVisible()


def test_close_hides_only_where_a_tray_keeps_hal0_reachable(window: MainWindow, qtbot: QtBot) -> None:
    window.may_hide = False
    with qtbot.waitSignal(window.close_refused):
        window.close()
    assert window.isVisible()
    window.may_hide = True
    press(window, Qt.Key.Key_Escape)
    assert window.isVisible()  # row 48: Esc is for dialogs
    with qtbot.waitSignal(window.closed):
        press(window, Qt.Key.Key_W, CTRL)
    assert not window.isVisible()
    window.reveal()
    assert window.isVisible()


def test_a_hidden_window_catches_up_when_it_is_shown(window: MainWindow) -> None:
    window.close()
    window.show_snapshot(scenes.switching())
    assert "coder" not in window.slots.cards
    window.reveal()
    assert window.slots.cards["coder"].chip.text() == "Loading 45%"


def test_dark_and_light_follow_the_palette(qtbot: QtBot) -> None:
    assert colours(QPalette(QColor("#31363b"), QColor("#232629"))) is DARK
    assert colours(QPalette(QColor("#efefef"))) is LIGHT
    assert QApplication.instance() is not None


def test_grows_with_its_slots_until_a_person_resizes_it(qtbot: QtBot) -> None:
    window = make_window(Snapshot())
    qtbot.addWidget(window)
    window.show()
    empty = window.height()
    window.show_snapshot(scenes.phases())
    qtbot.waitUntil(lambda: window.height() > empty, timeout=5000)
    window.resize(900, 400)
    window.show_snapshot(Snapshot())
    QApplication.processEvents()
    assert (window.width(), window.height()) == (900, 400)


def test_phases_are_spoken_while_the_window_is_seen(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("app.window.main.announce", lambda _widget, sentence: said.append(sentence))
    window.show_snapshot(scenes.ready())
    said.clear()
    window.show_snapshot(scenes.switching())
    assert said == ["coder: Loading Gemma-27B & vision"]


def test_the_store_may_publish_before_the_window_has_a_slot(qtbot: QtBot) -> None:
    window = MainWindow(StoreLink(Snapshot()))
    window.may_hide = True
    qtbot.addWidget(window)
    window.show()
    assert window.slots.empty.text().startswith("hal0 is starting")
    window.show_snapshot(replace(Snapshot(), server=scenes.RUNNING))
    assert window.slots.empty.text().startswith("No slots")


async def test_the_key_is_read_when_it_is_copied(qtbot: QtBot) -> None:
    """Row 38: a key that was added a moment ago is in what is copied; it is shown only when asked for."""
    link = StoreLink(first_snapshot())
    link.read_config = ConfigLink("server: {api_keys: [hal0-secret-key-4711]}\n").read_config  # type: ignore[method-assign]
    window = MainWindow(link)
    window.may_hide = True
    qtbot.addWidget(window)
    window.show()
    copied: list[str] = []
    window.chosen.connect(lambda command: copied.append(command.value))
    window.endpoint.take(Client.CURL)
    await until_processed(lambda: copied)
    assert SECRET in copied[0]
    window.endpoint.take(Client.CLINE)
    dialog = window.connect_dialog
    assert dialog is not None
    await until_processed(dialog.reveal.isVisible)
    assert SECRET not in dialog.paste.toPlainText() and "4711" in dialog.paste.toPlainText()
    dialog.copy.click()
    assert SECRET in copied[1]
    dialog.reveal.click()
    assert SECRET in dialog.paste.toPlainText()
    dialog.close_button.click()


async def with_unsaved(qtbot: QtBot) -> tuple[MainWindow, ConfigLink]:
    """A window whose settings hold one change."""
    link, config = StoreLink(first_snapshot()), ConfigLink()
    link.read_config = config.read_config  # type: ignore[method-assign]
    link.edit_config = config.edit_config  # type: ignore[method-assign]
    window = MainWindow(link)
    window.may_hide = True
    qtbot.addWidget(window)
    window.show()
    window.show_settings()
    await until_processed(lambda: window.settings.content.draft is not None)
    window.settings.content.exchange.put(("limits", "queue"), 3)
    return window, config


@pytest.mark.parametrize("answer", ["apply", "discard", "keep"])
async def test_closing_asks_for_unsaved_settings(qtbot: QtBot, answer: str) -> None:
    """Row 39."""
    window, config = await with_unsaved(qtbot)
    window.close()
    question = window.unsaved_question
    assert window.isVisible() and question is not None
    getattr(question, answer).click()
    if answer == "keep":
        await until_processed(lambda: window.unsaved_question is None)
        assert window.isVisible() and window.settings.content.unsaved == 1
        window.end()
    await until_processed(lambda: not window.isVisible())
    assert ("queue: 3" in (config.text or "")) == (answer == "apply")


async def test_a_change_that_cannot_be_applied_keeps_the_window(qtbot: QtBot) -> None:
    """Row 39."""
    window, config = await with_unsaved(qtbot)
    window.settings.content.exchange.put(("server", "port"), 8150)  # within engine.ports
    done: list[bool] = []
    window.when_saved(lambda: done.append(True))
    assert window.unsaved_question is not None
    window.unsaved_question.apply.click()
    await until_processed(lambda: bool(config.asked) and not window.settings.content.exchange.busy)
    assert window.isVisible() and done == []
    window.end()


def test_every_shortcut_of_the_window_is_listed(window: MainWindow) -> None:
    """Row 48."""
    listed = {keys for keys, _ in text_window.SHORTCUTS}
    ours = {shortcut.key().toString() for shortcut in window.findChildren(QShortcut)}
    assert ours - {f"Ctrl+{n}" for n in range(2, 10)} <= listed


def test_a_taken_port_is_left_with_one_click(window: MainWindow, qtbot: QtBot) -> None:
    assert not window.endpoint.use_port.isVisible()
    window.show_snapshot(scenes.port_taken())
    assert window.endpoint.use_port.text() == "Use port 8081"
    with qtbot.waitSignal(window.chosen) as caught:
        window.endpoint.use_port.click()
    assert caught.args == [Command(Action.USE_PORT, value="8081")]
    assert window.slots.cards["primary"].chip.text() == "Loaded", "nobody can ask it"
    assert window.slots.cards["primary"].chip.property("tone") == "quiet"
    window.show_snapshot(scenes.ready())
    assert not window.endpoint.use_port.isVisible()
    assert window.slots.cards["primary"].chip.text() == "Ready"


@pytest.mark.parametrize(
    ("height", "screen", "wanted"),
    [
        (300, (1920, 1080), (760, 520)),
        (600, (1920, 1080), (760, 600)),
        (2000, (1920, 1080), (760, 720)),
        (600, (640, 400), (624, 352)),  # 1280 × 800 at 200 %
    ],
)
def test_the_first_size_is_within_the_screen(
    height: int, screen: tuple[int, int], wanted: tuple[int, int]
) -> None:
    assert first_size(height, QSize(*screen)) == QSize(*wanted)
    assert MainWindow(StoreLink(first_snapshot())).minimumSize().boundedTo(QSize(*wanted)) == QSize(480, 340)


@pytest.mark.parametrize("width", [480, 640, 760])
def test_the_address_is_whole_at_every_width(window: MainWindow, width: int) -> None:
    window.resize(width, 600)
    QApplication.processEvents()
    assert window.width() == width
    assert window.endpoint.url.text() == window.endpoint.url.full
    assert window.endpoint.badge.isVisible() is (width > 480)
    window.show_snapshot(scenes.lan())
    QApplication.processEvents()
    assert window.endpoint.badge.isVisible(), "who else reaches it is told at every width"
    assert window.endpoint.url.text() == window.endpoint.url.full


@pytest.mark.parametrize(
    ("saved", "screens", "wanted"),
    [
        ("760x520+100+50", [(0, 0, 1920, 1080)], "760x520+100+50"),
        ("760x520+2500+50", [(0, 0, 1920, 1080)], "760x520+1144+50"),  # its monitor is gone
        ("760x520+2500+50", [(0, 0, 1920, 1080), (1920, 0, 1920, 1080)], "760x520+2500+50"),
        ("760x520-900+50", [(0, 0, 1920, 1080), (-1920, 0, 1920, 1080)], "760x520-900+50"),
        ("1900x1000+0+0", [(0, 0, 1280, 720)], "1264x672+0+0"),  # a smaller screen
        ("760x520-700-500", [(0, 0, 1920, 1080)], "760x520+0+0"),  # the title bar is above
        ("760x520+100+1070 maximised", [(0, 0, 1920, 1080)], "760x520+100+512 maximised"),
        ("760x520+10+5", [(0, 40, 1920, 1040)], "760x520+10+40"),  # a panel came
        ("760x520+10+5", [], "760x520+10+5"),
    ],
)
def test_a_remembered_place_fits_the_screens_of_today(
    saved: str, screens: list[tuple[int, int, int, int]], wanted: str
) -> None:
    """Row 48."""
    place = parse_geometry(saved)
    assert place is not None and str(place) == saved
    assert str(clamped(place, [QRect(*screen) for screen in screens])) == wanted


@pytest.mark.parametrize("text", ["", "0", "760x520", "axb+1+1", "760x520+1+1 minimised"])
def test_a_place_that_was_not_written_by_hal0_is_none(text: str) -> None:
    assert parse_geometry(text) is None


def test_the_size_is_kept_and_nothing_but_the_person_changes_it(window: MainWindow, qtbot: QtBot) -> None:
    """Row 48."""
    window.resize(700, 450)
    window.show_snapshot(scenes.phases())
    QApplication.processEvents()
    window.close()
    window.show_snapshot(scenes.twelve_slots())
    window.reveal()
    QApplication.processEvents()
    assert (window.width(), window.height()) == (700, 450)
    again = make_window(scenes.twelve_slots())
    qtbot.addWidget(again)
    again.stand_at(WindowGeometry(30, 40, 640, 480))
    again.reveal()
    QApplication.processEvents()
    assert (again.size(), again.pos()) == (QSize(640, 480), QPoint(30, 40))


def test_a_size_of_its_own_choosing_does_not_grow_when_it_is_reopened(qtbot: QtBot) -> None:
    """Row 48."""
    window = make_window(scenes.ready())
    qtbot.addWidget(window)
    window.reveal()
    QApplication.processEvents()
    before = window.size()
    for scene in (scenes.failed, scenes.phases, scenes.twelve_slots, scenes.remote):
        window.show_snapshot(scene())
        QApplication.processEvents()
        window.close()
        window.reveal()
        QApplication.processEvents()
        assert window.size() == before, scene.__name__


def test_a_window_opened_and_closed_for_days_does_not_grow(window: MainWindow) -> None:
    def use() -> int:
        for tab in range(window.tabs.count()):
            window.tabs.setCurrentIndex(tab)
            for scene in (
                scenes.twelve_slots,
                scenes.remote,
                scenes.upstreams,
                scenes.downloading,
                scenes.ready,
            ):
                window.show_snapshot(scene())
        window.show_connect(Client.HERMES)
        assert window.connect_dialog is not None
        window.connect_dialog.close()
        window.close()
        window.reveal()
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        return len(window.findChildren(QObject))

    use()
    first = use()
    for _ in range(3):
        assert use() == first


def test_what_copies_says_so(window: MainWindow) -> None:
    window.show_logs()
    window.logs.show_lines("", ["one line"])
    copy = window.logs.copy
    assert (copy.text(), copy.accessibleName()) == ("Copy", "Copy the log")
    width = copy.width()
    copy.click()
    assert copy.text() == "Copied" and copy.minimumWidth() <= width
    copy._back.timeout.emit()
    assert copy.text() == "Copy"
