"""One slot in the window: what it serves, where a switch is, and what can be done about it."""

from __future__ import annotations

import functools

import psutil
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.texts import common as text
from app.texts import fit as texts_fit
from app.texts import window as text_window
from app.views.menu import ENGINE, Action, Command
from app.views.remedy import Help
from app.views.slot import SlotView, slot_view
from app.views.tone import slot_tone
from app.window.flow_layout import FlowLayout
from app.window.phase_line import PhaseLine
from app.window.slot_curves import SlotCurves
from app.window.widgets import Card, Chip, ElidedLabel, ModelBox, button, label, set_text, wrapping_label
from router.state import SlotError, SlotStatus, Snapshot

NAME_WIDTH = 116
NARROW_LETTERS = 75
QWIDGETSIZE_MAX = (1 << 24) - 1  # Qt's "no limit"
CHIP_WIDTH = 112
MARGIN = 14


class SlotCard(Card):
    """Signals:
    chosen: (Command) load, unload, restart, cancel or show the log; WARM while a model is pointed at.
    """

    chosen = Signal(object)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.title = ElidedLabel("title")
        self.kind = label("muted")
        self.models = ModelBox()
        self.models.setAccessibleName(text.model_of(name))
        self.title.setBuddy(self.models)
        self.chip = Chip()
        self.facts = ElidedLabel("muted", mode=Qt.TextElideMode.ElideRight)
        self.cancel = self._button(text.CANCEL, Action.CANCEL)
        self.cut = self._button(text_window.CUT, Action.CUT)
        self.cut.setToolTip(text_window.CUT_TIP)
        self.wait = self._button(text_window.WAIT, Action.WAIT)
        self.wait.setToolTip(text_window.WAIT_TIP)
        self.unload = self._button(text.UNLOAD, Action.UNLOAD)
        self.restart = self._button(text_window.RESTART, Action.RESTART)
        self.log = self._button(text_window.SHOW_LOG, Action.SHOW_LOG)
        self.phases = PhaseLine(name)
        self.curves = SlotCurves()
        self.problem = QFrame()
        self.problem.setProperty("problem", "true")
        self.error = wrapping_label("failed")
        self.restore = button(text_window.RESTORE)
        self.retry = button(text_window.TRY_AGAIN, text_window.action_on(text_window.TRY_AGAIN, name))
        self.force = button(text_window.LOAD_ANYWAY, text_window.action_on(text_window.LOAD_ANYWAY, name))
        self.remedy = button("")
        self.remedy.setToolTip(text_window.LOAD_WITH_TIP)
        self.once = button(texts_fit.LOAD_ONCE)
        self.once.setToolTip(texts_fit.LOAD_ONCE_TIP)
        self.help = button("")
        self.help.clicked.connect(self._on_help)
        self.found = QFrame()
        self.found_note = wrapping_label()
        self.use = button(text_window.USE_IT, text_window.action_on(text_window.USE_IT, name))
        self.use.clicked.connect(lambda: self._load(self._view.found if self._view else ""))
        self.dismiss = QToolButton(autoRaise=True)
        self.dismiss.setText(text_window.DISMISS_SIGN)
        self.dismiss.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.dismiss.setToolTip(text_window.DISMISS)
        self.dismiss.setAccessibleName(text_window.action_on(text_window.DISMISS, name))
        self._shown: tuple[Snapshot, SlotStatus, float, float | None] | None = None
        self._dismissed: SlotError | None = None
        self._view: SlotView | None = None
        self._narrow: bool | None = None
        self.chip.setMinimumWidth(CHIP_WIDTH)
        self._lay_out()
        self.models.chosen.connect(self._load)
        self.models.pointed.connect(lambda model: self.chosen.emit(Command(Action.WARM, name, model)))
        self.restore.clicked.connect(lambda: self._load(self._view.restore if self._view else ""))
        self.retry.clicked.connect(lambda: self._load(self._view.retry if self._view else ""))
        self.force.clicked.connect(lambda: self._load(self._view.force if self._view else "", force=True))
        self.remedy.clicked.connect(self._on_remedy)
        self.once.clicked.connect(lambda: self._on_remedy(once=True))
        self.dismiss.clicked.connect(self._on_dismiss)

    def show_slot(
        self, snapshot: Snapshot, slot: SlotStatus, now: float, seconds_left: float | None = None
    ) -> None:
        """Show `slot` as it is in `snapshot`; `now` in Unix seconds."""
        self._shown = (snapshot, slot, now, seconds_left)
        ram = None if "/" in self.name else _ram()  # another computer's is not known
        view = slot_view(snapshot, slot, now, seconds_left, self._dismissed, ram)
        if view == self._view:
            return
        self._view = view
        self.chip.show_state(view.chip, slot_tone(slot, snapshot.server.state))
        self.title.show_text(view.name)
        set_text(self.kind, view.kind)
        self.models.offer(view.choices, view.serving, view.hint)
        self.models.setEnabled(bool(view.choices))
        self.facts.show_text(view.facts)
        self._show_buttons(view)
        self._place_facts(anew=False)
        if view.phases:
            self.phases.show_view(view)
        self.phases.setVisible(bool(view.phases))
        set_text(self.found_note, view.found_text)
        self.found.setVisible(bool(view.found))
        self._show_problem(view)

    def _show_buttons(self, view: SlotView) -> None:
        self.cancel.setVisible(view.may_cancel)
        self.cut.setVisible(view.may_cut)
        self.wait.setVisible(view.may_wait)
        for made in (self.unload, self.restart):
            made.setVisible(view.has_engine and not view.may_cancel)
        self.log.setVisible(view.has_engine)
        self.unload.setEnabled(view.may_unload)
        self.unload.setToolTip(view.unload_tip)
        self.restart.setEnabled(view.may_restart)

    def _show_problem(self, view: SlotView) -> None:
        set_text(self.error, view.error)
        self.error.setToolTip(view.error_tip if view.error_tip != view.error else "")
        self.restore.setVisible(bool(view.restore))
        self.restore.setToolTip(view.restore_text)
        self.restore.setAccessibleName(f"{self.name}: {view.restore_text}")
        self.retry.setVisible(bool(view.retry))
        self.force.setVisible(bool(view.force))
        self.remedy.setVisible(bool(view.remedy))
        self.remedy.setText(text.qt_label(view.remedy_text))
        self.remedy.setAccessibleName(text_window.action_on(view.remedy_text, self.name))
        self.once.setVisible(bool(view.remedy))
        self.once.setAccessibleName(text_window.action_on(f"{view.remedy_text}, {self.once.text()}", self.name))
        self.help.setVisible(view.help is not None)
        if view.help is not None:
            self.help.setText(text_window.HELPS[view.help.value])
            self.help.setAccessibleName(text_window.action_on(self.help.text(), self.name))
        self.problem.setVisible(bool(view.error))

    def _load(self, model_id: str, *, force: bool = False) -> None:
        self.chosen.emit(Command(Action.LOAD, self.name, model_id, force=force))

    def _on_remedy(self, *, once: bool = False) -> None:
        if self._view is not None:
            flags = self._view.remedy
            self.chosen.emit(Command(Action.LOAD, self.name, self._view.failed, flags=flags, once=once))

    def _on_help(self) -> None:
        if self._view is None or self._shown is None:
            return
        model = self._shown[0].model(self._view.failed)
        match self._view.help:
            case Help.SHOW_FILE:
                file = (model.file or "") if model is not None else ""
                self.chosen.emit(Command(Action.SHOW_FILE, self.name, value=file))
            case Help.INSTALL:
                self.chosen.emit(Command(Action.UPDATE, value=ENGINE))
            case Help.SETTINGS:
                self.chosen.emit(Command(Action.SETTINGS))

    def _on_dismiss(self) -> None:
        """Dismiss an error in this window only: the slot's state and the tray go on telling."""
        if self._shown is not None:
            self.models.setFocus()  # the button it was on goes
            self._dismissed = self._shown[1].last_error
            self.show_slot(*self._shown)

    def _button(self, words: str, action: Action) -> QPushButton:
        made = button(words, text_window.action_on(words, self.name))
        made.clicked.connect(lambda: self.chosen.emit(Command(action, self.name)))
        return made

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        letter = self.fontMetrics().averageCharWidth()
        self._be_narrow(event.size().width() < NARROW_LETTERS * letter)
        self._place_facts(anew=True)
        super().resizeEvent(event)

    def _place_facts(self, *, anew: bool) -> None:
        """Give the buttons a line of their own where they leave the facts too little room. Only a new width
        takes them back: a figure that gets shorter must not make the card jump."""
        room = self.contentsRect().width() - 2 * MARGIN - self._below.spacing()
        needed = self.facts.sizeHint().width() + self._buttons.sizeHint().width()
        if self._narrow or needed > room:
            self._below.setDirection(QBoxLayout.Direction.TopToBottom)
        elif anew:
            self._below.setDirection(QBoxLayout.Direction.LeftToRight)

    def _be_narrow(self, narrow: bool) -> None:
        """Give the list of models and the buttons lines of their own where there is no room beside the
        names."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        for part in (self._names, self.models, self.chip):
            self._top.removeWidget(part)
        self.title.setMinimumWidth(0)
        self.title.setMaximumWidth(QWIDGETSIZE_MAX if narrow else NAME_WIDTH)
        self._names.setFixedWidth(NAME_WIDTH) if not narrow else self._names.setMinimumWidth(0)
        if narrow:
            self._names.setMaximumWidth(QWIDGETSIZE_MAX)
        self._top.addWidget(self._names, 0, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        if narrow:
            self._top.addWidget(self.chip, 0, 1, middle)
            self._top.addWidget(self.models, 1, 0, 1, 2)
        else:
            self._top.addWidget(self.models, 0, 1)
            self._top.addWidget(self.chip, 0, 2, middle)
        self._top.setColumnStretch(0, 1 if narrow else 0)
        self._top.setColumnStretch(1, 0 if narrow else 1)

    def _lay_out(self) -> None:
        self._names = QWidget()
        names = QVBoxLayout(self._names)
        names.setContentsMargins(0, 0, 0, 0)
        names.setSpacing(0)
        names.addWidget(self.title)
        names.addWidget(self.kind)
        self._top = QGridLayout()
        self._top.setHorizontalSpacing(12)
        self._top.setVerticalSpacing(6)
        self._buttons = buttons = FlowLayout()
        for made in (self.wait, self.cut, self.cancel, self.restart, self.unload, self.log):
            buttons.addWidget(made)
        self._below = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._below.setSpacing(8)
        self._below.addWidget(self.facts, 1)
        self._below.addLayout(buttons)
        self._be_narrow(False)
        said = QHBoxLayout()
        said.addWidget(self.error, 1)
        said.addWidget(self.dismiss, 0, Qt.AlignmentFlag.AlignTop)
        ways = FlowLayout()
        for made in (self.restore, self.help, self.retry, self.remedy, self.once, self.force):
            ways.addWidget(made)
        trouble = QVBoxLayout(self.problem)
        trouble.setContentsMargins(10, 6, 8, 6)
        trouble.addLayout(said)
        trouble.addLayout(ways)
        offered = QHBoxLayout(self.found)
        offered.setContentsMargins(0, 0, 0, 0)
        offered.addWidget(self.found_note, 1)
        offered.addWidget(self.use)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(MARGIN, 10, MARGIN, 10)
        whole.setSpacing(8)
        whole.addLayout(self._top)
        whole.addWidget(self.phases)
        whole.addWidget(self.found)
        whole.addWidget(self.problem)
        whole.addLayout(self._below)
        whole.addWidget(self.curves)


@functools.cache
def _ram() -> int:
    """Return bytes of RAM of this computer."""
    return int(psutil.virtual_memory().total)
