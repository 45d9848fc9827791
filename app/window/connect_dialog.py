"""How to connect one client: what to do there, and the exact text to paste."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtNetwork import QAbstractSocket, QHostAddress, QNetworkInterface
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.texts import common as text
from app.texts import window as text_window
from app.views.client_key import ClientKey
from app.views.connect import Client, Recipe, chat_slots, recipe
from app.views.menu import Action, Command
from app.window.widgets import button, label, set_text, wrapping_label
from router.state import ServerStatus, Snapshot

LINES = 8
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class ConnectDialog(QDialog):
    """Signals:
    chosen: (Command) copy the text.
    """

    chosen = Signal(object)

    def __init__(
        self,
        client: Client,
        snapshot: Snapshot,
        parent: QWidget | None = None,
        *,
        key: ClientKey | None = None,
    ) -> None:
        """`key`: see app.views.connect.recipe; `show_key` brings it where it has to be asked for first."""
        super().__init__(parent)
        self.setWindowTitle(text_window.connect_title(client.value))
        self._client = client
        self._snapshot = snapshot
        self._key = key
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
        self.elsewhere = wrapping_label("muted")
        set_text(self.elsewhere, _from_elsewhere(snapshot.server))
        self.elsewhere.setVisible(bool(self.elsewhere.text()))
        self.hidden = wrapping_label("muted")
        self.hidden.setText(text_window.CONNECT_MASKED)
        self.reveal = QCheckBox(text_window.SHOW_KEY)
        self.copy = button(text.COPY)
        self.close_button = button(text_window.CLOSE)
        self._lay_out()
        self.slots.currentTextChanged.connect(self._show)
        self.reveal.clicked.connect(self._show)
        self.copy.clicked.connect(self._on_copy)
        self.close_button.clicked.connect(self.accept)
        self._show()
        self.copy.setFocus()

    def show_key(self, key: ClientKey | None) -> None:
        """Show the key a client has to send, which is known now."""
        self._key = key
        self._show()

    def _recipe(self) -> Recipe:
        return recipe(self._client, self._snapshot, self.slots.currentText(), self._key)

    def _show(self) -> None:
        found = self._recipe()
        set_text(self.steps, found.steps)
        self.paste.setPlainText(found.paste if self.reveal.isChecked() else found.shown)
        set_text(self.warning, found.warning)
        self.warning.setVisible(bool(found.warning))
        secret = self._key is not None and self._key.secret
        self.reveal.setVisible(secret)
        self.hidden.setVisible(secret and not self.reveal.isChecked())
        self.copy.setText(text.COPY)

    def _on_copy(self) -> None:
        self.chosen.emit(Command(Action.COPY_TEXT, value=self._recipe().paste))
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
        buttons.addWidget(self.reveal)
        buttons.addStretch(1)
        buttons.addWidget(self.copy)
        buttons.addWidget(self.close_button)
        whole = QVBoxLayout(self)
        whole.setSpacing(10)
        whole.addWidget(self.steps)
        whole.addLayout(which)
        self.paste.setMinimumHeight(LINES * self.paste.fontMetrics().lineSpacing())
        whole.addWidget(self.paste, 1)
        whole.addWidget(self.elsewhere)
        whole.addWidget(self.hidden)
        whole.addWidget(self.warning)
        whole.addLayout(buttons)
        self.resize(560, 300)


def _from_elsewhere(server: ServerStatus) -> str:
    """Return the address that other computers know this one by, where hal0 listens on every address."""
    if server.host not in EVERYWHERE:
        return ""
    found = [address for address in QNetworkInterface.allAddresses() if _is_reachable(address, server.host)]
    return text_window.from_elsewhere(found[0].toString(), EVERYWHERE[server.host]) if found else ""


def _is_reachable(address: QHostAddress, host: str) -> bool:
    protocols = QAbstractSocket.NetworkLayerProtocol
    wanted = protocols.IPv6Protocol if ":" in host else protocols.IPv4Protocol
    return address.protocol() == wanted and not address.isLoopback() and not address.isLinkLocal()
