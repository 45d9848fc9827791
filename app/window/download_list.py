"""The downloads under way, each with a bar and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.texts import pull as words
from app.views.downloads import DownloadRow, Offered, download_rows
from app.views.menu import Action, Command
from app.window.widgets import Card, ElidedLabel, Scroller, button, set_flag, set_text, wrapping_label
from router.state import Snapshot

MOST_ROWS = 3
"""More than these are scrolled to."""


class DownloadCard(Card):
    """Signals:
    chosen: (Command) pause, go on with or remove it.
    """

    chosen = Signal(object)

    def __init__(self, row: DownloadRow) -> None:
        super().__init__()
        self._row = row
        self.name = ElidedLabel("title")
        self.bar = QProgressBar(textVisible=False)
        self.message = wrapping_label("muted")
        self.first = button(words.PAUSE)
        self.second = button(words.REMOVE)
        self._lay_out()
        self.first.clicked.connect(lambda: self._choose(self._row.first))
        self.second.clicked.connect(lambda: self._choose(self._row.second))
        self.show_row(row)

    def show_row(self, row: DownloadRow) -> None:
        self._row = row
        self.name.show_text(row.reference)
        set_text(self.message, row.message)
        set_flag(self.message, "failed", "true" if row.failed else "false")
        self.bar.setVisible(row.moving)
        self.bar.setRange(0, 0 if row.share is None else 1000)  # 0..0 is Qt's "busy, no idea how long"
        self.bar.setValue(round(1000 * (row.share or 0)))
        self.bar.setAccessibleName(row.reference)
        self._show_button(self.first, row.first)
        self._show_button(self.second, row.second)

    def _show_button(self, shown: QPushButton, offered: Offered | None) -> None:
        shown.setVisible(offered is not None)
        if offered is not None and shown.text() != offered.label:
            shown.setText(offered.label)
            shown.setToolTip(offered.tip)
        if offered is not None:
            shown.setAccessibleName(words.action_on(offered.label, self._row.reference))

    def _choose(self, offered: Offered | None) -> None:
        if offered is not None:
            self.chosen.emit(Command(Action.DOWNLOAD, model=self._row.reference, value=offered.order.value))

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(4)
        left.addWidget(self.name)
        left.addWidget(self.bar)
        left.addWidget(self.message)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(12, 8, 10, 8)
        whole.setSpacing(8)
        whole.addLayout(left, 1)
        for part in (self.first, self.second):
            whole.addWidget(part, 0, Qt.AlignmentFlag.AlignVCenter)


class DownloadList(Scroller):
    """Hidden while there are none.

    Signals:
        chosen: (Command) what a person wants of one.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        inside = QWidget()
        self._box = QVBoxLayout(inside)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(6)
        super().__init__(inside)
        self.setAccessibleName(words.DOWNLOADS)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self.cards: dict[str, DownloadCard] = {}
        self._shown: tuple[DownloadRow, ...] = ()
        self.hide()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        rows = download_rows(snapshot)
        if rows == self._shown:
            return
        self._shown = rows
        for reference in self.cards.keys() - {row.reference for row in rows}:
            gone = self.cards.pop(reference)
            self._box.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        for row in rows:
            if (card := self.cards.get(row.reference)) is not None:
                card.show_row(row)
            else:
                card = self.cards[row.reference] = DownloadCard(row)
                card.chosen.connect(self.chosen)
                self._box.addWidget(card)
        self.setVisible(bool(rows))
        self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self.updateGeometry()  # a sentence may need another line

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        heights = self._heights()
        gaps = self._box.spacing() * max(0, len(heights) - 1)
        return QSize(super().sizeHint().width(), sum(heights) + gaps)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(0, self._heights()[0] if self.cards else 0)

    def _heights(self) -> list[int]:
        """Return the heights of the cards that are seen without scrolling."""
        bar = self.verticalScrollBar().sizeHint().width() if len(self.cards) > MOST_ROWS else 0
        width = max(1, self.width() - bar)
        return [card.heightForWidth(width) for card in list(self.cards.values())[:MOST_ROWS]]
