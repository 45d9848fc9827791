"""Editors of one setting each: `show_value` puts a value in, `changed` says what a person made of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QFontDatabase, QValidator, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QSizePolicy,
    QWidget,
)

from app.texts import common as text
from app.texts import models as words

JSON_LINES = 6
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(|s|m|min|h|d)\s*", re.IGNORECASE)
_BEGUN = re.compile(r"\s*\d*\.?\d*\s*[a-z]{0,3}\s*", re.IGNORECASE)


class TypedLine(QLineEdit):
    """A line that leaves files dragged onto it to the window, instead of taking their address as text."""

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        event.ignore() if event.mimeData().hasUrls() else super().dragEnterEvent(event)


class TextField(TypedLine):
    """`optional`: an empty text means that the setting is left out (None)."""

    changed = Signal(object)

    def __init__(self, *, optional: bool = False, placeholder: str = "") -> None:
        super().__init__(placeholderText=placeholder)
        self._optional = optional
        self.textEdited.connect(self._on_edited)

    def show_value(self, value: str | None) -> None:
        if self.text().strip() != (value or ""):
            self.setText(value or "")

    def _on_edited(self, typed: str) -> None:
        typed = typed.strip()
        self.changed.emit(None if self._optional and not typed else typed)


class NamesField(TypedLine):
    """A tuple of names, typed with commas or spaces between them."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.textEdited.connect(lambda typed: self.changed.emit(_names(typed)))

    @property
    def value(self) -> tuple[str, ...]:
        return _names(self.text())

    def show_value(self, value: tuple[str, ...]) -> None:
        if self.value != value:
            self.setText(", ".join(value))


class SetsField(TypedLine):
    """A tuple of tuples of names: commas within one, semicolons between two."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.textEdited.connect(lambda typed: self.changed.emit(_sets(typed)))

    def show_value(self, value: tuple[tuple[str, ...], ...]) -> None:
        if _sets(self.text()) != value:
            self.setText("; ".join(", ".join(names) for names in value))


def _sets(typed: str) -> tuple[tuple[str, ...], ...]:
    return tuple(names for part in typed.split(";") if (names := _names(part)))


def _names(typed: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(typed.replace(",", " ").split()))


class NumberField(QDoubleSpinBox):
    """A number that no passing mouse wheel changes. `whole` numbers are given as int."""

    changed = Signal(object)

    def __init__(
        self, low: float, high: float, *, whole: bool = True, suffix: str = "", zero: str = ""
    ) -> None:
        super().__init__(minimum=low, maximum=high, decimals=0 if whole else 2, suffix=suffix)
        self._whole = whole
        self.setSpecialValueText(zero)
        self.setLocale(QLocale.c())  # as hal0.yaml writes numbers: no grouping, a point
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMaximumWidth(160)
        self.valueChanged.connect(lambda value: self.changed.emit(int(value) if self._whole else value))

    def show_value(self, value: float) -> None:
        if self.value() != value:
            blocked = self.blockSignals(True)
            self.setValue(value)
            self.blockSignals(blocked)

    def textFromValue(self, value: float) -> str:  # noqa: N802 - Qt's name
        return str(int(value)) if value.is_integer() else f"{value:.2f}".rstrip("0")

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


class DurationField(NumberField):
    """Seconds, shown as `10 min`; typed as that, `1.5 h`, or a number of seconds."""

    def __init__(self, low: float, high: float, *, zero: str = "") -> None:
        super().__init__(low, high, whole=False, zero=zero)

    def textFromValue(self, value: float) -> str:  # noqa: N802 - Qt's name
        return words.exact_duration(value)

    def valueFromText(self, typed: str) -> float:  # noqa: N802 - Qt's name
        found = _DURATION.fullmatch(typed)
        return float(found[1]) * _UNITS[found[2][:1].lower()] if found else self.minimum()

    def validate(self, typed: str, at: int) -> Any:
        """Qt asks this of each key."""
        states = QValidator.State
        if typed == self.specialValueText() or (
            _DURATION.fullmatch(typed) and self.minimum() <= self.valueFromText(typed) <= self.maximum()
        ):
            return states.Acceptable, typed, at
        begun = _BEGUN.fullmatch(typed) or self.specialValueText().startswith(typed)
        return (states.Intermediate if begun else states.Invalid), typed, at

    def stepBy(self, steps: int) -> None:  # noqa: N802 - Qt's name
        """Step in the unit that is shown."""
        value, fewer = self.value(), steps < 0
        sizes = [size for size, _ in words.DURATIONS if value > size or (value == size and not fewer)]
        self.setValue(value + steps * (sizes[0] if sizes and sizes[0] < 86400 else 3600 if sizes else 1))


class PortsField(QWidget):
    """A first and a last port, as a tuple."""

    changed = Signal(object)

    def __init__(self, first: str, last: str) -> None:
        super().__init__()
        self.first, self.last = NumberField(1, 65535), NumberField(1, 65535)
        self.first.setAccessibleName(first)
        self.last.setAccessibleName(last)
        self.setFocusProxy(self.first)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for field in (self.first, self.last):
            row.addWidget(field)
            field.changed.connect(self._on_changed)
        row.addStretch(1)

    def show_value(self, value: tuple[int, int]) -> None:
        self.first.show_value(value[0])
        self.last.show_value(value[1])

    def _on_changed(self) -> None:
        self.changed.emit((int(self.first.value()), int(self.last.value())))


class CheckField(QCheckBox):
    changed = Signal(object)

    def __init__(self, caption: str) -> None:
        super().__init__(text.qt_label(caption))
        self.clicked.connect(self._on_clicked)

    def show_value(self, value: bool) -> None:
        self.setChecked(value)

    def _on_clicked(self, on: bool) -> None:
        self.changed.emit(on)


class ChoiceField(QComboBox):
    """One of (value, words); a value that is not offered is shown as it is."""

    changed = Signal(object)

    def __init__(self, offered: Sequence[tuple[Any, str]]) -> None:
        super().__init__()
        self._offered: list[tuple[Any, str]] = []
        self._values: list[Any] = []
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(14)
        self.activated.connect(lambda row: self.changed.emit(self._values[row]))
        self.offer(offered)

    def offer(self, offered: Sequence[tuple[Any, str]]) -> None:
        if list(offered) == self._offered:
            return
        self._offered = list(offered)
        current = self._values[self.currentIndex()] if self._values else offered[0][0]
        self._values = [value for value, _ in offered]
        self.clear()
        self.addItems([shown for _, shown in offered])
        self.show_value(current)

    def show_value(self, value: Any) -> None:
        if value not in self._values:
            self._values.append(value)
            self.addItem(str(value))
        self.setCurrentIndex(self._values.index(value))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


class JsonField(QPlainTextEdit):
    """JSON as text; whether it is JSON is judged elsewhere, so that half-typed text is not lost."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__(tabChangesFocus=True, placeholderText='{"temperature": 0.6}')
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setFixedHeight(self.fontMetrics().lineSpacing() * JSON_LINES + 14)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAcceptDrops(False)
        self._shown = ""
        self.textChanged.connect(self._on_changed)

    def show_value(self, value: str) -> None:
        if self.toPlainText() != value:
            self._shown = value
            self.setPlainText(value)

    def _on_changed(self) -> None:
        if self.toPlainText() != self._shown:
            self._shown = self.toPlainText()
            self.changed.emit(self._shown)
