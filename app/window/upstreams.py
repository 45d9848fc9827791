"""The servers elsewhere: whether each answers, and what it has."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.texts import window as text_window
from app.views.upstreams import UpstreamRow, upstream_rows
from app.window.wake_button import WakeButton
from app.window.widgets import Card, Chip, ElidedLabel, label, set_text, wrapping_label
from router.state import Snapshot

NAME_WIDTH = 116


class UpstreamLine(QWidget):
    """Signals:
    chosen: (Command) that it be woken.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.name = ElidedLabel("title")
        self.name.setFixedWidth(NAME_WIDTH)
        self.facts = ElidedLabel("muted", mode=Qt.TextElideMode.ElideRight)
        self.chip = Chip()
        self.error = wrapping_label("failed")
        self.wake = WakeButton()
        self.wake.chosen.connect(self.chosen)
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self.name)
        top.addWidget(self.facts, 1)
        top.addWidget(self.wake)
        top.addWidget(self.chip)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(4)
        whole.addLayout(top)
        whole.addWidget(self.error)

    def show_row(self, row: UpstreamRow) -> None:
        self.name.show_text(row.name)
        self.facts.show_text(row.facts)
        self.chip.show_state(row.chip, row.tone)
        self.chip.setAccessibleName(f"{row.name}: {row.chip}")
        set_text(self.error, row.error)
        self.error.setVisible(bool(row.error))
        self.wake.show_state(row.name, wakes=row.wakes, enabled=row.wake)


class UpstreamList(Card):
    """Hidden where there are none.

    Signals:
        chosen: (Command) that one be woken.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[UpstreamLine] = []
        self._rows: tuple[UpstreamRow, ...] | None = None
        title = label("muted")
        title.setText(text_window.UPSTREAMS)
        self._whole = QVBoxLayout(self)
        self._whole.setContentsMargins(14, 10, 14, 10)
        self._whole.setSpacing(8)
        self._whole.addWidget(title)
        self.hide()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        rows = upstream_rows(snapshot)
        if rows == self._rows:
            return
        self._rows = rows
        while len(self.lines) > len(rows):
            self.lines.pop().deleteLater()
        while len(self.lines) < len(rows):
            line = UpstreamLine()
            line.chosen.connect(self.chosen)
            self.lines.append(line)
            self._whole.addWidget(line)
        for line, row in zip(self.lines, rows, strict=True):
            line.show_row(row)
        self.setVisible(bool(rows))
