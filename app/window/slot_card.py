"""One slot in the window: what it serves, where a switch is, and what can be done about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout

from app import text, text_window
from app.menu_model import Action, Command
from app.slot_model import SlotView, slot_view
from app.theme import slot_tone
from app.window.parts import Card, Chip, ElidedLabel, ModelBox, button, label, set_text, wrapping_label
from app.window.phase_line import PhaseLine
from router.state import SlotStatus, Snapshot

NAME_WIDTH = 116
CHIP_WIDTH = 112


class SlotCard(Card):
    """Signals:
    chosen: (Command) load, unload, restart, cancel or show the log.
    """

    chosen = Signal(object)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.title = ElidedLabel("title")
        self.kind = label("muted")
        self.models = ModelBox()
        self.models.setAccessibleName(text.model_of(name))
        self.chip = Chip()
        self.facts = ElidedLabel("muted", mode=Qt.TextElideMode.ElideRight)
        self.cancel = self._button(text.CANCEL, Action.CANCEL)
        self.unload = self._button(text.UNLOAD, Action.UNLOAD)
        self.restart = self._button(text_window.RESTART, Action.RESTART)
        self.log = self._button(text_window.SHOW_LOG, Action.SHOW_LOG)
        self.phases = PhaseLine(name)
        self.problem = QFrame()
        self.problem.setProperty("problem", "true")
        self.error = wrapping_label("failed")
        self.restore = button(text_window.RESTORE)
        self.retry = button(text_window.TRY_AGAIN, text_window.action_on(text_window.TRY_AGAIN, name))
        self._view: SlotView | None = None
        self._lay_out()
        self.models.chosen.connect(self._load)
        self.restore.clicked.connect(lambda: self._load(self._view.restore if self._view else ""))
        self.retry.clicked.connect(lambda: self._load(self._view.retry if self._view else ""))

    def show_slot(
        self, snapshot: Snapshot, slot: SlotStatus, now: float, seconds_left: float | None = None
    ) -> None:
        """Show `slot` as it is in `snapshot`; `now` in Unix seconds."""
        view = slot_view(snapshot, slot, now, seconds_left)
        if view == self._view:
            return
        self._view = view
        self.chip.show_state(view.chip, slot_tone(slot))
        self.title.show_text(view.name)
        set_text(self.kind, view.kind)
        self.models.offer(view.choices, view.serving, view.hint)
        self.models.setEnabled(bool(view.choices))
        self.facts.show_text(view.facts)
        self._show_buttons(view)
        if view.phases:
            self.phases.show_view(view)
        self.phases.setVisible(bool(view.phases))
        self._show_problem(view)

    def _show_buttons(self, view: SlotView) -> None:
        self.cancel.setVisible(view.may_cancel)
        self.unload.setVisible(not view.may_cancel)
        self.restart.setVisible(not view.may_cancel)
        self.unload.setEnabled(view.may_unload)
        self.unload.setToolTip(view.unload_tip)
        self.restart.setEnabled(view.may_restart)

    def _show_problem(self, view: SlotView) -> None:
        set_text(self.error, view.error)
        self.restore.setVisible(bool(view.restore))
        self.restore.setToolTip(view.restore_text)
        self.restore.setAccessibleName(f"{self.name}: {view.restore_text}")
        self.retry.setVisible(bool(view.retry))
        self.problem.setVisible(bool(view.error))

    def _load(self, model_id: str) -> None:
        self.chosen.emit(Command(Action.LOAD, self.name, model_id))

    def _button(self, words: str, action: Action) -> QPushButton:
        made = button(words, text_window.action_on(words, self.name))
        made.clicked.connect(lambda: self.chosen.emit(Command(action, self.name)))
        return made

    def _lay_out(self) -> None:
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self.title)
        names.addWidget(self.kind)
        self.title.setFixedWidth(NAME_WIDTH)
        self.chip.setMinimumWidth(CHIP_WIDTH)
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addLayout(names)
        top.addWidget(self.models, 1)
        top.addWidget(self.chip, 0, Qt.AlignmentFlag.AlignVCenter)
        below = QHBoxLayout()
        below.setSpacing(8)
        below.addWidget(self.facts, 1)
        for made in (self.cancel, self.restart, self.unload, self.log):
            below.addWidget(made)
        trouble = QHBoxLayout(self.problem)
        trouble.setContentsMargins(10, 6, 8, 6)
        trouble.addWidget(self.error, 1)
        trouble.addWidget(self.restore)
        trouble.addWidget(self.retry)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(14, 10, 14, 10)
        whole.setSpacing(8)
        whole.addLayout(top)
        whole.addWidget(self.phases)
        whole.addWidget(self.problem)
        whole.addLayout(below)
