"""The endpoint line: whether it runs, the URL to paste, Copy for many clients, and who can reach it."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QMenu, QToolButton, QVBoxLayout

from app.link.link import Attached
from app.texts import common as text
from app.texts import pull as texts_pull
from app.texts import remote as texts_remote
from app.texts import window as text_window
from app.views.connect import DIRECT, Client, is_local
from app.views.menu import ENGINE, Action, Command, free_port, slot_to_try
from app.views.tone import Tone, server_tone
from app.window.widgets import COPIED_MS, Card, Chip, ElidedLabel, button, set_text, wrapping_label
from router.state import ServerState, ServerStatus, Snapshot

GAP = 12
MARGIN = 14


class EndpointCard(Card):
    """Signals:
    chosen: (Command) install what is newer, try a slot in the browser, run a router here, or use another port.
    copy_requested: (Client) copy what this one needs.
    connect_requested: (Client) show how to connect this one.
    """

    chosen = Signal(object)
    copy_requested = Signal(object)
    connect_requested = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.chip = Chip()
        self.url = ElidedLabel("title")
        self.badge = Chip()
        self.copy = QToolButton(popupMode=QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.copy.setAccessibleName(text_window.COPY_MENU)
        self.copy.setToolTip(text_window.COPY_MENU)
        self.menu = QMenu(self.copy)
        for client in Client:
            action = self.menu.addAction(text_window.CLIENTS[client.value])
            action.triggered.connect(lambda _checked=False, client=client: self.take(client))
        self.menu.addSeparator()
        self._slot_to_try = ""
        self.try_out = QAction(text.TRY, self)  # the menu is a window of its own, and may go before this one
        self.menu.addAction(self.try_out)
        self.try_out.triggered.connect(self._on_try)
        self.copy.setMenu(self.menu)
        self.error = wrapping_label("failed")
        self.use_port = button("")
        self.use_port.setToolTip(text_window.USE_PORT_TIP)
        self.use_port.clicked.connect(self._on_use_port)
        self._free_port: int | None = None
        self._local = True
        self.attached = wrapping_label("muted")
        self.start_here = button(texts_remote.START_HERE)
        self.start_here.setToolTip(texts_remote.START_HERE_TIP)
        self.start_here.clicked.connect(lambda: self.chosen.emit(Command(Action.START_HERE)))
        self.update_line = wrapping_label("muted")
        self.install = button(texts_pull.INSTALL_UPDATE, texts_pull.INSTALL_TIP)
        self.install.setToolTip(texts_pull.INSTALL_TIP)
        self.install.clicked.connect(lambda: self.chosen.emit(Command(Action.UPDATE, value=ENGINE)))
        self._copied = QTimer(self, singleShot=True, interval=COPIED_MS)
        self._copied.timeout.connect(lambda: self.copy.setText(text.COPY))
        self.copy.clicked.connect(lambda: self.take(Client.URL))
        self._lay_out()

    def show_snapshot(self, snapshot: Snapshot, attached: Attached | None = None) -> None:
        """`attached`: the router is another process's."""
        set_text(self.attached, texts_remote.attached_line(attached) if attached else "")
        self.attached.setVisible(attached is not None)
        self.start_here.setVisible(attached is not None and attached.lost)
        self._show_updates(snapshot)
        server = snapshot.server
        self.chip.show_state(text.server_word(server), server_tone(server.state))
        self.url.show_text(text.endpoint(server))
        trouble = text_window.server_trouble(server)
        set_text(self.error, trouble)
        self.error.setVisible(bool(trouble))
        self._show_free_port(free_port(snapshot, attached))
        self._show_reach(server)
        self._slot_to_try = slot_to_try(snapshot)
        self._show_try(server)
        self._make_room(self.width())

    def take(self, client: Client) -> None:
        """Copy what this client needs, or ask for its instructions to be shown."""
        if client in DIRECT:
            self.copy_requested.emit(client)
        else:
            self.connect_requested.emit(client)

    def say_copied(self) -> None:
        self.copy.setText(text.COPIED)
        self._copied.start()

    def _show_updates(self, snapshot: Snapshot) -> None:
        lines = [texts_pull.update_line(u) for u in snapshot.updates]
        set_text(self.update_line, " ".join(lines))
        self.update_line.setVisible(bool(lines))
        self.install.setVisible(any(update.name == ENGINE for update in snapshot.updates))

    def _show_try(self, server: ServerStatus) -> None:
        self.try_out.setText(text.qt_label(text.try_slot(self._slot_to_try)))
        self.try_out.setVisible(bool(self._slot_to_try))
        self.try_out.setEnabled(server.state is ServerState.RUNNING)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        self._make_room(event.size().width())
        super().resizeEvent(event)

    def _make_room(self, width: int) -> None:
        """Leave out the badge, or put it below with Copy, where it would cut the address short: nobody misses
        being told that nobody else reaches it."""
        room = width - 2 * MARGIN
        needed = sum(part.sizeHint().width() + GAP for part in (self.chip, self.url, self.copy)) - GAP
        beside = needed + GAP + self.badge.sizeHint().width() <= room
        self.badge.setVisible(beside or not self._local)
        directions = QBoxLayout.Direction
        below = not beside and (not self._local or needed > room)
        self._top.setDirection(directions.TopToBottom if below else directions.LeftToRight)

    def _show_free_port(self, port: int | None) -> None:
        self._free_port = port
        self.use_port.setVisible(port is not None)
        if port is not None:
            self.use_port.setText(text.use_port(port))
            self.use_port.setAccessibleName(text.use_port(port))

    def _on_use_port(self) -> None:
        self.chosen.emit(Command(Action.USE_PORT, value=str(self._free_port)))

    def _on_try(self) -> None:
        self.chosen.emit(Command(Action.TRY, self._slot_to_try))

    def _show_reach(self, server: ServerStatus) -> None:
        self._local = local = is_local(server)
        self.badge.show_state(
            text_window.LOCAL if local else text_window.LAN, Tone.QUIET if local else Tone.BUSY
        )
        self.badge.setToolTip(text_window.LOCAL_TIP if local else text_window.LAN_TIP.format(port=server.port))

    def _lay_out(self) -> None:
        # Wide enough for "Copied", so that the row does not move when it says so.
        self.copy.setText(text.COPIED)
        self.copy.setMinimumWidth(self.copy.sizeHint().width())
        self.copy.setText(text.COPY)
        told, done = QHBoxLayout(), QHBoxLayout()
        told.addWidget(self.chip)
        told.addWidget(self.url, 1)
        done.addStretch(1)
        done.addWidget(self.badge)
        done.addWidget(self.copy)
        self._top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._top.addLayout(told, 1)
        self._top.addLayout(done)
        for row in (told, done, self._top):
            row.setSpacing(GAP)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(MARGIN, 10, MARGIN, 10)
        whole.addLayout(self._top)
        trouble = QHBoxLayout()
        trouble.setSpacing(GAP)
        trouble.addWidget(self.error, 1)
        trouble.addWidget(self.use_port)
        whole.addLayout(trouble)
        below = QHBoxLayout()
        below.setSpacing(12)
        below.addWidget(self.attached, 1)
        below.addWidget(self.start_here)
        whole.addLayout(below)
        newer = QHBoxLayout()
        newer.setSpacing(12)
        newer.addWidget(self.update_line, 1)
        newer.addWidget(self.install)
        whole.addLayout(newer)
