"""The exact command line of each slot's engine, to read and to copy."""

from __future__ import annotations

import logging
import shlex
import subprocess
import sys

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QPlainTextEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.link.link import Link
from app.texts import models as words
from app.window.widgets import CopyButton, ElidedLabel
from router.base.errors import RouterError
from router.base.tasks import spawn
from router.orders.kinds import ReadEngineCommand
from router.state import Snapshot

log = logging.getLogger(__name__)
LINES = 6


class CommandView(QWidget):
    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link
        self._pids: tuple[tuple[str, int | None], ...] = ()
        self.slots = QComboBox()
        self.slots.setAccessibleName(words.COMMAND_OF)
        self.slots.setAccessibleDescription(words.COMMAND_OF)  # on Linux the name is the choice
        self.copy = CopyButton(words.COPY_COMMAND)
        self.note = ElidedLabel("muted", mode=Qt.TextElideMode.ElideRight)
        self.line = QPlainTextEdit(readOnly=True, tabChangesFocus=True)
        self.line.setAccessibleName(words.ENGINE_COMMAND)
        self.line.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.line.setFixedHeight(self.line.fontMetrics().lineSpacing() * LINES + 14)
        self.line.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusProxy(self.slots)
        row = QHBoxLayout()
        row.addWidget(self.slots)
        row.addWidget(self.note, 1)
        row.addWidget(self.copy)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addLayout(row)
        whole.addWidget(self.line)
        self.slots.activated.connect(self.load)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.line.toPlainText()))
        self._show("")

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Ask again whenever an engine came or went."""
        pids = tuple((slot.name, slot.pid) for slot in snapshot.slots)
        if pids == self._pids:
            return
        names, self._pids = [name for name, _ in pids], pids
        if names != [self.slots.itemText(row) for row in range(self.slots.count())]:
            chosen = self.slots.currentText()
            self.slots.clear()
            self.slots.addItems(names)
            self.slots.setCurrentIndex(max(0, self.slots.findText(chosen)))
        self.load()

    def load(self) -> None:
        """Read the chosen slot's command; returns at once."""
        if slot := self.slots.currentText():
            spawn(self._load(slot), name=f"engine command of {slot}")

    async def _load(self, slot: str) -> None:
        try:
            argv = await self._link.carry_out(ReadEngineCommand(slot))
        except RouterError as error:
            log.info("engine command of %s: %s", slot, error.message)
            argv = []
        if slot == self.slots.currentText():
            self._show(subprocess.list2cmdline(argv) if sys.platform == "win32" else shlex.join(argv))

    def _show(self, command: str) -> None:
        if self.line.toPlainText() != command:
            self.line.setPlainText(command)
        self.copy.setEnabled(bool(command))
        self.note.show_text("" if command else words.NO_ENGINE)
