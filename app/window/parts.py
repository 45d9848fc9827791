"""Small widgets the window is made of."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QFrame, QLabel, QSizePolicy, QWidget

from app.theme import Tone


def set_flag(widget: QWidget, name: str, value: object) -> None:
    """Set a property the style sheet selects by, and restyle the widget if it changed."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def label(*flags: str, selectable: bool = False) -> QLabel:
    """A plain-text label: a model's name or an engine's error is never taken for markup."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    for flag in flags:
        made.setProperty(flag, "true")
    if selectable:
        made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def wrapping_label(*flags: str) -> QLabel:
    made = label(*flags, selectable=True)
    made.setWordWrap(True)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
    return made


def set_text(target: QLabel, value: str) -> None:
    """Setting an equal text would repaint, and lose what a person has selected."""
    if target.text() != value:
        target.setText(value)


class Chip(QLabel):
    """A state in words on a coloured ground."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.setProperty("chip", "true")

    def show_state(self, words: str, tone: Tone) -> None:
        set_text(self, words)
        set_flag(self, "tone", tone.value)


class Card(QFrame):
    def __init__(self) -> None:
        super().__init__()
        self.setProperty("card", "true")


class ModelBox(QComboBox):
    """A list of models that changes nothing by accident: wheel and arrow keys do not choose.

    Signals:
        chosen: (model id) a person picked an entry.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(18)
        self.setMaxVisibleItems(16)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._offered: tuple[tuple[str, str, bool], ...] = ()
        self._serving: str | None = None
        self.activated.connect(self._on_activated)

    def offer(self, entries: tuple[tuple[str, str, bool], ...], serving: str | None, hint: str) -> None:
        """Show (id, text, enabled) entries with `serving` as the current one, or `hint` where there is none."""
        if entries != self._offered:
            self._offered = entries
            self._refill()
        self._serving = serving
        self.setPlaceholderText(hint)
        self._show_serving()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() in keys:
            self.showPopup()
        elif event.text() == "":
            super().keyPressEvent(event)

    def _refill(self) -> None:
        self.clear()
        for row, (model_id, words, enabled) in enumerate(self._offered):
            self.addItem(words, model_id)
            item = self.model().index(row, 0)
            if not enabled:
                # Data of role "user - 1" are the item's flags (QComboBox's own model).
                self.model().setData(item, 0, int(Qt.ItemDataRole.UserRole) - 1)

    def _show_serving(self) -> None:
        row = next((n for n, entry in enumerate(self._offered) if entry[0] == self._serving), -1)
        if self.currentIndex() != row:
            self.setCurrentIndex(row)

    def _on_activated(self, row: int) -> None:
        model_id = self._offered[row][0]
        # The box keeps showing what is served; the next snapshot moves it.
        self._show_serving()
        self.chosen.emit(model_id)
