"""How to connect one client: what to do there, and the exact text to paste."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QComboBox, QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app import text, text_window
from app.connect import Client, chat_slots, recipe
from app.menu_model import Action, Command
from app.window.parts import button, label, set_text, wrapping_label
from router.state import Snapshot

LINES = 8


class ConnectDialog(QDialog):
    """Signals:
    chosen: (Command) copy the text.
    """

    chosen = Signal(object)

    def __init__(self, client: Client, snapshot: Snapshot, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(text_window.connect_title(client.value))
        self._client = client
        self._snapshot = snapshot
        self.steps = wrapping_label()
        self.warning = wrapping_label("failed")
        self.slots = QComboBox()
        self.slots.setAccessibleName(text_window.CONNECT_SLOT)
        self.slots.addItems([slot.name for slot in chat_slots(snapshot)])
        self.paste = QPlainTextEdit(readOnly=True)
        self.paste.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.paste.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.paste.setTabChangesFocus(True)
        self.paste.setAccessibleName(self.windowTitle())
        self.copy = button(text.COPY)
        self.close_button = button(text_window.CLOSE)
        self._lay_out()
        self.slots.currentTextChanged.connect(self._show)
        self.copy.clicked.connect(self._on_copy)
        self.close_button.clicked.connect(self.accept)
        self._show()
        self.copy.setFocus()

    def _show(self) -> None:
        shown = recipe(self._client, self._snapshot, self.slots.currentText())
        set_text(self.steps, shown.steps)
        self.paste.setPlainText(shown.paste)
        set_text(self.warning, shown.warning)
        self.warning.setVisible(bool(shown.warning))

    def _on_copy(self) -> None:
        self.chosen.emit(Command(Action.COPY_TEXT, value=self.paste.toPlainText()))
        self.copy.setText(text.COPIED)

    def _lay_out(self) -> None:
        which = QHBoxLayout()
        caption = label()
        caption.setText(text_window.CONNECT_SLOT)
        caption.setBuddy(self.slots)
        which.addWidget(caption)
        which.addWidget(self.slots, 1)
        for part in (caption, self.slots):
            part.setVisible(self.slots.count() > 1 and self._client is not Client.OPEN_WEBUI)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.copy)
        buttons.addWidget(self.close_button)
        whole = QVBoxLayout(self)
        whole.setSpacing(10)
        whole.addWidget(self.steps)
        whole.addLayout(which)
        self.paste.setMinimumHeight(LINES * self.paste.fontMetrics().lineSpacing())
        whole.addWidget(self.paste, 1)
        whole.addWidget(self.warning)
        whole.addLayout(buttons)
        self.resize(560, 300)
