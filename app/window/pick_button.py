"""Buttons beside a line to type in: what could stand there, to choose one of, and a file from the disk."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QPushButton, QToolButton

from app.texts import common as text
from app.texts import models as words


class PickButton(QToolButton):
    """Hidden while there is nothing to choose from.

    Signals:
        picked: (name) a person chose one.
    """

    picked = Signal(str)

    def __init__(self, what: str, *, small: bool = False) -> None:
        """Make one for `what`, which its tooltip and a screen reader say; `small`: an arrow alone."""
        super().__init__()
        self._names: tuple[str, ...] = ()
        if small:
            self.setArrowType(Qt.ArrowType.DownArrow)
            self.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        else:
            self.setText(words.CHOOSE)
        self.setToolTip(what)
        self.setAccessibleName(what)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setMenu(QMenu(self))
        self.hide()

    def offer(self, names: Sequence[str]) -> None:
        """Offer these, in their order."""
        if tuple(names) == self._names:
            return
        self._names = tuple(names)
        self.menu().clear()
        for name in names:
            self.menu().addAction(text.qt_label(name), partial(self.picked.emit, name))
        self.setVisible(bool(names))


class FileButton(QPushButton):
    """Signals:
    picked: (path) a person chose this GGUF file.
    """

    picked = Signal(str)

    def __init__(self) -> None:
        super().__init__(words.BROWSE)
        self.setAccessibleName(words.CHOOSE_FILE)
        self.clicked.connect(self._ask)

    def _ask(self) -> None:
        dialog = QFileDialog(self.window(), words.CHOOSE_FILE, filter=words.GGUF_FILES)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.picked)
        dialog.open()
