"""That llama-server is missing, with a button that fetches one and how far that is."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QVBoxLayout

from app.texts import window as text_window
from app.window.engine_setup import EngineSetup
from app.window.widgets import button, set_flag, set_text, wrapping_label


class EngineNotice(QFrame):
    """Hidden while there is nothing to say."""

    def __init__(self, setup: EngineSetup) -> None:
        super().__init__()
        self._setup = setup
        self.message = wrapping_label()
        self.bar = QProgressBar(textVisible=False)
        self.bar.setAccessibleName(text_window.ENGINE_PROGRESS)
        self.install = button(text_window.INSTALL_ENGINE, text_window.INSTALL_ENGINE_HINT)
        self.install.setToolTip(text_window.INSTALL_ENGINE_HINT)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self.message, 1)
        row.addWidget(self.install)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(10, 6, 8, 6)
        whole.addLayout(row)
        whole.addWidget(self.bar)
        self.install.clicked.connect(setup.install)
        setup.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        view = self._setup.view
        set_text(self.message, view.message)
        set_flag(self.message, "failed", "true" if view.failed else "false")
        set_flag(self, "problem", "true" if view.failed else "false")
        # It stays while it is pressed: the focus of a button that goes would jump away.
        self.install.setVisible(view.installable or view.installing)
        self.install.setEnabled(view.installable)
        self.bar.setVisible(view.installing)
        self.bar.setRange(0, 0 if view.share is None else 1000)  # 0..0 is Qt's "busy, no idea how long"
        self.bar.setValue(round(1000 * (view.share or 0)))
        self.setVisible(bool(view.message))
