"""The requests as Qt's model/view: newest first, bounded, and cheap however many come."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt
from PySide6.QtCore import QSortFilterProxyModel as FilterModel
from PySide6.QtGui import QBrush, QColor, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QApplication, QTreeView

from app.texts import activity as words
from app.views.activity import cells, merged, says
from app.window.columns import hide_columns, lay_out_columns
from app.window.theme import colours
from router.activity.record import Record

Index = QModelIndex | QPersistentModelIndex
TIME, SLOT, MODEL, CLIENT, STATUS, WAITED, FIRST_BYTE, TOTAL, TOKENS, SPEED = range(10)
RECORD = Qt.ItemDataRole.UserRole
_NUMBERS = frozenset({WAITED, FIRST_BYTE, TOTAL, TOKENS, SPEED})
# The longest ordinary text of each column, which its width is made for; the model takes the rest.
_SAMPLES = {
    TIME: "28 Nov 14:02", SLOT: "primary, x", CLIENT: "openai-python", STATUS: "404 refused", WAITED: "888.8 s",
    FIRST_BYTE: "888.8 s", TOTAL: "888.8 s", TOKENS: "88888", SPEED: "888.8",
}  # fmt: skip
PADDING = 18
ROW_PADDING = 8  # pixels above and below a row's text together
# Below these widths (pixels at 100%) the model needs the room more than the columns.
_NEEDS = {SLOT: 520, CLIENT: 680, WAITED: 860, FIRST_BYTE: 780, TOKENS: 560, SPEED: 620}


class RequestTable(QAbstractTableModel):
    """Rows of `Record`; holds nothing else."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.records: list[Record] = []

    def start_over(self, records: Sequence[Record] = ()) -> None:
        self.beginResetModel()
        self.records = list(records)
        self.endResetModel()

    def add(self, records: Sequence[Record], most: int) -> int:
        """Put newer records before, and older ones after those that there are; keep the newest `most`. Return
        how many came before."""
        first, last = (self.records[0].id, self.records[-1].id) if self.records else (0, 0)
        newer = list(takewhile(lambda record: record.id > first, merged(records, ())))
        older = [record for record in records if record.id < last]
        if newer:
            self.beginInsertRows(QModelIndex(), 0, len(newer) - 1)
            self.records[:0] = newer
            self.endInsertRows()
        if older:
            self.beginInsertRows(QModelIndex(), len(self.records), len(self.records) + len(older) - 1)
            self.records.extend(older)
            self.endInsertRows()
        self._cut(most)
        return len(newer)

    def drop(self, number: int) -> None:
        """Take away those up to the id `number`."""
        if self.records and self.records[-1].id <= number:
            self._cut(sum(1 for _ in takewhile(lambda record: record.id > number, self.records)))

    def _cut(self, most: int) -> None:
        if len(self.records) > most:
            self.beginRemoveRows(QModelIndex(), most, len(self.records) - 1)
            del self.records[most:]
            self.endRemoveRows()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's
        return 0 if parent.isValid() else len(self.records)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's
        return 0 if parent.isValid() else len(words.COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return words.COLUMNS[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        record, column = self.records[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return cells(record, time.time())[column]
            case Qt.ItemDataRole.AccessibleTextRole:
                shown = cells(record, time.time())[column]
                return f"{words.COLUMNS[column]}: {words.NOT_KNOWN if shown == words.UNKNOWN else shown}"
            case Qt.ItemDataRole.ToolTipRole if column == STATUS:
                return record.error or None
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(column)
            case Qt.ItemDataRole.SizeHintRole if column == TIME:
                return QSize(0, QFontMetrics(QApplication.font()).height() + ROW_PADDING)
            case Qt.ItemDataRole.ForegroundRole if record.failed and column == STATUS:
                return QBrush(QColor(colours(QApplication.palette()).bad))
            case _ if role == RECORD:
                return record
        return None


class RequestFilter(FilterModel):
    """Keeps the rows that have the words that are searched for."""

    def __init__(self, table: RequestTable) -> None:
        super().__init__(table)
        self._table = table
        self._wanted = ""
        self.setSourceModel(table)

    def search(self, wanted: str) -> None:
        self.beginFilterChange()
        self._wanted = wanted.strip().lower()
        self.endFilterChange(self.Direction.Rows)

    def filterAcceptsRow(self, row: int, _parent: Index) -> bool:  # noqa: N802 - Qt's name
        return not self._wanted or says(self._table.records[row], self._wanted)


class RequestList(QTreeView):
    def __init__(self, model: RequestFilter) -> None:
        super().__init__()
        self.setModel(model)
        self.setAccessibleName(words.REQUESTS)
        lay_out_columns(self, words.COLUMNS, _SAMPLES, MODEL, PADDING)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        hide_columns(self, _NEEDS, event.size().width())
        super().resizeEvent(event)


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
