"""One slot in the window: what it serves, where a switch is, and what can be done about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout

from app import text
from app.menu_model import Action, Command, may_unload
from app.theme import slot_tone
from app.window.parts import Card, Chip, ModelBox, label, set_flag, set_text, wrapping_label
from router.state import SlotStatus, Snapshot

NAME_LIMIT = 48


class SlotCard(Card):
    """Signals:
    chosen: (Command) load, unload or cancel.
    """

    chosen = Signal(object)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.title = label("title")
        self.kind = label("muted")
        self.models = ModelBox()
        self.models.setAccessibleName(text.model_of(name))
        self.chip = Chip()
        self.button = QPushButton()
        self.progress = QProgressBar(textVisible=False)
        self.progress.setAccessibleName(text.progress_of(name))
        self.detail = wrapping_label("muted")
        self._button_command = Command(Action.UNLOAD, name)
        self._lay_out()
        self.models.chosen.connect(self._on_chosen)
        self.button.clicked.connect(lambda: self.chosen.emit(self._button_command))

    def show_slot(self, snapshot: Snapshot, slot: SlotStatus, now: float) -> None:
        """Show `slot` as it is in `snapshot`; `now` in Unix seconds."""
        set_text(self.title, text.elide_middle(slot.name, 15))
        self.title.setToolTip(slot.name)
        set_text(self.kind, slot.kind.value)
        entries = []
        for model_id in slot.choices:
            model = snapshot.model(model_id)
            usable = model is not None and model.problem is None
            entries.append((model_id, text.choice(model, model_id, NAME_LIMIT), usable))
        hint = text.CHOOSE_MODEL if entries else text.NO_MODEL_ENTRY
        self.models.offer(tuple(entries), slot.serving, hint)
        self.models.setEnabled(bool(entries))
        self.chip.show_state(text.state(slot), slot_tone(slot))
        set_text(self.detail, text.slot_detail(slot, now))
        set_flag(self.detail, "failed", "true" if _failed(slot) else "false")
        self._show_progress(slot)
        self._show_button(slot)

    def _show_progress(self, slot: SlotStatus) -> None:
        share = text.percent(slot)
        # A range of 0..0 is Qt's "busy, no idea how long".
        self.progress.setRange(0, 0 if share is None else 100)
        self.progress.setValue(share or 0)
        self.progress.setVisible(slot.state.switching)

    def _show_button(self, slot: SlotStatus) -> None:
        action = Action.CANCEL if slot.state.switching else Action.UNLOAD
        self._button_command = Command(action, self.name)
        words = text.CANCEL if slot.state.switching else text.UNLOAD
        if self.button.text() != words:
            self.button.setText(words)
        self.button.setEnabled(slot.state.switching or may_unload(slot))
        self.button.setAccessibleName(f"{words} {self.name}")

    def _on_chosen(self, model_id: str) -> None:
        self.chosen.emit(Command(Action.LOAD, self.name, model_id))

    def _lay_out(self) -> None:
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self.title)
        names.addWidget(self.kind)
        self.title.setFixedWidth(124)
        self.chip.setMinimumWidth(110)
        self.button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.button.setMinimumWidth(84)
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addLayout(names)
        top.addWidget(self.models, 1)
        top.addWidget(self.chip, 0, Qt.AlignmentFlag.AlignVCenter)
        top.addWidget(self.button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(14, 12, 14, 12)
        whole.setSpacing(8)
        whole.addLayout(top)
        whole.addWidget(self.progress)
        whole.addWidget(self.detail)


def _failed(slot: SlotStatus) -> bool:
    return slot.last_error is not None and not slot.state.switching
