"""The Activity tab over a link that has whatever records a test gives it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.texts import activity as words
from app.views.activity import MOST
from app.window.activity_tab import ActivityTab
from app.window.main import MainWindow
from router.activity.listing import Listing
from router.activity.record import Record
from router.base.errors import ShuttingDown
from tests.app import scenes
from tests.app.fake_service import StoreLink
from tests.app.running import run_qt, until
from tests.router.activity.records import record


def records(count: int, newest: int) -> tuple[Record, ...]:
    """Newest first; every tenth one failed."""
    return tuple(
        record(
            id=newest - n,
            slot="primary" if n % 2 else "coder",
            outcome="refused" if n % 10 == 0 else "answered",
        )
        for n in range(count)
    )


def opened(link: StoreLink) -> tuple[MainWindow, ActivityTab]:
    window = MainWindow(link)
    window.may_hide = True
    window.show_activity()
    tab = window.activity.content
    assert isinstance(tab, ActivityTab)
    return window, tab


@pytest.fixture
def tab(qtbot: QtBot) -> ActivityTab:
    made = ActivityTab(StoreLink(scenes.ready()))
    qtbot.addWidget(made)
    made.show_snapshot(scenes.ready())
    made.show()
    return made


def ids(tab: ActivityTab) -> list[int]:
    return [row.id for row in tab.table.records]


def test_it_follows_only_while_it_is_seen_and_not_paused(qapp: QApplication) -> None:
    link = StoreLink(scenes.ready())
    link.activity = Listing(records(3, 100), keep=10_000)

    async def scene() -> None:
        window, tab = opened(link)
        await until(lambda: ids(tab) == [100, 99, 98], "the first rows")
        link.activity = Listing(records(5, 102), keep=10_000)
        await until(lambda: ids(tab) == [102, 101, 100, 99, 98], "those that came")
        assert link.asked[-1].since in (100, 102)
        assert tab.following
        tab.pause.click()
        assert not tab.following
        tab.pause.click()
        window.tabs.setCurrentWidget(window.slots)
        assert not tab.following
        window.show_activity()
        assert tab.following
        window.close()
        assert not tab.following

    run_qt(qapp, scene())


def test_the_filters_ask_and_the_search_looks(qapp: QApplication) -> None:
    link = StoreLink(scenes.ready())
    link.activity = Listing(records(30, 100), keep=10_000)

    async def scene() -> None:
        window, tab = opened(link)
        await until(lambda: len(ids(tab)) == 30, "all")
        tab.failed.click()
        await until(lambda: ids(tab) == [100, 90, 80], "the failures")
        tab.slot.setCurrentIndex(tab.slot.findData("primary"))
        await until(lambda: tab.note.text() == words.NO_MATCH, "no failure of primary")
        tab.failed.click()
        await until(lambda: len(ids(tab)) == 15, "those of primary")
        tab.search.setText("ALPHA")
        assert tab.filter.rowCount() == 15
        tab.search.setText("gemma")
        assert tab.filter.rowCount() == 0 and tab.note.text() == words.NO_MATCH
        window.close()

    run_qt(qapp, scene())


def test_older_rows_come_when_the_end_is_scrolled_to(qapp: QApplication) -> None:
    link = StoreLink(scenes.ready())
    link.activity = Listing(records(1200, 5000), keep=10_000)

    async def scene() -> None:
        window, tab = opened(link)
        await until(lambda: len(ids(tab)) == MOST, "the newest")
        for count in (1000, 1200):
            bar = tab.list.verticalScrollBar()
            bar.setValue(bar.maximum())
            await until(lambda count=count: len(ids(tab)) == count, f"{count} rows")
        assert ids(tab) == list(range(5000, 3800, -1))
        tab.search.setText("nobody")
        assert tab.note.text() == words.NO_MATCH, "all were looked through"
        window.close()

    run_qt(qapp, scene())


def test_older_rows_are_a_button_away_where_nothing_scrolls(qapp: QApplication) -> None:
    link = StoreLink(scenes.ready())
    link.activity = Listing(records(600, 5000), keep=10_000)

    async def scene() -> None:
        window, tab = opened(link)
        await until(lambda: len(ids(tab)) == MOST, "the newest")
        tab.search.setText("nobody")
        assert tab.older.isVisible() and "Older" in tab.note.text()
        tab.older.click()
        await until(lambda: len(ids(tab)) == 600, "the rest")
        assert not tab.older.isVisible() and tab.note.text() == words.NO_MATCH
        window.close()

    run_qt(qapp, scene())


def test_a_reason_why_nothing_can_be_read_is_quoted(qapp: QApplication) -> None:
    link = StoreLink(scenes.ready())
    link.log_error = ShuttingDown("hal0 is stopping.")

    async def scene() -> None:
        window, tab = opened(link)
        await until(
            lambda: tab.note.text() == "The requests could not be read: hal0 is stopping.", "the reason"
        )
        link.log_error = None
        await until(lambda: tab.note.text() == words.NOTHING_ASKED, "the next answer")
        window.close()

    run_qt(qapp, scene())


def test_what_is_deleted_elsewhere_leaves(tab: ActivityTab) -> None:
    tab.take(tab.question, Listing(records(5, 100), keep=10))
    tab.list.setCurrentIndex(tab.filter.index(0, 0))
    tab.take(replace(tab.question, since=100), Listing(keep=10, forgotten=98))
    assert ids(tab) == [100, 99]
    tab.take(replace(tab.question, since=100), Listing(keep=10, forgotten=100))
    assert ids(tab) == [] and tab.details.record is None
    assert tab.note.text() == words.NOTHING_ASKED


def test_that_nothing_is_kept_is_said(tab: ActivityTab) -> None:
    assert tab.note.text() == words.READING_LIST
    tab.take(tab.question, Listing(records(5, 100), keep=10))
    assert not tab.note.isVisible()
    tab.take(tab.question, Listing())
    assert ids(tab) == [] and "activity.keep is 0" in tab.note.text()


def test_when_too_many_came_at_once_the_rest_can_be_had_as_older_ones(tab: ActivityTab) -> None:
    tab.take(tab.question, Listing(records(10, 100), keep=10_000))
    tab.take(replace(tab.question, since=100), Listing(records(500, 5000), 4501, 10_000))
    assert ids(tab) == list(range(5000, 4500, -1))
    tab.take(replace(tab.question, before=4501), Listing(records(500, 4500), 4001, 10_000))
    assert ids(tab) == list(range(5000, 4000, -1))


def test_an_answer_to_other_filters_is_not_shown(tab: ActivityTab) -> None:
    question = tab.question
    tab.failed.setChecked(True)
    tab.take(question, Listing(records(5, 100), keep=10))
    assert ids(tab) == []


def test_a_chosen_row_tells_what_happened_and_stays_chosen(tab: ActivityTab, qtbot: QtBot) -> None:
    tab.take(tab.question, scenes.activity())
    tab.list.setFocus()
    QTest.keyClick(tab.list, Qt.Key.Key_Down)
    QTest.keyClick(tab.list, Qt.Key.Key_Up)
    assert tab.details.error.text().endswith("6.1 GiB is free. (memory.insufficient)")
    QTest.keyClick(tab.list, Qt.Key.Key_Down)
    chosen = tab.details.record
    assert chosen is not None and not tab.details.problem.isVisible()
    assert "waited for a switch 11.7 s, first token 499 ms" in tab.details.bar.accessibleDescription()
    assert "1834 in (1790 cached), 248 out" in tab.details.facts.accessibleName()
    newer = tuple(row._replace(id=row.id + 1000) for row in scenes.activity().records)
    tab.take(replace(tab.question, since=100), Listing(newer, keep=10_000))
    assert tab.details.record == chosen


def test_a_row_is_told_to_a_screen_reader_with_its_column(tab: ActivityTab) -> None:
    tab.take(tab.question, scenes.activity())
    index = tab.table.index(0, 9)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "Tokens/s: not known"
    assert tab.list.accessibleName() == "Requests" and tab.search.accessibleName() == "Search"


def test_what_a_person_looks_at_stays_where_it_is(tab: ActivityTab) -> None:
    tab.resize(800, 400)
    tab.take(tab.question, Listing(records(200, 1000), keep=10_000))
    QApplication.processEvents()
    tab.list.verticalScrollBar().setValue(50)
    top = tab.list.indexAt(tab.list.viewport().rect().topLeft()).data(Qt.ItemDataRole.UserRole)
    tab.take(replace(tab.question, since=1000), Listing(records(40, 1040), keep=10_000))
    QApplication.processEvents()
    assert tab.list.indexAt(tab.list.viewport().rect().topLeft()).data(Qt.ItemDataRole.UserRole) == top


def test_five_hundred_rows_a_second_do_not_stall_the_window(tab: ActivityTab) -> None:
    """Ten seconds' worth, in the portions that the polls bring."""
    newest = 100_000
    tab.take(tab.question, Listing(records(500, newest), newest - 499, 10_000))
    tab.search.setText("alpha")
    longest = 0.0
    for _ in range(20):
        newest += 250
        came = Listing(records(250, newest), keep=10_000)
        began = time.thread_time()  # not what others took of the processor meanwhile
        tab.take(replace(tab.question, since=newest - 250), came)
        QApplication.processEvents()
        longest = max(longest, time.thread_time() - began)
    assert ids(tab) == list(range(newest, newest - MOST, -1))
    assert longest < 0.25, "it takes 15 ms"


