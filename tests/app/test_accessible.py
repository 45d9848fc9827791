"""Whoever hears the window instead of seeing it: every control has a name, in every scene."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.app.gallery import SCENES

CONTROLS = (
    QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit, QProgressBar
)  # fmt: skip


def part_of_another(widget: QWidget) -> bool:
    """Whether a control made by Qt belongs to one that has the name: a box's own line, list or header."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, (QComboBox, QAbstractSpinBox, QLineEdit)):
            return True
        parent = parent.parentWidget()
    return isinstance(widget, QHeaderView) or widget.objectName().startswith("qt_")


def nameless(top: QWidget) -> set[str]:
    found = set()
    for widget in top.findChildren(QWidget):
        if not isinstance(widget, CONTROLS) or part_of_another(widget) or not widget.isVisible():
            continue
        interface = QAccessible.queryAccessibleInterface(widget)
        if interface is None or not interface.text(QAccessible.Text.Name).strip("…+ "):
            found.add(f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}")
    return found


@pytest.mark.parametrize("name", sorted(SCENES))
def test_every_control_has_a_name(qtbot: QtBot, name: str) -> None:
    top = SCENES[name]()
    qtbot.addWidget(top)
    if isinstance(top, QMenu):
        return
    top.show()
    for _ in range(3):
        QApplication.processEvents()
    assert nameless(top) == set()


def test_a_control_without_a_name_would_be_found(qtbot: QtBot) -> None:
    top = QWidget()
    qtbot.addWidget(top)
    for made in (QLineEdit(top), QComboBox(top), QProgressBar(top), QPlainTextEdit(top)):
        made.show()
    top.show()
    assert nameless(top) == {
        f"{kind} in QWidget" for kind in ("QLineEdit", "QComboBox", "QProgressBar", "QPlainTextEdit")
    }
