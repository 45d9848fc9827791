"""Draws menu rows into a QMenu and keeps them up to date in place."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from app.texts.common import Escape
from app.views.menu import Action, Command, Row


class MenuView(QObject):
    """One QMenu (submenus have views of their own). An action lives as long as the rows' keys stay the same.

    Signals:
        chosen: (Command) a person clicked an entry, or points at one that would load a model (WARM).
    """

    chosen = Signal(object)

    def __init__(self, menu: QMenu, escape: Escape, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.menu = menu
        self._escape = escape
        self._shape: tuple[tuple[str, bool, bool, bool, bool], ...] = ()
        self._entries: list[_Entry] = []
        self._group = QActionGroup(self)

    def show_rows(self, rows: tuple[Row, ...]) -> None:
        """Make the menu show `rows`: text and flags in place, a rebuild only where rows came or went."""
        shape = tuple((row.key, row.separator, row.radio, row.tick, bool(row.rows)) for row in rows)
        if shape != self._shape:
            self._rebuild(rows)
            self._shape = shape
        for entry, row in zip(self._entries, rows, strict=True):
            entry.show(row, self._escape)

    def restore_marks(self) -> None:
        """Put the radio mark back where the last snapshot had it."""
        for entry in self._entries:
            entry.restore_mark()

    def _rebuild(self, rows: tuple[Row, ...]) -> None:
        for entry in self._entries:
            entry.remove()
        self._group.deleteLater()
        self._group = QActionGroup(self)
        self._entries = [self._build(row) for row in rows]

    def _build(self, row: Row) -> _Entry:
        # PySide 6.11 keeps what `addAction(text)`, `addSeparator` and `addMenu` return for as long as the menu
        # lives, deleted or not: 20 KB at each rebuild.
        if row.rows:
            menu = QMenu(self.menu)
            view = MenuView(menu, self._escape, self)
            view.chosen.connect(self.chosen)
            self.menu.addAction(menu.menuAction())
            return _Entry(self, menu.menuAction(), view)
        action = QAction(self.menu)
        self.menu.addAction(action)
        if row.separator:
            action.setSeparator(True)
            return _Entry(self, action, None)
        # macOS moves entries called "Quit" or "Settings" elsewhere unless told not to.
        action.setMenuRole(QAction.MenuRole.NoRole)
        action.setCheckable(row.radio or row.tick)
        if row.radio:
            action.setActionGroup(self._group)
        return _Entry(self, action, None)


class _Entry:
    """A row on screen: its QAction, its submenu's view, and what a click on it means now."""

    def __init__(self, view: MenuView, action: QAction, submenu: MenuView | None) -> None:
        self._view = view
        self._action = action
        self._submenu = submenu
        self._row = Row("")
        action.triggered.connect(self._on_triggered)
        action.hovered.connect(self._on_hovered)

    def show(self, row: Row, escape: Escape) -> None:
        self._row = row
        action = self._action
        label = escape(row.text)
        # Compared first: each call of a setter is a D-Bus signal and a repaint of an open menu.
        if action.text() != label:
            action.setText(label)
        if action.isEnabled() != row.enabled and not row.separator:
            action.setEnabled(row.enabled)
        self.restore_mark()
        if self._submenu is not None:
            self._submenu.show_rows(row.rows)

    def restore_mark(self) -> None:
        if self._action.isChecked() != self._row.checked:
            self._action.setChecked(self._row.checked)

    def remove(self) -> None:
        self._view.menu.removeAction(self._action)
        self._action.deleteLater()
        if self._submenu is not None:
            self._submenu.menu.deleteLater()
            self._submenu.deleteLater()

    def _on_triggered(self) -> None:
        row = self._row
        if row.command is None:
            return
        self._view.chosen.emit(row.command)
        # Qt has moved the radio mark to the clicked row; only the next snapshot may say that it moved.
        self._view.restore_marks()

    def _on_hovered(self) -> None:
        command = self._row.command
        if command is not None and command.action is Action.LOAD and self._row.enabled:
            self._view.chosen.emit(Command(Action.WARM, command.slot, command.model))
