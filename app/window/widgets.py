"""Small widgets the window is made of."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QDropEvent, QKeyEvent, QPaintEvent, QPalette, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from app.texts import common as text
from app.views.slot import Choice
from app.views.tone import Tone

LIST_PADDING = 28  # a scroll bar, and air
LIST_MOST = 700
COPIED_MS = 1500


def set_flag(widget: QWidget, name: str, value: object) -> None:
    """Set a property the style sheet selects by, and restyle the widget if it changed."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def refill(box: QComboBox, rows: Sequence[tuple[str, str]]) -> bool:
    """Have `box` offer these (value, text), the first of which stands in for one that is gone. Return whether
    another value is chosen than before."""
    if [value for value, _text in rows] == [box.itemData(row) for row in range(box.count())]:
        return False
    before = box.currentData()
    with QSignalBlocker(box):
        box.clear()
        for value, text in rows:
            box.addItem(text, value)
        box.setCurrentIndex(max(0, box.findData(before)))
    return bool(box.currentData() != before)


def accept_as_copy(event: QDropEvent) -> bool:
    """Take what is dragged here unless it holds no file or link at all; the source must never delete it."""
    if not event.mimeData().urls():
        return False
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()
    return True


def label(*flags: str, selectable: bool = False) -> QLabel:
    """Make a plain-text label: a model's name or an engine's error is never taken for markup."""
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
    """Set a text unless it is there: that would repaint, and lose what a person has selected."""
    if target.text() != value:
        target.setText(value)


def button(words: str, accessible: str = "") -> QPushButton:
    """Make a button no wider than its words ask for. `accessible` says more where the words alone do not."""
    made = QPushButton(words)
    made.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
    made.setAccessibleName(accessible or words)
    made.setAutoDefault(True)  # Return presses it, as Space does
    return made


class CopyButton(QPushButton):
    """Says for a moment that it has copied. `accessible`: what it copies."""

    def __init__(self, accessible: str) -> None:
        super().__init__(text.COPIED)
        self.setMinimumWidth(self.sizeHint().width())  # the row does not move when it says so
        self.setText(text.COPY)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(accessible)
        self.setAutoDefault(True)
        self._back = QTimer(self, singleShot=True, interval=COPIED_MS)
        self._back.timeout.connect(lambda: self.setText(text.COPY))
        self.clicked.connect(self._on_clicked)

    def _on_clicked(self) -> None:
        self.setText(text.COPIED)
        self._back.start()


class ElidedLabel(QLabel):
    """One line that gives up its middle (or as `mode` says) where there is no room, and is its own tooltip."""

    LEAST_CHARACTERS = 6

    def __init__(self, *flags: str, mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle) -> None:
        super().__init__()
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.full = ""
        for flag in flags:
            self.setProperty(flag, "true")

    def show_text(self, words: str) -> None:
        if words != self.full:
            self.full = words
            self.setAccessibleName(words)
            self.updateGeometry()
            self._elide()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        self.ensurePolished()
        return QSize(self.fontMetrics().horizontalAdvance(self.full) + 4, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        least = self.fontMetrics().averageCharWidth() * self.LEAST_CHARACTERS
        return QSize(min(least, self.sizeHint().width()), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        shown = self.fontMetrics().elidedText(self.full, self._mode, max(0, self.width()))
        set_text(self, shown)
        self.setToolTip(self.full if shown != self.full else "")


_LEFT = Qt.AlignmentFlag.AlignLeft


class Scroller(QScrollArea):
    """Scrolls a widget up and down, and gives wrapped lines the height they need.

    A plain scroll area asks its widget for its least height without saying how wide it is, so that wrapped
    texts are either cut off or scroll for nothing. No line gets wider than `most` letters: on a large screen
    eyes would lose it.
    """

    def __init__(self, inside: QWidget, most: int = 0, align: Qt.AlignmentFlag = _LEFT) -> None:
        super().__init__(widgetResizable=True)
        if most:
            inside.setMaximumWidth(most * self.fontMetrics().averageCharWidth())
            self.setAlignment(align)
        self._inside = inside  # before anything that sends an event
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside.setMinimumWidth(1)  # it bends to the width there is; what it would like to have cuts it off
        self.setWidget(inside)
        inside.installEventFilter(self)
        for part in (self.viewport(), inside):
            part.setAutoFillBackground(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if watched is self._inside and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        layout = self._inside.layout()
        if layout is None:
            return
        width = min(self.viewport().width(), self._inside.maximumWidth())
        least = layout.totalMinimumSize().height()
        if layout.hasHeightForWidth():
            least = layout.totalHeightForWidth(width)
        if self._inside.minimumHeight() != least:
            self._inside.setMinimumHeight(least)


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
        pointed: (model id) the pointer, or the marker that keys move, came to an entry of the open list.
    """

    chosen = Signal(str)
    pointed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(18)
        self.setMaxVisibleItems(16)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._offered: tuple[Choice, ...] = ()
        self._serving: str | None = None
        self._pointed = -1
        self.activated.connect(self._on_activated)
        self.highlighted.connect(self._on_highlighted)
        # Windows' style marks the entry below the pointer without highlighting it.
        self.view().setMouseTracking(True)
        self.view().entered.connect(self._on_entered)

    def offer(self, entries: tuple[Choice, ...], serving: str | None, hint: str) -> None:
        """Show the entries with the model `serving` as the current one, or `hint` where there is none."""
        if entries != self._offered:
            self._offered = entries
            self._refill()
        self._serving = serving
        if self.placeholderText() != hint:
            self.setPlaceholderText(hint)
        self._show_serving()

    @property
    def closed_text(self) -> str:
        """The current model as it stands in the box: whether it would fit is no question any more."""
        row = self.currentIndex()
        return self._offered[row].short if 0 <= row < len(self._offered) else ""

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        listed = self.view()
        wanted = listed.sizeHintForColumn(0) + 2 * listed.frameWidth() + LIST_PADDING
        listed.setMinimumWidth(min(LIST_MOST, max(self.width(), wanted)))
        self._pointed = -1
        super().showPopup()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        # Qt's own cuts a long text off at the end, where the quantisation and the size stand.
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        words = self.closed_text
        if self.currentIndex() < 0:
            words = self.placeholderText()
            option.palette.setBrush(QPalette.ColorRole.ButtonText, option.palette.placeholderText())
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, self).width() - 4
        option.currentText = self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, room)
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

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
        for row, choice in enumerate(self._offered):
            self.addItem(choice.text, choice.model)
            item = self.model().index(row, 0)
            self.setItemData(row, choice.tip or None, Qt.ItemDataRole.ToolTipRole)
            if not choice.enabled:
                # Data of role "user - 1" are the item's flags (QComboBox's own model).
                self.model().setData(item, 0, int(Qt.ItemDataRole.UserRole) - 1)

    def _show_serving(self) -> None:
        row = next((n for n, entry in enumerate(self._offered) if entry.model == self._serving), -1)
        if self.currentIndex() != row:
            self.setCurrentIndex(row)

    def _on_activated(self, row: int) -> None:
        model_id = self._offered[row].model
        # The box keeps showing what is served; the next snapshot moves it.
        self._show_serving()
        self.chosen.emit(model_id)

    def _on_entered(self, index: QModelIndex) -> None:
        self._on_highlighted(index.row())

    def _on_highlighted(self, row: int) -> None:
        # Qt says it of a closed list, too, when what is served changes.
        if row != self._pointed and 0 <= row < len(self._offered) and self.view().isVisible():
            self._pointed = row
            self.pointed.emit(self._offered[row].model)
