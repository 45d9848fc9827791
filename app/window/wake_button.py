"""Wakes a computer elsewhere that can be woken."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton

from app.texts import common as text
from app.views.menu import Action, Command


class WakeButton(QPushButton):
    """Hidden for one that cannot be woken, disabled while it is awake or waking.

    Signals:
        chosen: (Command) that it be woken.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__(text.WAKE)
        self._name = ""
        self.setToolTip(text.WAKE_TIP)
        self.clicked.connect(lambda: self.chosen.emit(Command(Action.WAKE, value=self._name)))
        self.hide()

    def show_state(self, name: str, *, wakes: bool, enabled: bool) -> None:
        """Show it for the upstream `name`."""
        self._name = name
        self.setAccessibleName(text.wake(name))
        self.setEnabled(enabled)
        self.setVisible(wakes)
