"""The small model that the first page offers where nothing really answers yet: one click, and how far it is."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from app.texts import window as words
from app.views.discover import Stage, arrival
from app.window.widgets import button, set_flag, set_text, wrapping_label
from router.base.paths import STARTER
from router.state import Snapshot

_UNDER_WAY = (Stage.COMING, Stage.LOADING)


class StarterOffer(QWidget):
    """How far it is; hidden while there is nothing to say. `get`, the button, stands beside other buttons.

    Signals:
        wanted: the person wants it.
    """

    wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.get = button(words.GET_STARTER)
        self.get.setToolTip(words.GET_STARTER_HINT)
        self.message = wrapping_label("muted")
        self.bar = QProgressBar(textVisible=False)
        self.bar.setAccessibleName(words.STARTER_PROGRESS)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(6)
        whole.addWidget(self.message)
        whole.addWidget(self.bar)
        self.get.clicked.connect(self.wanted)
        self.hide()
        self.get.hide()

    def show_snapshot(self, snapshot: Snapshot, *, offered: bool) -> None:
        """`offered`: nothing here really answers yet."""
        found = arrival(snapshot, STARTER)
        under_way = found is not None and found.stage in _UNDER_WAY
        # It stays while it is pressed: the focus of a button that goes would jump away.
        self.get.setVisible(offered or under_way)
        self.get.setEnabled(not under_way)
        self.setVisible(found is not None)
        if found is not None:
            set_text(self.message, found.message)
            set_flag(self.message, "failed", "true" if found.stage is Stage.FAILED else "false")
            self.bar.setVisible(under_way)
            self.bar.setRange(0, 0 if found.share is None else 1000)  # 0..0 is Qt's "busy, no idea how long"
            self.bar.setValue(round(1000 * (found.share or 0)))
