"""A page of settings: captions, editors, and under each what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.views.settings import Form, Key
from app.window.pick_button import FileButton, PickButton
from app.window.widgets import Scroller, label, set_text, wrapping_label

POLICY = QSizePolicy.Policy
MOST_LETTERS = 130
QWIDGETSIZE_MAX = (1 << 24) - 1  # Qt's "no limit"


class FieldBox(QWidget):
    """An editor with its hint and its problem below."""

    def __init__(self, caption: str, editor: Any, hint: str) -> None:
        super().__init__()
        self.editor = editor
        self.hint = wrapping_label("muted")
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        self.problem = wrapping_label("failed")
        self.problem.hide()
        says = isinstance(editor, QAbstractButton) and editor.text()  # a box to tick has words of its own
        if not editor.accessibleName() and caption and not says:
            editor.setAccessibleName(caption)
        self.setFocusProxy(editor)
        self._line = QHBoxLayout()
        self._line.setSpacing(8)
        fixed = editor.sizePolicy().horizontalPolicy() in (POLICY.Fixed, POLICY.Maximum)
        narrow = fixed or editor.maximumWidth() < QWIDGETSIZE_MAX
        # One that takes no more than it needs would be centred.
        self._line.addWidget(editor, 1, Qt.AlignmentFlag.AlignLeft if narrow else Qt.AlignmentFlag(0))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(4)
        whole.addLayout(self._line)
        for part in (self.hint, self.problem):
            whole.addWidget(part)

    def fill_by(self, chooser: PickButton | FileButton, *, more: bool = False) -> None:
        """Put a button beside the editor that fills it; `more`: its editor's value is a tuple, and grows."""

        def take(name: str) -> None:
            value = tuple(dict.fromkeys((*self.editor.value, name))) if more else name
            self.editor.show_value(value)
            self.editor.changed.emit(value)

        self._line.addWidget(chooser)
        chooser.picked.connect(take)

    def show_hint(self, hint: str) -> None:
        set_text(self.hint, hint)

    def show_problem(self, problem: str | None) -> None:
        set_text(self.problem, problem or "")
        self.problem.setVisible(problem is not None)
        self.editor.setAccessibleDescription(problem or self.hint.text())


class Page(Scroller):
    """Attributes:
    boxes: the fields by their settings; `picks`: what offers values for some of them.

    Signals:
        edited: (key, value) a person changed a setting.
    """

    edited = Signal(object, object)

    def __init__(self) -> None:
        inside = QWidget()
        super().__init__(inside, MOST_LETTERS)
        self.boxes: dict[Key, FieldBox] = {}
        self.picks: dict[Key, PickButton] = {}
        self.other = wrapping_label("failed")
        self.other.hide()
        whole = QVBoxLayout(inside)
        whole.setContentsMargins(4, 4, 12, 4)
        self.rows = QFormLayout()
        whole.addLayout(self.rows)
        margins = whole.contentsMargins()
        self._beside = margins.left() + margins.right()
        whole.addStretch(1)
        self.rows.setHorizontalSpacing(16)
        self.rows.setVerticalSpacing(14)
        self.rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.rows.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        self.rows.addRow(self.other)

    def add(self, key: Key, caption: str, editor: Any, hint: str = "") -> None:
        """Add a setting, edited by `editor` (see app.window.settings_fields)."""
        editor.changed.connect(lambda value: self.edited.emit(key, value))
        self.boxes[key] = FieldBox(caption, editor, hint)
        self.add_row(caption, self.boxes[key])

    def add_heading(self, text: str, hint: str) -> None:
        """Add a line that says what the settings below it are about."""
        shown, about = label("title"), wrapping_label("muted")
        shown.setText(text)
        about.setText(hint)
        for line in (shown, about):
            self.rows.addRow(line)

    def add_row(self, caption: str, field: QWidget) -> None:
        shown = label()
        shown.setText(caption)
        editor = field.editor if isinstance(field, FieldBox) else field
        # On Linux the name of a box is what is chosen in it; what the choice is about, its label says.
        shown.setBuddy(editor if isinstance(editor, QComboBox) else field)
        field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.rows.addRow(shown, field)

    def show_form(self, form: Form, problems: Mapping[Key, str]) -> None:
        """Show these values; of the problems, those about this page's settings."""
        for key, box in self.boxes.items():
            if key in form:
                box.editor.show_value(form[key])
            box.show_problem(problems.get(key))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        policy = QFormLayout.RowWrapPolicy
        self.rows.setRowWrapPolicy(policy.DontWrapRows)
        if self.rows.minimumSize().width() + self._beside > event.size().width():
            self.rows.setRowWrapPolicy(policy.WrapAllRows)  # captions above their fields
        super().resizeEvent(event)

    def show_other(self, message: str) -> None:
        """Show a problem of something that has no field here."""
        set_text(self.other, message)
        self.other.setVisible(bool(message))

    def reveal(self, key: Key) -> None:
        """Scroll to a setting and put the cursor there."""
        if (box := self.boxes.get(key)) is not None:
            box.editor.setFocus()
            self.ensureWidgetVisible(box)
