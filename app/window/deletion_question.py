"""Asks before something is deleted that nobody can bring back."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from app.texts import common as text
from app.texts import models as words


class DeletionQuestion(QMessageBox):
    """Calls `then` where the person says so; Enter and Escape keep all as it is."""

    def __init__(
        self, question: str, consequence: str, yes: str, then: Callable[[], object], parent: QWidget
    ) -> None:
        """`yes`: what its button says."""
        super().__init__(QMessageBox.Icon.Warning, text.APP, question, parent=parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setInformativeText(consequence)
        self._then = then
        self.yes = self.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
        self.no = self.addButton(words.CANCEL, QMessageBox.ButtonRole.RejectRole)
        self.setDefaultButton(self.no)
        self.setEscapeButton(self.no)
        self.finished.connect(self._on_finished)

    def _on_finished(self) -> None:
        if self.clickedButton() is self.yes:
            self._then()
