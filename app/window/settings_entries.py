"""The pages Slots and Models: a list of names, and the settings of the chosen one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.texts import models as words
from app.views.settings import Form, Key, names
from app.views.settings_draft import name_problem
from app.window.pick_button import PickButton
from app.window.settings_page import Page
from app.window.widgets import set_text, wrapping_label

LIST_WIDTHS = (170, 120)  # and in a narrow window
LIST_LEAST = 30
NAME = Qt.ItemDataRole.UserRole


class EntriesPage(QWidget):
    """Attributes:
    page: the settings of the chosen entry; None before there was one.

    Signals:
        edited: (key, value) a person changed a setting.
        added: (name) a new entry is wanted.
        removed: (name) an entry is to go.
        typed: the name of a new entry is being typed.
    """

    edited = Signal(object, object)
    added = Signal(str)
    removed = Signal(str)
    typed = Signal()

    def __init__(
        self,
        section: str,
        caption: str,
        hint: str,
        make: Callable[[str, Form], Page],
        shape: Callable[[Form, str], object] = lambda _form, _name: None,
    ) -> None:
        """`make` builds the page of an entry, anew whenever what `shape` tells of it changes."""
        super().__init__()
        self._section, self._make, self._shape = section, make, shape
        self._form: Form = {}
        self._problems: Mapping[Key, str] = {}
        self._built: tuple[str, object] | None = None
        self.page: Page | None = None
        self.list = QListWidget()
        self.list.setAccessibleName(caption)
        self.list.setMinimumHeight(LIST_LEAST)
        self.new = QLineEdit(placeholderText=hint)
        self.new.setAccessibleName(hint)
        self.pick = PickButton(words.CHOOSE_MODEL, small=True)
        self.add = QPushButton(words.ADD)
        self.remove = QPushButton(words.REMOVE)
        self.note = wrapping_label("failed")
        self.note.hide()
        self.empty = wrapping_label("muted")
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self._lay_out()
        self.list.currentItemChanged.connect(self._show_chosen)
        self.add.clicked.connect(self.take_new)
        self.new.returnPressed.connect(self.take_new)
        self.new.textEdited.connect(lambda: self._note(""))
        self.new.textChanged.connect(self.typed)
        self.pick.picked.connect(self._on_picked)
        self.remove.clicked.connect(lambda: self.removed.emit(self.chosen))

    @property
    def chosen(self) -> str:
        item = self.list.currentItem()
        return str(item.data(NAME)) if item else ""

    def choose(self, name: str) -> None:
        for row in range(self.list.count()):
            if self.list.item(row).data(NAME) == name:
                self.list.setCurrentRow(row)

    def be_narrow(self, narrow: bool) -> None:
        words = max(self.add.sizeHint().width(), self.remove.sizeHint().width())
        width = max(LIST_WIDTHS[narrow], words)
        self._side.setFixedWidth(width)
        directions = QBoxLayout.Direction
        stacked = 2 * words + self._buttons.spacing() > width
        self._buttons.setDirection(directions.TopToBottom if stacked else directions.LeftToRight)

    def show_form(self, form: Form, problems: Mapping[Key, str]) -> None:
        """Show these entries; a mark stands at those that have a problem."""
        self._form, self._problems = form, problems
        wanted = names(form, self._section)
        bad = {key[1] for key in problems if key[0] == self._section and len(key) > 1}
        shown = [self.list.item(row).data(NAME) for row in range(self.list.count())]
        if shown != list(wanted):
            self._refill(wanted)
        for row, name in enumerate(wanted):
            self.list.item(row).setText(words.marked(name, name in bad))
        self._show_chosen()

    def _refill(self, wanted: tuple[str, ...]) -> None:
        before, row = self.chosen, self.list.currentRow()
        blocked = self.list.blockSignals(True)
        self.list.clear()
        for name in wanted:
            QListWidgetItem(name, self.list).setData(NAME, name)
        self.list.setCurrentRow(min(max(row, 0), len(wanted) - 1))
        self.choose(before)
        self.list.blockSignals(blocked)

    def _show_chosen(self) -> None:
        name = self.chosen
        self.remove.setEnabled(bool(name))
        if not name or (self._section, name) not in {key[:2] for key in self._form}:
            self.stack.setCurrentWidget(self.empty)
            return
        wanted = (name, self._shape(self._form, name))
        if self._built != wanted:
            self._build(name)
            self._built = wanted
        if self.page is not None:
            self.stack.setCurrentWidget(self.page)
            self.page.show_form(self._form, self._problems)
            own = {key: message for key, message in self._problems.items() if key[:2] == (self._section, name)}
            self.page.show_other(
                "\n".join(message for key, message in own.items() if key not in self.page.boxes)
            )

    def _build(self, name: str) -> None:
        if self.page is not None:
            self.stack.removeWidget(self.page)
            self.page.deleteLater()
        self.page = self._make(name, self._form)
        self.page.edited.connect(self.edited)
        self.stack.addWidget(self.page)

    @property
    def pending(self) -> bool:
        """Whether a name stands in the field that was not added yet."""
        return bool(self.new.text().strip())

    def drop_new(self) -> None:
        """Forget the name that is being typed."""
        self.new.clear()
        self._note("")

    def take_new(self) -> bool:
        """Add the entry whose name was typed; False where that cannot be its name, which is said."""
        name = self.new.text().strip()
        problem = name_problem(self._form, self._section, name)
        self._note(problem or "")
        if problem is not None:
            return False
        self.new.clear()
        self.added.emit(name)
        self.choose(name)
        return True

    def _on_picked(self, name: str) -> None:
        self.new.setText(name)
        self.take_new()

    def _note(self, message: str) -> None:
        set_text(self.note, message)
        self.note.setVisible(bool(message))

    def _lay_out(self) -> None:
        self._buttons = buttons = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        buttons.addWidget(self.add)
        buttons.addWidget(self.remove)
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(self.list, 1)
        named = QHBoxLayout()
        named.setSpacing(4)
        named.addWidget(self.new, 1)
        named.addWidget(self.pick)
        left.addLayout(named)
        left.addLayout(buttons)
        left.addWidget(self.note)
        self._side = side = QWidget()
        left.setContentsMargins(0, 0, 0, 0)
        side.setLayout(left)
        self.be_narrow(False)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(14)
        whole.addWidget(side)
        whole.addWidget(self.stack, 1)
