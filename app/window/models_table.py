"""The list of models as Qt's model/view: cheap with hundreds of them, searchable, sortable."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSize,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QBrush, QColor, QFontMetrics
from PySide6.QtWidgets import QApplication

from app.texts import models as words
from app.views.models import Grade, ModelRow, matches
from app.views.tone import Tone
from app.window.theme import colours

Index = QModelIndex | QPersistentModelIndex
NAME, SIZE, QUANTISATION, NEEDS, CONTEXT, KIND, LOADED, FIT = range(8)
ROW = Qt.ItemDataRole.UserRole
ROW_PADDING = 12  # pixels above and below a row's text together
_TONES = {Grade.FITS: Tone.GOOD, Grade.TIGHT: Tone.BUSY, Grade.TOO_BIG: Tone.BAD, Grade.BROKEN: Tone.BAD}


class ModelTable(QAbstractTableModel):
    """Rows of `ModelRow`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[ModelRow, ...] = ()
        self._keys: dict[int, list[tuple[Any, str]]] = {}

    def row(self, number: int) -> ModelRow:
        return self._rows[number]

    def sort_key(self, number: int, column: int) -> tuple[Any, str]:
        """Return what a column is sorted by, made once for all rows: sorting asks thousands of times."""
        if column not in self._keys:
            self._keys[column] = [_sort_key(row, column) for row in self._rows]
        return self._keys[column][number]

    def show_rows(self, rows: tuple[ModelRow, ...]) -> None:
        """Change in place what can be: a selection and the scroll position survive that."""
        self._keys.clear()
        if [row.model.id for row in rows] != [row.model.id for row in self._rows]:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
            return
        old, self._rows = self._rows, rows
        changed = [number for number, row in enumerate(rows) if row != old[number]]
        if changed:  # one signal: the filter looks at every row of a range at once
            left = NAME if any(rows[number].model != old[number].model for number in changed) else LOADED
            self.dataChanged.emit(self.index(changed[0], left), self.index(changed[-1], FIT))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's
        return 0 if parent.isValid() else len(words.COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return words.COLUMNS[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self._rows[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return _text(row, column)
            case Qt.ItemDataRole.ToolTipRole:
                return _tip(row, column)
            case Qt.ItemDataRole.AccessibleTextRole:
                return _spoken(row, column)
            case Qt.ItemDataRole.SizeHintRole if column == NAME:
                return QSize(0, QFontMetrics(QApplication.font()).height() + ROW_PADDING)
            case Qt.ItemDataRole.ForegroundRole:
                return _brush(row, column)
            case _ if role == ROW:
                return row
        return None


class ModelFilter(QSortFilterProxyModel):
    """Keeps the rows that match the search; sorts by the numbers behind the texts."""

    def __init__(self, table: ModelTable) -> None:
        super().__init__(table)
        self._table = table
        self._search: list[str] = []
        self.setSourceModel(table)
        self.setDynamicSortFilter(True)

    def search(self, search: str) -> None:
        self.beginFilterChange()
        self._search = search.casefold().split()
        self.endFilterChange(self.Direction.Rows)

    def filterAcceptsRow(self, row: int, _parent: Index) -> bool:  # noqa: N802 - Qt's name
        return matches(self._table.row(row), self._search)

    def lessThan(self, left: Index, right: Index) -> bool:  # noqa: N802 - Qt's name
        column = left.column()
        return self._table.sort_key(left.row(), column) < self._table.sort_key(right.row(), column)


def _text(row: ModelRow, column: int) -> str:
    model = row.model
    texts = (
        row.name,
        row.size,
        model.quantisation or words.UNKNOWN,
        row.needs,
        row.context,
        model.kind.value,
        ", ".join(row.slots) or words.UNKNOWN,
        row.fit.text,
    )
    return texts[column]


def _tip(row: ModelRow, column: int) -> str | None:
    if column == NAME:
        return row.model.file or row.model.id
    return {CONTEXT: row.context_tip, FIT: row.fit.tip}.get(column) or None


def _spoken(row: ModelRow, column: int) -> str:
    """Put a cell into words: a dash says nothing to a screen reader, and `≈` is read as "almost equal to"."""
    shown = _text(row, column)
    if column == FIT and row.fit.tip:
        return row.fit.tip
    return f"{words.COLUMNS[column]}: {words.NOT_KNOWN if shown == words.UNKNOWN else shown}"


def _sort_key(row: ModelRow, column: int) -> tuple[Any, str]:
    """Equal values are in the order of their names."""
    model = row.model
    keys = (
        "",
        model.size_bytes or 0,
        (model.quantisation or "").casefold(),
        model.needs or 0,
        model.context_length or 0,
        model.kind.value,
        (not row.slots, row.slots),
        (row.fit.grade, model.size_bytes or 0),
    )
    return keys[column], row.name.casefold()


def _brush(row: ModelRow, column: int) -> QBrush | None:
    chosen = colours(QApplication.palette())
    if column == FIT and row.fit.grade in _TONES:
        return QBrush(QColor(chosen.tone(_TONES[row.fit.grade])))
    return QBrush(QColor(chosen.muted)) if column == NAME and row.model.problem else None
