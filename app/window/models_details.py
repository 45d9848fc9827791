"""The selected model: its id and file, what is wrong with it, and what can be done with it."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout

from app.texts import common as text
from app.texts import models as words
from app.texts import window as text_window
from app.views.models import ModelRow, load_problem
from app.window.widgets import Card, label, set_flag, set_text, wrapping_label
from router.state import Snapshot

NAME_LIMIT = 60
FILE_LIMIT = 90


class ModelDetails(Card):
    def __init__(self) -> None:
        super().__init__()
        self.title = label("title")
        self.names = label("muted", selectable=True)
        self.context = label("muted", selectable=True)
        self.measured = label("muted", selectable=True)
        self.file = label("muted", selectable=True)
        self.note = wrapping_label("muted")
        self.problem = wrapping_label("failed")
        self.load = QPushButton(words.LOAD_IN)
        self.copy = QPushButton(words.COPY_ID)
        self.reveal = QPushButton(words.SHOW_FILE)
        self.delete = QPushButton(words.DELETE_ASK)
        self._lay_out()
        self.show_model(None, Snapshot())

    def show_model(self, row: ModelRow | None, snapshot: Snapshot) -> None:
        problem = load_problem(snapshot, row.model) if row else None
        for button in (self.load, self.copy, self.reveal):
            button.setEnabled(row is not None)
        self.delete.setVisible(row is not None and row.model.fetched is not None)
        self.load.setEnabled(row is not None and problem is None)
        self.load.setToolTip(problem or "")
        set_text(self.problem, problem or "")
        running = row is not None and bool(row.slots)
        set_flag(self.problem, "failed", "false" if running else "true")
        self.problem.setVisible(problem is not None)
        note = row.model.note if row else None
        set_text(self.note, note or "")
        self.note.setVisible(note is not None)
        if row is None:
            set_text(self.title, words.SELECT_MODEL)
            self.names.hide()
            self.context.hide()
            self.measured.hide()
            self.file.hide()
            return
        model = row.model
        self.reveal.setEnabled(model.file is not None)
        set_text(self.title, text.elide_middle(row.name, NAME_LIMIT))
        names = tuple(name for name in (model.id, *model.aliases) if name != row.name)
        set_text(self.names, text.elide(text.SEPARATOR.join(names), FILE_LIMIT))
        self.names.setVisible(bool(names))
        auto = text_window.chosen_context(model)
        set_text(self.context, words.context_line(auto))
        self.context.setVisible(bool(auto))
        set_text(self.measured, words.measured(model.measured) if model.measured else "")
        self.measured.setVisible(model.measured is not None)
        set_text(self.file, text.elide_middle(model.file or words.COMMAND_MODEL, FILE_LIMIT))
        self.file.setToolTip(model.file or "")
        self.file.show()
        self.load.setAccessibleName(f"{words.LOAD_IN}: {row.name}")
        self.copy.setAccessibleName(f"{words.COPY_ID}: {model.id}")
        self.delete.setAccessibleName(f"{words.DELETE}: {model.id}")

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.load)
        buttons.addWidget(self.copy)
        buttons.addWidget(self.reveal)
        buttons.addWidget(self.delete)
        buttons.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(14, 12, 14, 12)
        whole.setSpacing(4)
        for line in (self.title, self.names, self.context, self.measured, self.file):
            # A long path must not set how narrow the window may get; its tip has it whole.
            line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        for line in (self.title, self.names, self.context, self.measured, self.file, self.note, self.problem):
            whole.addWidget(line)
        whole.addSpacing(4)
        whole.addLayout(buttons)
