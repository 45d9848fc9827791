"""Editors of settings that are lists: API keys, folders, flags, a slot's models."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app import text
from app import texts_models as words
from app.settings_draft import key_problem
from app.settings_written import Flags
from app.window.parts import label, set_text, wrapping_label

LINE_LIMIT = 60
MAX_ROWS = 8


class Lines(QWidget):
    """A tuple of texts, one line each with a button that removes it; `shown` says how a line looks."""

    changed = Signal(object)

    def __init__(self, shown: Callable[[str], str]) -> None:
        super().__init__()
        self._shown = shown
        self.value: tuple[str, ...] = ()
        self.removers: list[QPushButton] = []
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(4)

    def show_value(self, value: tuple[str, ...]) -> None:
        if value == self.value and len(self.removers) == len(value):
            return
        self.value, self.removers = value, []
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for number, entry in enumerate(value):
            self._rows.addWidget(self._row(number, entry))

    def _row(self, number: int, entry: str) -> QWidget:
        shown = self._shown(entry)
        made = QWidget()
        line = label(selectable=True)
        set_text(line, text.elide_middle(shown, LINE_LIMIT))
        line.setToolTip(shown)
        remove = QPushButton(words.REMOVE)
        remove.setAccessibleName(words.remove_entry(shown))
        remove.clicked.connect(lambda: self._remove(number))
        self.removers.append(remove)
        row = QHBoxLayout(made)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(line, 1)
        row.addWidget(remove)
        return made

    def _remove(self, number: int) -> None:
        self.changed.emit(self.value[:number] + self.value[number + 1 :])


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


class FoldersField(QWidget):
    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.lines = Lines(str)
        self.add = QPushButton(words.ADD_FOLDER)
        self.setFocusProxy(self.add)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(6)
        whole.addWidget(self.lines)
        whole.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        self.lines.changed.connect(self.changed)
        self.add.clicked.connect(self._choose)

    def show_value(self, value: tuple[str, ...]) -> None:
        self.lines.show_value(value)

    def _choose(self) -> None:
        dialog = QFileDialog(self, words.CHOOSE_FOLDER)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self._on_chosen)
        dialog.open()

    def _on_chosen(self, chosen: Sequence[str]) -> None:
        folders = (str(Path(folder)) for folder in chosen)
        self.changed.emit(tuple(dict.fromkeys((*self.lines.value, *folders))))


class FlagsField(QTableWidget):
    """Flags and their values; the last row is always an empty one to type into. Delete removes a row."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__(0, 2)
        self.setHorizontalHeaderLabels(list(words.FLAG_COLUMNS))
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setTabKeyNavigation(False)
        self.itemChanged.connect(self._on_changed)
        self._refill(())

    @property
    def value(self) -> Flags:
        rows = [(self._text(row, 0), self._text(row, 1)) for row in range(self.rowCount())]
        return tuple((name, value) for name, value in rows if name)

    def show_value(self, value: Flags) -> None:
        if self.value != value:
            self._refill(value)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        row = self.currentRow()
        if event.key() != Qt.Key.Key_Delete or not 0 <= row < self.rowCount() - 1:
            super().keyPressEvent(event)
            return
        self.removeRow(row)
        self._fit()
        self.changed.emit(self.value)

    def _text(self, row: int, column: int) -> str:
        item = self.item(row, column)
        return item.text().strip() if item else ""

    def _refill(self, value: Flags) -> None:
        blocked = self.blockSignals(True)
        self.setRowCount(len(value) + 1)
        for row, flag in enumerate((*value, ("", ""))):
            for column, words_ in enumerate(flag):
                self.setItem(row, column, QTableWidgetItem(words_))
        self.blockSignals(blocked)
        self._fit()

    def _on_changed(self) -> None:
        if self._text(self.rowCount() - 1, 0):
            self.insertRow(self.rowCount())
            self._fit()
        self.changed.emit(self.value)

    def _fit(self) -> None:
        row = self.verticalHeader().defaultSectionSize()
        shown = min(MAX_ROWS, max(3, self.rowCount()))
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + shown * row + 2 * self.frameWidth())


class AllowedField(QWidget):
    """The models a slot may hold: None for every one of its kind, or those that are ticked."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._value: tuple[str, ...] | None = None
        self.every = QCheckBox(words.EVERY_MODEL)
        self.list = QListWidget()
        self.list.setAccessibleName(words.SLOT_MODELS)
        self.list.setFixedHeight(120)
        self.list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusProxy(self.every)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.every)
        whole.addWidget(self.list)
        self.every.clicked.connect(self._on_every)
        self.list.itemChanged.connect(self._on_ticked)

    def offer(self, models: Sequence[str]) -> None:
        ids = list(dict.fromkeys((*models, *(self._value or ()))))
        if ids == self._ids():
            return
        blocked = self.list.blockSignals(True)
        self.list.clear()
        for model_id in ids:
            QListWidgetItem(model_id, self.list).setCheckState(Qt.CheckState.Unchecked)
        self.list.blockSignals(blocked)
        self._tick()

    def show_value(self, value: tuple[str, ...] | None) -> None:
        self._value = value
        self.offer(self._ids())
        self._tick()

    def _ids(self) -> list[str]:
        return [self.list.item(row).text() for row in range(self.list.count())]

    def _tick(self) -> None:
        blocked = self.list.blockSignals(True)
        for row in range(self.list.count()):
            item = self.list.item(row)
            on = self._value is not None and item.text() in self._value
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self.list.blockSignals(blocked)
        self.every.setChecked(self._value is None)
        self.list.setVisible(self._value is not None)

    def _on_every(self, every: bool) -> None:
        self.changed.emit(None if every else tuple(self._ids()))

    def _on_ticked(self) -> None:
        items = [self.list.item(row) for row in range(self.list.count())]
        self.changed.emit(tuple(i.text() for i in items if i.checkState() is Qt.CheckState.Checked))
