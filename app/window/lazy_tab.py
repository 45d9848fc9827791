"""A tab whose content is made when it is first looked at: the window opens sooner."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.link.link import Link
from app.texts import window as text_window
from app.window.widgets import wrapping_label
from router.state import Snapshot

log = logging.getLogger(__name__)


class LazyTab(QWidget):
    """Holds a widget class `name` of `module`, made with the link, that has `show_snapshot(snapshot)`.

    Signals:
        chosen: (Command) passed on from the content, where it has such a signal.
    """

    chosen = Signal(object)

    def __init__(self, link: Link, module: str, name: str) -> None:
        super().__init__()
        self._link = link
        self._where = (module, name)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(10, 12, 10, 10)
        self.content: Any = None
        self.problem: str = ""

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show this snapshot; called only while the tab is looked at."""
        if self.content is None and not self.problem:
            self._make()
        if self.content is not None:
            self.content.show_snapshot(snapshot)

    def _make(self) -> None:
        module, name = self._where
        try:
            self.content = getattr(importlib.import_module(module), name)(self._link)
        except Exception as error:
            # One broken tab must not take the others with it.
            log.exception("%s could not be made", name)
            self.problem = text_window.NOT_THERE.format(reason=error)
            note = wrapping_label("failed")
            note.setText(self.problem)
            self._box.addWidget(note)
            self._box.addStretch(1)
            return
        self._box.addWidget(self.content)
        if hasattr(self.content, "chosen"):
            self.content.chosen.connect(self.chosen)
