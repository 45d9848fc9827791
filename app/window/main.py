"""The window: endpoint, slots, memory. Everything in it is read from snapshots."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QVBoxLayout, QWidget

from app import text
from app.menu_model import Action, Command
from app.theme import colours, style_sheet
from app.window.header import EndpointCard
from app.window.memory_bar import MemoryLine
from app.window.parts import wrapping_label
from app.window.slot_card import SlotCard
from router.state import Snapshot

TICK_MS = 1000
WIDTH = 720
MAX_HEIGHT = 640


class MainWindow(QWidget):
    """Signals:
    chosen: (Command) what a person asked for.
    closed: the window was hidden and hal0 goes on in the tray.
    close_refused: the window stays, as without a tray nothing else of hal0 would be visible.
    """

    chosen = Signal(object)
    closed = Signal()
    close_refused = Signal()

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.setWindowTitle(text.APP)
        self.may_hide = False
        self.endpoint = EndpointCard()
        self.endpoint.chosen.connect(self.chosen)
        self.cards: dict[str, SlotCard] = {}
        self.memory: list[MemoryLine] = []
        self._snapshot = snapshot
        self._fitted = QSize()
        self._lay_out()
        self._restyle()
        self._ticker = QTimer(self, interval=TICK_MS)
        self._ticker.timeout.connect(lambda: self.show_snapshot(self._snapshot))
        self._shortcut("Ctrl+Shift+C", lambda: self.chosen.emit(Command(Action.COPY_URL)))
        self._shortcut("Ctrl+Q", lambda: self.chosen.emit(Command(Action.QUIT)))
        self._shortcut("Esc", self.close)
        self.show_snapshot(snapshot)

    @Slot(object)
    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show this snapshot; called for each one, on the UI thread."""
        self._snapshot = snapshot
        self.endpoint.show_server(snapshot.server)
        parts = (tuple(slot.name for slot in snapshot.slots), len(snapshot.memory))
        grown = parts != (tuple(self.cards), len(self.memory)) or not self._fitted.isValid()
        if tuple(self.cards) != parts[0]:
            self._rebuild_cards(snapshot)
        now = time.time()
        for slot in snapshot.slots:
            self.cards[slot.name].show_slot(snapshot, slot, now)
        self._show_memory(snapshot)
        if grown and self._fitted in (QSize(), self.size()):  # a size a person chose stays
            # Cards put into a visible window count for its layout only once they are shown.
            QTimer.singleShot(0, self, self._fit_height)
            self._fit_height()
        switching = any(slot.state.switching for slot in snapshot.slots)
        if switching != self._ticker.isActive():
            self._ticker.start() if switching else self._ticker.stop()

    def reveal(self) -> None:
        """Bring the window before the person, wherever it was."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        if self.may_hide:
            event.accept()
            self.closed.emit()
        else:
            event.ignore()
            self.close_refused.emit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._restyle()

    def _restyle(self) -> None:
        # The application's palette: this widget's own may already carry the sheet's colours.
        sheet = style_sheet(colours(QApplication.palette()))
        if self.styleSheet() != sheet:
            self.setStyleSheet(sheet)

    def _rebuild_cards(self, snapshot: Snapshot) -> None:
        for card in self.cards.values():
            self._slots.removeWidget(card)
            card.deleteLater()
        self.cards = {slot.name: SlotCard(slot.name) for slot in snapshot.slots}
        for position, card in enumerate(self.cards.values()):
            card.chosen.connect(self.chosen)
            self._slots.insertWidget(position, card)
        self.empty.setVisible(not self.cards)

    def _show_memory(self, snapshot: Snapshot) -> None:
        while len(self.memory) > len(snapshot.memory):
            self.memory.pop().deleteLater()
        while len(self.memory) < len(snapshot.memory):
            line = MemoryLine()
            self.memory.append(line)
            self._footer.addWidget(line)
        for line, device in zip(self.memory, snapshot.memory, strict=True):
            line.show_device(device)

    def _fit_height(self) -> None:
        """Tall enough for what is there, within reason; a scroll area does not ask for that itself."""
        self.ensurePolished()
        outside = self.sizeHint().height() - self._scroll.sizeHint().height()
        inside = self._slots.sizeHint().height()
        self.resize(WIDTH, min(MAX_HEIGHT, outside + inside + 4))
        self._fitted = self.size()

    def _shortcut(self, keys: str, action: object) -> None:
        QShortcut(QKeySequence(keys), self).activated.connect(action)

    def _lay_out(self) -> None:
        inside = QWidget()
        self._slots = QVBoxLayout(inside)
        self._slots.setContentsMargins(0, 0, 0, 0)
        self._slots.setSpacing(10)
        self.empty = wrapping_label("muted")
        self.empty.setText(text.NO_SLOTS)
        self._slots.addWidget(self.empty)
        self._slots.addStretch(1)
        self._scroll = scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        self._footer = QVBoxLayout()
        self._footer.setSpacing(8)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(14, 14, 14, 14)
        whole.setSpacing(12)
        whole.addWidget(self.endpoint)
        whole.addWidget(scroll, 1)
        whole.addLayout(self._footer)
