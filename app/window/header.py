"""The endpoint line: whether it runs, the URL to paste, and Copy."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from app import text
from app.menu_model import Action, Command
from app.theme import server_tone
from app.window.parts import Card, Chip, label, set_text, wrapping_label
from router.state import ServerStatus

COPIED_MS = 1500


class EndpointCard(Card):
    """Signals:
    chosen: (Command) copy the URL.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.chip = Chip()
        self.url = label("title", selectable=True)
        self.copy = QPushButton(text.COPY)
        self.copy.setAccessibleName(text.COPY_URL)
        self.copy.setMinimumWidth(84)
        self.error = wrapping_label("failed")
        self._copied = QTimer(self, singleShot=True, interval=COPIED_MS)
        self._copied.timeout.connect(lambda: self.copy.setText(text.COPY))
        self.copy.clicked.connect(self._on_copy)
        self._lay_out()

    def show_server(self, server: ServerStatus) -> None:
        self.chip.show_state(text.server_word(server), server_tone(server.state))
        set_text(self.url, text.endpoint(server))
        set_text(self.error, server.error or "")
        self.error.setVisible(server.error is not None)

    def _on_copy(self) -> None:
        self.chosen.emit(Command(Action.COPY_URL))
        self.copy.setText(text.COPIED)
        self._copied.start()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self.chip)
        top.addWidget(self.url, 1)
        top.addWidget(self.copy)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(14, 12, 14, 12)
        whole.addLayout(top)
        whole.addWidget(self.error)
