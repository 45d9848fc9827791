"""A small window while hal0 quits: what it waits for, and the memory that comes back."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app.texts import window as text_window
from app.views.quit import quit_view
from app.window.theme import colours, style_sheet
from app.window.widgets import button, label, set_text
from router.state import Snapshot

AFTER_MS = 300  # most engines stop faster than a window can be read


class QuitProgress(QWidget):
    """Signals:
    hurry: the person does not want to wait any longer.
    """

    hurry = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle(text_window.QUITTING)
        self._first: Snapshot | None = None
        self._waiting = False
        self.line = label("title")
        self.detail = label("muted")
        self.bar = QProgressBar(textVisible=False)
        self.bar.setAccessibleName(text_window.QUITTING)
        self.at_once = button(text_window.QUIT_AT_ONCE)
        self.at_once.clicked.connect(self.hurry)
        self._appear = QTimer(self, singleShot=True, interval=AFTER_MS)
        self._appear.timeout.connect(self.show)
        self._lay_out()

    def begin(self, snapshot: Snapshot, *, waiting: bool) -> None:
        """Show that quitting began with this snapshot; `waiting` while answers are still being written."""
        self.setStyleSheet(style_sheet(colours(QApplication.palette())))
        self._first, self._waiting = snapshot, waiting
        self.at_once.setVisible(waiting)
        self.show_snapshot(snapshot)
        self.show() if waiting else self._appear.start()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        if self._first is None:
            return
        view = quit_view(self._first, snapshot, waiting=self._waiting)
        set_text(self.line, view.line)
        set_text(self.detail, view.detail)
        self.bar.setRange(0, 0 if view.share is None else 100)
        self.bar.setValue(round(100 * (view.share or 0)))

    def end(self) -> None:
        self._first = None
        self._appear.stop()
        self.hide()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        # Closing it ends nothing: hal0 is on its way out anyway.
        event.accept()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.detail, 1)
        buttons.addWidget(self.at_once)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(18, 16, 18, 16)
        whole.setSpacing(10)
        whole.addWidget(self.line)
        whole.addWidget(self.bar)
        whole.addLayout(buttons)
        self.setMinimumWidth(380)
