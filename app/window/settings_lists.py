"""Editors of settings that are lists of lines, each with a button that removes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.texts import models as words
from app.window.widgets import ElidedLabel


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
        line = ElidedLabel()
        line.show_text(shown)
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


class FoldersField(QWidget):
    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.lines = Lines(words.folder)
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
