"""Row 43: at every width nothing sticks out of what holds it, and no word is cut off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QLabel,
    QMenu,
    QScrollArea,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.window.main import MainWindow
from app.window.widgets import Scroller
from tests.app.gallery import SCENES

WIDTHS = (480, 760, 1200)


@pytest.fixture
def big_letters(qapp: QApplication) -> Iterator[None]:
    """A desktop whose text is set to 200 %."""
    before = qapp.font()
    twice = QFont(before)
    twice.setPointSizeF(2 * before.pointSizeF())
    qapp.setFont(twice)
    yield
    qapp.setFont(before)


def scrolls_sideways(widget: QWidget) -> bool:
    """Whether what it holds may be wider: tables and texts with a scroll bar of their own."""
    return isinstance(widget, QAbstractScrollArea) and not isinstance(widget, QScrollArea)


def sticking_out(top: QWidget) -> list[str]:
    """Visible parts whose right edge lies outside a part around them, and lines wider than their place."""
    found = []
    for widget in top.findChildren(QWidget):
        if not widget.isVisible() or widget.isWindow() or widget.window() is not top:
            continue
        around = widget.parentWidget()
        while around is not None and not scrolls_sideways(around):
            right = widget.mapTo(around, QPoint(widget.width(), 0)).x()
            if right > around.width() + 1:
                found.append(f"{describe(widget)} ends at {right} of {around.width()} in {describe(around)}")
                break
            around = around.parentWidget() if around is not top else None
        if widget.width() + 1 < needed(widget):
            found.append(f"{describe(widget)} has {widget.width()} of {needed(widget)} pixels")
    return found


def needed(widget: QWidget) -> int:
    """Pixels without which words are cut off."""
    if isinstance(widget, QLabel) and not widget.wordWrap() and widget.text():
        return (
            widget.fontMetrics().horizontalAdvance(max(widget.text().splitlines(), key=len))
            if widget.sizePolicy().horizontalPolicy() is not widget.sizePolicy().Policy.Ignored
            else 0
        )
    if isinstance(widget, QAbstractButton) and widget.text():
        return widget.fontMetrics().horizontalAdvance(widget.text().replace("&", ""))
    return 0


def describe(widget: QWidget) -> str:
    words = getattr(widget, "text", lambda: "")()
    return f"{type(widget).__name__} {words[:40]!r}"


def settled(top: QWidget, width: int) -> QWidget:
    top.show()
    top.resize(width, max(480, top.height()))
    for _ in range(4):
        QApplication.processEvents()
    return top


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", sorted(SCENES))
def test_nothing_sticks_out(qtbot: QtBot, name: str, width: int) -> None:
    top = SCENES[name]()
    qtbot.addWidget(top)
    if isinstance(top, QMenu):
        return
    if isinstance(top, MainWindow):
        assert settled(top, width).width() == width
    else:
        settled(top, min(width, 760))
    assert not (told := sticking_out(top)), "\n".join(told[:4])


@pytest.mark.parametrize(
    "name",
    [
        "damaged",
        "long-names",
        "failed",
        "phases",
        "first-run",
        "models",
        "settings-server",
        "settings-slots",
        "settings-advanced",
        "logs",
        "no-room",
    ],
)
def test_nothing_sticks_out_with_big_letters(qtbot: QtBot, big_letters: None, name: str) -> None:
    top = SCENES[name]()
    qtbot.addWidget(top)
    assert settled(top, 760).width() == 760
    assert not (told := sticking_out(top)), "\n".join(told[:4])


@pytest.mark.parametrize("name", ["ready", "first-run-bare", "settings-slots", "settings-advanced"])
def test_on_a_large_screen_lines_do_not_run_from_edge_to_edge(qtbot: QtBot, name: str) -> None:
    top = SCENES[name]()
    qtbot.addWidget(top)
    top.show()
    top.resize(3000, 1600)
    for _ in range(6):
        QApplication.processEvents()
    letter = top.fontMetrics().averageCharWidth()
    insides = [area.widget() for area in top.findChildren(Scroller) if area.isVisible()]
    wide = [inside for inside in insides if inside.width() > 200 * letter]
    assert insides and not wide, [inside.width() for inside in wide]
    if name == "ready":
        area = top.findChildren(Scroller)[0]
        left = area.widget().x()
        right = area.viewport().width() - left - area.widget().width()
        assert abs(left - right) <= 1, "the cards stand in the middle"
