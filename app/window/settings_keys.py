"""The editor of API keys: those there are stay masked, new ones are typed or made."""

from __future__ import annotations

import secrets

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app import texts_models as words
from app.settings_draft import key_problem
from app.window.parts import set_text, wrapping_label
from app.window.settings_lists import Lines


class KeysField(QWidget):
    """API keys; what is there is shown masked. None: they cannot be edited here."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.lines = Lines(words.masked)
        self.new = QLineEdit(placeholderText=words.NEW_KEY)
        self.new.setAccessibleName(words.NEW_KEY)
        self.add = QPushButton(words.ADD)
        self.generate = QPushButton(words.GENERATE)
        self.note = wrapping_label("muted")
        self.note.hide()
        self.setFocusProxy(self.new)
        self._lay_out()
        self.lines.changed.connect(self.changed)
        self.add.clicked.connect(self._on_add)
        self.new.returnPressed.connect(self._on_add)
        self.new.textEdited.connect(lambda: self._note(""))
        self.generate.clicked.connect(self._on_generate)

    def show_value(self, value: tuple[str, ...] | None) -> None:
        for part in (self.new, self.add, self.generate):
            part.setEnabled(value is not None)
        self.lines.show_value(value or ())
        if value is None:
            self._note(words.KEYS_ELSEWHERE)

    def _on_generate(self) -> None:
        self.new.setText(f"hal0-{secrets.token_urlsafe(24)}")
        self.new.selectAll()
        self._note(words.KEY_COPY_HINT)

    def _on_add(self) -> None:
        key = self.new.text().strip()
        problem = key_problem(self.lines.value, key)
        self._note(problem or "")
        if problem is None:
            self.new.clear()
            self.changed.emit((*self.lines.value, key))

    def _note(self, told: str) -> None:
        set_text(self.note, told)
        self.note.setVisible(bool(told))

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.new, 1)
        row.addWidget(self.add)
        row.addWidget(self.generate)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(6)
        whole.addWidget(self.lines)
        whole.addLayout(row)
        whole.addWidget(self.note)
