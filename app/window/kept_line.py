"""What is kept of conversations on the disk, and the button that deletes it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.texts import window as text_window
from app.views.menu import Action, Command
from app.window.widgets import button, label, set_text
from router.state import KeptStatus


class KeptLine(QWidget):
    """Hidden while nothing is kept.

    Signals:
        chosen: (Command) forget all of it.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.numbers = label("muted")
        self.forget = button(text_window.FORGET)
        self.forget.setToolTip(text_window.FORGET_TIP)
        self.forget.clicked.connect(lambda: self.chosen.emit(Command(Action.FORGET)))
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.numbers, 1)
        whole.addWidget(self.forget)
        self.hide()

    def show_kept(self, kept: tuple[KeptStatus, ...]) -> None:
        count, size = sum(one.conversations for one in kept), sum(one.bytes for one in kept)
        set_text(self.numbers, text_window.keeps(count, size) if count else "")
        self.setVisible(bool(count))
