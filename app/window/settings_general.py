"""The page General: start at login, appearance, and where hal0.yaml is."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.system.appearance import current_appearance
from app.texts import common as text
from app.texts import models as words
from app.texts import window as text_window
from app.views.menu import Action, Command
from app.views.settings import LOCAL_ONLY, UPDATES
from app.window.settings_fields import CheckField, ChoiceField
from app.window.settings_page import Page
from app.window.widgets import CopyButton, label, set_text, wrapping_label
from router.config.change import ConfigDocument
from router.config.schema import Updates

log = logging.getLogger(__name__)
FILE_LIMIT = 64


class Login(Protocol):
    """`app.system.autostart`, or what stands in for it."""

    def is_enabled(self) -> bool: ...

    def set_enabled(self, enabled: bool, /) -> None: ...


class GeneralPage(Page):
    """Signals:
    chosen: (Command) look light or dark.
    """

    chosen = Signal(object)

    def __init__(self, login: Login) -> None:
        super().__init__()
        self._login = login
        self._file: Path | None = None
        self.start = QCheckBox(words.START_AT_LOGIN)
        self.start_note = wrapping_label("muted")
        self.file = label("title", selectable=True)
        self.file_note = wrapping_label("muted")
        self.open, self.reveal_file = QPushButton(words.OPEN), QPushButton(words.SHOW_FOLDER)
        self.copy = CopyButton(words.COPY_PATH)
        self.problem = wrapping_label("failed")
        self.problem.hide()
        self.theme = ChoiceField([*words.THEME_CHOICES.items()])
        self.theme.setAccessibleName(words.THEME)
        self.theme.changed.connect(lambda value: self.chosen.emit(Command(Action.APPEARANCE, value=value)))
        self.add_row(words.LOGIN, _column(self.start, self.start_note))
        self.add_row(words.THEME, self.theme)
        self.add(LOCAL_ONLY, words.PRIVACY, CheckField(words.LOCAL_ONLY), words.LOCAL_ONLY_HINT)
        updates = [(Updates.NOTIFY.value, words.UPDATES_NOTIFY), (Updates.OFF.value, words.UPDATES_OFF)]
        self.add(UPDATES, words.UPDATES, ChoiceField(updates), words.UPDATES_HINT)
        buttons = QWidget()
        row = QHBoxLayout(buttons)
        row.setContentsMargins(0, 0, 0, 0)
        for button in (self.open, self.reveal_file, self.copy):
            row.addWidget(button)
        row.addStretch(1)
        self.add_row(words.CONFIG_FILE, _column(self.file, buttons, self.file_note, self.problem))
        self.keyboard = wrapping_label("muted")
        self.keyboard.setText("\n".join(_shortcut(*shortcut) for shortcut in text_window.SHORTCUTS))
        self.add_row(text_window.KEYBOARD, self.keyboard)
        self.start.clicked.connect(self._on_start)
        self.open.clicked.connect(lambda: self._open(self._file))
        self.reveal_file.clicked.connect(lambda: self._open(self._file.parent if self._file else None))
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(str(self._file)))
        self.show_document(None)

    def show_document(self, document: ConfigDocument | None) -> None:
        self._file = document.file if document else None
        set_text(self.file, text.elide_middle(str(self._file), FILE_LIMIT) if self._file else words.UNKNOWN)
        self.file.setToolTip(str(self._file or ""))
        absent = document is not None and not document.exists
        set_text(self.file_note, words.CONFIG_ABSENT if absent else words.CONFIG_HINT)
        self.open.setEnabled(document is not None and document.exists)
        for button in (self.reveal_file, self.copy):
            button.setEnabled(document is not None)

    def enable_settings(self, enabled: bool) -> None:
        """Let what stands in hal0.yaml be changed, or not; the rest always can be."""
        for box in self.boxes.values():
            box.setEnabled(enabled)

    def refresh_desktop(self) -> None:
        """Show what is of this desktop and not in hal0.yaml; whether hal0 starts at login, its settings may
        change."""
        self.theme.show_value(current_appearance().value)
        try:
            self.start.setChecked(self._login.is_enabled())
        except OSError as error:
            self._say_login_failed(error)
        else:
            self._note_login(words.START_HINT)

    def _on_start(self, wanted: bool) -> None:
        try:
            self._login.set_enabled(wanted)
        except OSError as error:
            self.start.setChecked(not wanted)
            self._say_login_failed(error)
        else:
            self._note_login(words.START_HINT)

    def _say_login_failed(self, error: OSError) -> None:
        log.warning("start at login: %s", error)
        self._note_login(words.start_failed(error.strerror or error))

    def _note_login(self, message: str) -> None:
        set_text(self.start_note, message)

    def _open(self, target: Path | None) -> None:
        done = target is None or QDesktopServices.openUrl(QUrl.fromLocalFile(str(target)))
        set_text(self.problem, "" if done else words.no_editor(self._file))
        self.problem.setVisible(not done)


def _column(*parts: QWidget) -> QWidget:
    made = QWidget()
    whole = QVBoxLayout(made)
    whole.setContentsMargins(0, 0, 0, 0)
    whole.setSpacing(6)
    for part in parts:
        whole.addWidget(part)
    return made


def _shortcut(keys: str, does: str) -> str:
    """`Ctrl+L – logs`, with the keys as this system calls them."""
    return f"{QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)} – {does}"