def test_all_are_forgotten_after_a_question(qapp: QApplication) -> None:
    link = StoreLink(scenes.ready())
    link.activity = Listing(records(3, 100), keep=10_000, kept=3)

    async def scene() -> None:
        window, tab = opened(link)
        assert not tab.forget.isEnabled(), "nothing is known of yet"
        await until(lambda: ids(tab) == [100, 99, 98], "the rows")
        tab.forget.click()
        assert tab.forget.question is not None and tab.forget.question.isVisible()
        assert tab.forget.question.defaultButton() is tab.forget.question.no
        tab.forget.question.no.click()
        link.log_error = ShuttingDown("hal0 is quitting.")
        tab.pause.click()  # or the list says the same of itself
        tab.forget.click()
        tab.forget.question.yes.click()
        await until(lambda: tab.note.text() == words.not_forgotten("hal0 is quitting."), "the reason")
        assert ids(tab) == [100, 99, 98]
        link.log_error = None
        tab.slot.setCurrentIndex(tab.slot.findData("embed"))
        await until(lambda: tab.note.text() == words.NO_MATCH, "a filter without rows")
        assert tab.forget.isEnabled(), "others are kept"
        tab.slot.setCurrentIndex(0)
        await until(lambda: ids(tab) == [100, 99, 98], "all again")
        tab.forget.click()
        tab.forget.question.yes.click()
        await until(lambda: tab.note.text() == words.NOTHING_ASKED, "the empty list")
        assert ids(tab) == [] and not tab.forget.isEnabled() and link.activity.records == ()
        window.close()

    run_qt(qapp, scene())
