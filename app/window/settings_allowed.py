"""The editor of what a slot may hold: every model of its kind, or those that are ticked."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QListWidget, QListWidgetItem, QSizePolicy, QVBoxLayout, QWidget

from app.texts import models as words


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
