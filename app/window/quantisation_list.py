"""The quantisations of a repository, to choose one of."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import QApplication, QTreeWidget, QTreeWidgetItem

from app.texts import pull as words
from app.views.quantisations import QuantisationRow
from app.views.tone import Tone
from app.window.columns import lay_out_columns
from app.window.models_list import PADDING
from app.window.models_table import ROW_PADDING
from app.window.theme import colours
from router.memory.forecast.needs import Fit

LABEL, SIZE, FIT, CONTEXT = range(4)
_REFERENCE = Qt.ItemDataRole.UserRole
# The longest ordinary text of each column, which its width is made for; the name takes the rest.
_SAMPLES = {SIZE: "888.8 GB", FIT: "≈ short by 88.8 GiB", CONTEXT: "128k"}
_TONES = {Fit.FITS: Tone.GOOD, Fit.TIGHT: Tone.BUSY, Fit.SHORT: Tone.BAD}


class QuantisationList(QTreeWidget):
    """Signals:
    chosen: another one is the current one.
    """

    chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setHeaderLabels(list(words.COLUMNS))
        self.setAccessibleName(words.CHOICES)
        lay_out_columns(self, words.COLUMNS, _SAMPLES, LABEL, PADDING)
        self.currentItemChanged.connect(lambda _new, _old: self.chosen.emit())

    @property
    def reference(self) -> str | None:
        """The one that is chosen."""
        item = self.currentItem()
        return None if item is None else str(item.data(LABEL, _REFERENCE))

    def show_rows(self, rows: tuple[QuantisationRow, ...], chosen: str | None) -> None:
        """`chosen`: the reference to begin with."""
        self.clear()
        tones = colours(QApplication.palette())
        for row in rows:
            item = QTreeWidgetItem([row.label, row.size, row.fit, row.context])
            item.setData(LABEL, _REFERENCE, row.reference)
            item.setSizeHint(LABEL, QSize(0, self.fontMetrics().height() + ROW_PADDING))
            item.setToolTip(FIT, row.tip)
            if row.fits is not None:
                item.setForeground(FIT, QBrush(QColor(tones.tone(_TONES[row.fits]))))
            self.addTopLevelItem(item)
            if row.reference == chosen:
                self.setCurrentItem(item)
