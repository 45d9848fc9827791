"""Asks what becomes of settings that were changed and not applied, before the window goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtWidgets import QMessageBox, QWidget

from app.texts import common as text
from app.texts import models as words
from router.base.tasks import spawn


class Unsaved(Protocol):
    async def applied(self) -> bool: ...

    def discard_all(self) -> None: ...


class UnsavedQuestion(QMessageBox):
    """Calls `then` once nothing is unsaved any more; never where a person goes on editing or Apply fails."""

    def __init__(self, settings: Unsaved, then: Callable[[], object], parent: QWidget) -> None:
        super().__init__(QMessageBox.Icon.Question, text.APP, words.UNSAVED_QUESTION, parent=parent)
        self.setInformativeText(words.UNSAVED_CONSEQUENCE)
        self._settings, self._then = settings, then
        roles = QMessageBox.ButtonRole
        self.apply = self.addButton(words.APPLY, roles.AcceptRole)
        self.discard = self.addButton(words.DISCARD, roles.DestructiveRole)
        self.keep = self.addButton(words.KEEP_EDITING, roles.RejectRole)
        self.setDefaultButton(self.apply)
        self.setEscapeButton(self.keep)
        self.finished.connect(self._on_finished)

    def _on_finished(self) -> None:
        if self.clickedButton() is self.apply:
            spawn(_apply_then(self._settings, self._then), name="apply the settings")
        elif self.clickedButton() is self.discard:
            self._settings.discard_all()
            self._then()


async def _apply_then(settings: Unsaved, then: Callable[[], object]) -> None:
    if await settings.applied():
        then()
