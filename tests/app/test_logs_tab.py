from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.views.menu import Action, Command
from app.window.logs_tab import LogsTab
from app.window.main import MainWindow
from router.base.errors import ShuttingDown
from tests.app import scenes
from tests.app.fake_service import StoreLink, first_snapshot
from tests.app.gallery import window as make_window
from tests.app.running import run_qt, until


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    made = make_window(first_snapshot())
    qtbot.addWidget(made)
    made.tabs.setCurrentWidget(made.logs)
    made.show()
    return made


@pytest.fixture
def tab(window: MainWindow) -> LogsTab:
    return window.logs


def shown(tab: LogsTab) -> list[str]:
    return tab.view.toPlainText().splitlines()


def test_each_engine_and_hal0_itself_has_a_log(tab: LogsTab) -> None:
    names = [tab.source.itemText(row) for row in range(tab.source.count())]
    assert names == ["hal0 itself", "Engine of primary", "Engine of embed"]


def test_lines_are_added_once_and_without_secrets(tab: LogsTab) -> None:
    tab.show_lines("", ["one", "Authorization: Bearer abcdefghij"])
    tab.show_lines("", ["one", "Authorization: Bearer abcdefghij", "three"])
    assert shown(tab) == ["one", "Authorization: Bearer [hidden]", "three"]


def test_an_answer_for_another_log_is_not_shown(tab: LogsTab) -> None:
    tab.show_log("primary")
    tab.show_lines("", ["of hal0"])
    assert shown(tab) == []
    tab.show_lines("primary", ["of the engine"])
    assert shown(tab) == ["of the engine"]


def test_the_filter_shows_matching_lines_now_and_later(tab: LogsTab, qtbot: QtBot) -> None:
    tab.show_lines("", ["loading", "ready"])
    tab.filter.setText("LOAD")
    qtbot.waitUntil(lambda: shown(tab) == ["loading"])
    tab.show_lines("", ["loading", "ready", "reloading", "done"])
    assert shown(tab) == ["loading", "reloading"]
    tab.filter.setText("nothing like it")
    qtbot.waitUntil(tab.note.isVisible)
    assert tab.note.text() == "No line contains “nothing like it”."
    tab.filter.clear()
    qtbot.waitUntil(lambda: shown(tab) == ["loading", "ready", "reloading", "done"])


def test_an_empty_log_says_so(tab: LogsTab) -> None:
    tab.show_lines("", [])
    assert tab.note.text() == "Nothing has been logged yet."


def test_copy_takes_what_is_selected_or_all(window: MainWindow, tab: LogsTab, qtbot: QtBot) -> None:
    tab.show_lines("", ["one", "two"])
    with qtbot.waitSignal(window.chosen) as everything:
        tab.copy.click()
    cursor = tab.view.textCursor()
    cursor.setPosition(1)
    cursor.setPosition(5, cursor.MoveMode.KeepAnchor)
    tab.view.setTextCursor(cursor)
    with qtbot.waitSignal(window.chosen) as some:
        tab.copy.click()
    assert everything.args == [Command(Action.COPY_TEXT, value="one\ntwo")]
    assert some.args == [Command(Action.COPY_TEXT, value="ne\nt")]


def test_open_folder_asks_for_it(window: MainWindow, tab: LogsTab, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.chosen) as caught:
        tab.folder.click()
    assert caught.args == [Command(Action.LOG_FOLDER)]


def test_no_more_lines_are_kept_than_can_be_shown_quickly(tab: LogsTab) -> None:
    tab.show_lines("", [f"line {n}" for n in range(9000)])
    assert tab.view.blockCount() == 5000
    assert shown(tab)[-1] == "line 8999"


def test_it_polls_only_while_it_is_seen_and_follows(qapp: QApplication) -> None:
    link = StoreLink(scenes.ready())

    async def scene() -> None:
        window = MainWindow(link)
        window.may_hide = True
        window.show()
        assert not window.logs.following
        window.show_logs("primary")
        assert window.logs.following
        await until(
            lambda: shown(window.logs) == ["primary: line 0", "primary: line 1", "primary: line 2"], "lines"
        )
        window.logs.follow.setChecked(False)
        assert not window.logs.following
        window.logs.follow.setChecked(True)
        window.tabs.setCurrentWidget(window.slots)
        assert not window.logs.following
        window.show_logs()
        await until(lambda: shown(window.logs) == link.router_lines, "hal0's own lines")
        window.close()
        assert not window.logs.following

    run_qt(qapp, scene())


def test_a_router_that_cannot_answer_is_quoted(qapp: QApplication) -> None:
    link = StoreLink(scenes.ready())
    link.log_error = ShuttingDown("hal0 is stopping.")

    async def scene() -> None:
        window = MainWindow(link)
        window.may_hide = True
        window.show_logs("primary")
        await until(window.logs.note.isVisible, "the reason")
        assert window.logs.note.text() == "The log could not be read: hal0 is stopping."
        window.close()

    run_qt(qapp, scene())
