"""The models there are to fetch, to choose one of."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QResizeEvent
from PySide6.QtWidgets import QApplication, QTreeWidget, QTreeWidgetItem

from app.texts import discover as words
from app.views.discover import FindingRow
from app.views.tone import Tone
from app.window.columns import hide_columns, lay_out_columns
from app.window.models_list import PADDING
from app.window.models_table import ROW_PADDING
from app.window.theme import colours
from router.memory.forecast.needs import Fit

NAME, PURPOSE, SIZE, FIT, LICENCE = range(5)
_ROW = Qt.ItemDataRole.UserRole
# The longest ordinary text of each column, which its width is made for; the name takes the rest.
_SAMPLES = {PURPOSE: "embeddings", SIZE: "888.8 GB", FIT: "≈ short by 88.8 GiB", LICENCE: "Apache-2.0"}
_TONES = {Fit.FITS: Tone.GOOD, Fit.TIGHT: Tone.BUSY, Fit.SHORT: Tone.BAD}
# Below these widths (pixels at 100%) the name needs the room more than the columns.
_NEEDS = {LICENCE: 640, PURPOSE: 540}


class FindingsList(QTreeWidget):
    """Signals:
    chosen: another one is the current one.
    """

    chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setHeaderLabels(list(words.COLUMNS))
        self.setAccessibleName(words.FOUND)
        lay_out_columns(self, words.COLUMNS, _SAMPLES, NAME, PADDING)
        self.currentItemChanged.connect(lambda _new, _old: self.chosen.emit())

    @property
    def row(self) -> FindingRow | None:
        """The one that is chosen."""
        item = self.currentItem()
        found: FindingRow | None = None if item is None else item.data(NAME, _ROW)
        return found

    def show_rows(self, rows: tuple[FindingRow, ...]) -> None:
        """Show these, none of them chosen."""
        with QSignalBlocker(self):
            self.clear()
            tones = colours(QApplication.palette())
            for row in rows:
                item = QTreeWidgetItem([row.name, row.purpose, row.size, row.fit, row.licence])
                item.setData(NAME, _ROW, row)
                item.setSizeHint(NAME, QSize(0, self.fontMetrics().height() + ROW_PADDING))
                item.setToolTip(NAME, f"{row.reference}\n{row.details}")
                if row.fits is not None:
                    item.setForeground(FIT, QBrush(QColor(tones.tone(_TONES[row.fits]))))
                self.addTopLevelItem(item)

    def choose_none(self) -> None:
        """Forget the choice, without telling."""
        with QSignalBlocker(self):
            self.selectionModel().clear()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        hide_columns(self, _NEEDS, event.size().width())
        super().resizeEvent(event)
