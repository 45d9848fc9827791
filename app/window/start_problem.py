"""Says that hal0.yaml keeps hal0 from starting, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox, QWidget

from app.system.editor import open_at_line
from app.texts import common as text
from app.texts import models as words
from app.texts import window as text_window
from router.config.problems import ConfigErrors


class StartProblem(QMessageBox):
    """Calls one of these: `again` to read hal0.yaml once more, `last_good` (None: there is none) to start with
    what worked last, `leave` to quit. Opening the file leaves the question open.

    Attributes:
        open_file, retry, use_last_good, quit: its buttons.
    """

    def __init__(
        self,
        error: ConfigErrors,
        file: Path,
        parent: QWidget,
        *,
        again: Callable[[], object],
        last_good: Callable[[], object] | None,
        leave: Callable[[], object],
    ) -> None:
        super().__init__(QMessageBox.Icon.Critical, text.APP, text_window.CONFIG_BROKEN, parent=parent)
        self._file, self._line = file, next((p.line for p in error.problems if p.line), 0)
        self._choices = again, last_good, leave
        self.setInformativeText(f"{error.message}\n\n{file}")
        roles = QMessageBox.ButtonRole
        self.open_file = self.addButton(text_window.OPEN_CONFIG, roles.ActionRole)
        self.retry = self.addButton(text_window.TRY_AGAIN, roles.AcceptRole)
        self.use_last_good = self.addButton(text_window.USE_LAST_GOOD, roles.AcceptRole) if last_good else None
        self.quit = self.addButton(text.QUIT_BUTTON, roles.RejectRole)
        self.setDefaultButton(self.open_file)
        self.setEscapeButton(self.quit)
        self.finished.connect(self._on_finished)

    def _on_finished(self) -> None:
        again, last_good, leave = self._choices
        clicked = self.clickedButton()
        if clicked is self.open_file:
            self._show_file()
            self.open()
        elif clicked is self.retry:
            again()
        elif last_good is not None and clicked is self.use_last_good:
            last_good()
        else:
            leave()

    def _show_file(self) -> None:
        url = QUrl.fromLocalFile(str(self._file))
        if not open_at_line(self._file, self._line) and not QDesktopServices.openUrl(url):
            self.setInformativeText(words.no_editor(self._file))
