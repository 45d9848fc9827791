"""The editor of API keys: those there are stay masked, new ones are typed or made.

What stands in the field for a new key counts as one at once: nobody must press Add for it to be applied.
"""

from __future__ import annotations

import secrets

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.texts import models as words
from app.views.settings_draft import key_problem
from app.window.settings_lists import Lines
from app.window.widgets import set_text, wrapping_label


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
        self.lines.changed.connect(lambda kept: self.changed.emit((*kept, *self._typed)))
        self.add.clicked.connect(self._on_add)
        self.new.returnPressed.connect(self._on_add)
        self.new.textEdited.connect(self._on_typed)
        self.generate.clicked.connect(self._on_generate)

    def show_value(self, value: tuple[str, ...] | None) -> None:
        for part in (self.new, self.add, self.generate):
            part.setEnabled(value is not None)
        listed = value or ()
        if self._typed and listed[-1:] == self._typed:
            listed = listed[:-1]
        elif self._typed:  # taken back
            self.new.clear()
            self._note("")
        self.lines.show_value(listed)
        if value is None:
            self._note(words.KEYS_ONLY_IN_FILE)

    def settle(self) -> None:
        """Show what was typed as a key like the others: it is in hal0.yaml now."""
        if self._typed:
            whole = (*self.lines.value, *self._typed)
            self.new.clear()
            self._note("")
            self.lines.show_value(whole)

    @property
    def _typed(self) -> tuple[str, ...]:
        """The key in the field, if one stands there."""
        typed = self.new.text().strip()
        return (typed,) if typed else ()

    def _on_typed(self) -> None:
        self._note("")
        self.changed.emit((*self.lines.value, *self._typed))

    def _on_generate(self) -> None:
        self.new.setText(f"hal0-{secrets.token_urlsafe(24)}")
        self._on_typed()
        self.new.selectAll()
        self._note(words.KEY_COPY_HINT)

    def _on_add(self) -> None:
        key = self.new.text().strip()
        problem = key_problem(self.lines.value, key)
        self._note(problem or "")
        if problem is None:
            self.new.clear()
            self.changed.emit((*self.lines.value, key))

    def _note(self, message: str) -> None:
        set_text(self.note, message)
        self.note.setVisible(bool(message))

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
