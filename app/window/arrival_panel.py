"""A model that was chosen, on its way: how far it is, until it can be tried."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from app.texts import discover as words
from app.views.discover import Arrival, Stage
from app.views.menu import Action, Command
from app.window.flow_layout import FlowLayout
from app.window.widgets import ElidedLabel, button, set_flag, set_text, wrapping_label

_MOVING = (Stage.COMING, Stage.LOADING, Stage.STOPPED)


class ArrivalPanel(QWidget):
    """Signals:
    chosen: (Command) try the model.
    another: the person wants to fetch one more.
    """

    chosen = Signal(object)
    another = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._slot = ""
        self.name = ElidedLabel("title")
        self.bar = QProgressBar(textVisible=False)
        self.bar.setAccessibleName(words.PROGRESS)
        self.message = wrapping_label("muted")
        self.try_it = button(words.TRY)
        self.try_it.setToolTip(words.TRY_HINT)
        self.back = button(words.BACK)
        buttons = FlowLayout()
        buttons.addWidget(self.try_it)
        buttons.addWidget(self.back)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(10)
        for part in (self.name, self.bar, self.message):
            whole.addWidget(part)
        whole.addLayout(buttons)
        whole.addStretch(1)
        self.try_it.clicked.connect(lambda: self.chosen.emit(Command(Action.TRY, self._slot)))
        self.back.clicked.connect(self.another)

    def show_arrival(self, reference: str, found: Arrival) -> None:
        ready_now = found.stage is Stage.READY and bool(found.slot) and not self.try_it.isVisibleTo(self)
        self._slot = found.slot
        self.name.show_text(reference)
        set_text(self.message, found.message)
        set_flag(self.message, "failed", "true" if found.stage is Stage.FAILED else "false")
        self.bar.setVisible(found.stage in _MOVING)
        self.bar.setRange(0, 0 if found.share is None else 1000)  # 0..0 is Qt's "busy, no idea how long"
        self.bar.setValue(round(1000 * (found.share or 0)))
        self.try_it.setVisible(found.stage is Stage.READY and bool(found.slot))
        if ready_now:
            self.try_it.setDefault(True)
            self.try_it.setFocus()
