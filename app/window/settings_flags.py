"""The editor of llama-server's flags, and of environment variables: a table of names and values."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QHeaderView,
    QLineEdit,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.texts import models as words
from app.views.settings_document import Flags

MAX_ROWS = 8


class TypedAtOnce(QStyledItemDelegate):
    """Each letter counts when it is typed, as in every other field, not when the cell is left."""

    def createEditor(  # noqa: N802 - Qt's name
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QWidget:
        made = super().createEditor(parent, option, index)
        if isinstance(made, QLineEdit):
            made.textEdited.connect(lambda: self.commitData.emit(made))
        return made


class FlagsField(QTableWidget):
    """Names and their values; the last row is always an empty one to type into. Delete removes a row."""

    changed = Signal(object)

    def __init__(self, columns: tuple[str, str] = words.FLAG_COLUMNS) -> None:
        super().__init__(0, 2)
        self.setHorizontalHeaderLabels(list(columns))
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setTabKeyNavigation(False)
        self.setItemDelegate(TypedAtOnce(self))
        self.itemChanged.connect(self._on_changed)
        self._refill(())

    @property
    def value(self) -> Flags:
        rows = [(self._text(row, 0), self._text(row, 1)) for row in range(self.rowCount())]
        return tuple((name, value) for name, value in rows if name)

    def show_value(self, value: Flags) -> None:
        if self.value != value:
            self._refill(value)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        row = self.currentRow()
        if event.key() != Qt.Key.Key_Delete or not 0 <= row < self.rowCount() - 1:
            super().keyPressEvent(event)
            return
        self.removeRow(row)
        self._fit()
        self.changed.emit(self.value)

    def _text(self, row: int, column: int) -> str:
        item = self.item(row, column)
        return item.text().strip() if item else ""

    def _refill(self, value: Flags) -> None:
        blocked = self.blockSignals(True)
        self.setRowCount(len(value) + 1)
        for row, flag in enumerate((*value, ("", ""))):
            for column, words_ in enumerate(flag):
                self.setItem(row, column, QTableWidgetItem(words_))
        self.blockSignals(blocked)
        self._fit()

    def _on_changed(self) -> None:
        if self._text(self.rowCount() - 1, 0):
            self.insertRow(self.rowCount())
            self._fit()
        self.changed.emit(self.value)

    def _fit(self) -> None:
        row = self.verticalHeader().defaultSectionSize()
        shown = min(MAX_ROWS, max(3, self.rowCount()))
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + shown * row + 2 * self.frameWidth())
