"""The other hal0s: for each a line with the state of the contact, and a card for each of its slots."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.views.remote import Group, groups
from app.views.switch import LoadClock
from app.views.tone import Tone
from app.window.slot_card import SlotCard
from app.window.wake_button import WakeButton
from app.window.widgets import Chip, ElidedLabel
from router.state import Snapshot

SPACING = 10


class GroupView(QWidget):
    """Signals:
    chosen: (Command) what a person asked of one of its slots, or that it be woken.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.cards: dict[str, SlotCard] = {}
        self.name = ElidedLabel("title")
        self.facts = ElidedLabel("muted", mode=Qt.TextElideMode.ElideRight)
        self.chip = Chip()
        self.wake = WakeButton()
        self.wake.chosen.connect(self.chosen)
        line = QHBoxLayout()
        line.setContentsMargins(14, 6, 14, 0)
        line.setSpacing(12)
        line.addWidget(self.name)
        line.addWidget(self.facts, 1)
        line.addWidget(self.wake)
        line.addWidget(self.chip)
        self._whole = QVBoxLayout(self)
        self._whole.setContentsMargins(0, 0, 0, 0)
        self._whole.setSpacing(SPACING)
        self._whole.addLayout(line)

    def show_group(self, group: Group, now: float, clock: LoadClock) -> None:
        """Show this hal0 at Unix time `now`."""
        self.name.show_text(group.name)
        self.facts.show_text(group.facts or group.url)
        self.chip.show_state(group.link, Tone.GOOD if group.connected else Tone.QUIET)
        self.chip.setAccessibleName(f"{group.name}: {group.link}")
        self.wake.show_state(group.name, wakes=group.wakes, enabled=group.wake)
        if tuple(self.cards) != tuple(hosted.slot.name for hosted in group.slots):
            self._rebuild(group)
        for hosted in group.slots:
            left = clock.left(hosted.slot.name, now)
            self.cards[hosted.slot.name].show_slot(hosted.snapshot, hosted.slot, now, left)

    def _rebuild(self, group: Group) -> None:
        for card in self.cards.values():
            self._whole.removeWidget(card)
            card.deleteLater()
        self.cards = {hosted.slot.name: SlotCard(hosted.slot.name) for hosted in group.slots}
        for card in self.cards.values():
            card.chosen.connect(self.chosen)
            self._whole.addWidget(card)


class RemoteGroups(QWidget):
    """Hidden where there are none.

    Signals:
        chosen: (Command) what a person asked of a slot elsewhere, or that one be woken.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[GroupView] = []
        self._whole = QVBoxLayout(self)
        self._whole.setContentsMargins(0, 0, 0, 0)
        self._whole.setSpacing(SPACING)
        self.hide()

    @property
    def cards(self) -> list[SlotCard]:
        return [card for group in self.groups for card in group.cards.values()]

    def show_snapshot(self, snapshot: Snapshot, now: float, clock: LoadClock) -> None:
        found = groups(snapshot)
        while len(self.groups) > len(found):
            self.groups.pop().deleteLater()
        while len(self.groups) < len(found):
            view = GroupView()
            view.chosen.connect(self.chosen)
            self.groups.append(view)
            self._whole.addWidget(view)
        for view, group in zip(self.groups, found, strict=True):
            view.show_group(group, now, clock)
        self.setVisible(bool(found))
