"""The phases of a switch in one line.

Drain ✓  Stop ✓  Start ✓  Load ▓▓▓░░ 45% ~12 s  Warm-up
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from app.texts import common as text
from app.texts import window as text_window
from app.views.slot import SlotView
from app.views.switch import PHASES, Mark
from app.window.widgets import label, set_flag, set_text
from router.state import SlotState

NARROW_LETTERS = 72


class PhaseLine(QWidget):
    """The phases of a switch in a row, with the bar of the load after its name."""

    def __init__(self, slot: str) -> None:
        super().__init__()
        self.setAccessibleName(text_window.MANY_PHASES.format(slot=slot))
        self.names = [label() for _ in PHASES]
        self.bar = QProgressBar(textVisible=False)
        self.bar.setAccessibleName(text.progress_of(slot))
        self.bar.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.bar.setMinimumWidth(60)
        self.bar.setMaximumWidth(220)
        self.numbers = label("muted")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(4)
        self._row, self._below = QHBoxLayout(), QHBoxLayout()
        for row in (self._row, self._below):
            row.setSpacing(14)
            whole.addLayout(row)
        for name in self.names:
            self._row.addWidget(name)
        self._row.addStretch(1)
        self._narrow: bool | None = None
        self._be_narrow(False)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        self._be_narrow(event.size().width() < NARROW_LETTERS * self.fontMetrics().averageCharWidth())
        super().resizeEvent(event)

    def _be_narrow(self, narrow: bool) -> None:
        """Put the bar after its phase, or below them all."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        for part in (self.bar, self.numbers):
            self._row.removeWidget(part)
            self._below.removeWidget(part)
        if narrow:
            self._below.addWidget(self.bar, 3, Qt.AlignmentFlag.AlignVCenter)
            self._below.addWidget(self.numbers)
        else:
            after = PHASES.index(SlotState.LOADING) + 1
            self._row.insertWidget(after, self.bar, 3, Qt.AlignmentFlag.AlignVCenter)
            self._row.insertWidget(after + 1, self.numbers)

    def show_view(self, view: SlotView) -> None:
        """Show `view.phases`, which is not empty."""
        for shown, (name, mark) in zip(self.names, view.phases, strict=True):
            set_text(shown, f"{name} {text_window.DONE}" if mark is Mark.DONE else name)
            set_flag(shown, "mark", mark.value)
            shown.setVisible(mark is not Mark.SKIPPED)
        loading = view.phases[PHASES.index(SlotState.LOADING)][1]
        # A range of 0..0 is Qt's "busy, no idea how long".
        self.bar.setRange(0, 0 if view.share is None and loading is Mark.NOW else 100)
        self.bar.setValue(100 if loading is Mark.DONE else round(100 * (view.share or 0)))
        share = "" if view.share is None else f"{round(100 * view.share)}%"
        set_text(self.numbers, text.SEPARATOR.join(part for part in (share, view.left) if part))
        self.numbers.setVisible(bool(self.numbers.text()))
