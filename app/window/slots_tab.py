"""The tab with one card per slot, and the memory below them."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.texts import common as text
from app.texts import remote as texts_remote
from app.texts import window as text_window
from app.views.memory import pools
from app.views.slot_history import SlotHistory
from app.views.switch import LoadClock
from app.window.kept_line import KeptLine
from app.window.memory_bar import MemoryLine
from app.window.remote_groups import RemoteGroups
from app.window.slot_card import SlotCard
from app.window.upstreams import UpstreamList
from app.window.widgets import Scroller, set_text, wrapping_label
from router.state import ServerState, Snapshot

MOST_LETTERS = 200


class SlotsTab(QWidget):
    """Signals:
    chosen: (Command) what a person asked of a slot, or of a server elsewhere.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.cards: dict[str, SlotCard] = {}
        self.memory: list[MemoryLine] = []
        self._lay_out()

    def show_snapshot(
        self,
        snapshot: Snapshot,
        now: float,
        clock: LoadClock,
        history: SlotHistory | None = None,
        *,
        attached: bool = False,
    ) -> None:
        """Show this snapshot at Unix time `now`; `history`: what was before. `attached`: another process's."""
        if tuple(self.cards) != tuple(slot.name for slot in snapshot.slots):
            self._rebuild_cards(snapshot)
        set_text(self.empty, _why_empty(snapshot, attached))
        self.empty.setVisible(not self.cards)
        for slot in snapshot.slots:
            self.cards[slot.name].show_slot(snapshot, slot, now, clock.left(slot.name, now))
        self.remotes.show_snapshot(snapshot, now, clock)
        if history is not None:
            for card in (*self.cards.values(), *self.remotes.cards):
                card.curves.show_curves(history.of(card.name, now))
        self.upstreams.show_snapshot(snapshot)
        self._show_memory(snapshot)
        self.kept.show_kept(snapshot.kept)

    def focus_slot(self, number: int) -> None:
        """Put the keyboard on the model list of slot `number`, counted from 0."""
        cards = [*self.cards.values(), *self.remotes.cards]
        if number < len(cards):
            self.area.ensureWidgetVisible(cards[number])
            cards[number].models.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def wanted_height(self) -> int:
        """Pixels at which nothing needs to scroll."""
        outside = self.sizeHint().height() - self.area.sizeHint().height()
        return outside + self._slots.sizeHint().height() + 4

    def _rebuild_cards(self, snapshot: Snapshot) -> None:
        for card in self.cards.values():
            self._slots.removeWidget(card)
            card.deleteLater()
        self.cards = {slot.name: SlotCard(slot.name) for slot in snapshot.slots}
        for position, card in enumerate(self.cards.values()):
            card.chosen.connect(self.chosen)
            self._slots.insertWidget(position, card)

    def _show_memory(self, snapshot: Snapshot) -> None:
        found = pools(snapshot)
        while len(self.memory) > len(found):
            self.memory.pop().deleteLater()
        while len(self.memory) < len(found):
            line = MemoryLine()
            self.memory.append(line)
            self._footer.addWidget(line)
        for line, pool in zip(self.memory, found, strict=True):
            line.show_pool(pool)

    def _lay_out(self) -> None:
        inside = QWidget()
        self._slots = QVBoxLayout(inside)
        self._slots.setContentsMargins(0, 0, 6, 0)
        self._slots.setSpacing(10)
        self.empty = wrapping_label("muted")
        self._slots.addWidget(self.empty)
        self.remotes = RemoteGroups()
        self.remotes.chosen.connect(self.chosen)
        self._slots.addWidget(self.remotes)
        self.upstreams = UpstreamList()
        self.upstreams.chosen.connect(self.chosen)
        self._slots.addWidget(self.upstreams)
        self._slots.addStretch(1)
        self.area = Scroller(inside, MOST_LETTERS, Qt.AlignmentFlag.AlignHCenter)
        self._footer = QVBoxLayout()
        self._footer.setSpacing(10)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(10, 12, 10, 10)
        whole.setSpacing(12)
        whole.addWidget(self.area, 1)
        whole.addLayout(self._footer)
        self.kept = KeptLine()
        self.kept.chosen.connect(self.chosen)
        whole.addWidget(self.kept)


def _why_empty(snapshot: Snapshot, attached: bool) -> str:
    """Return what to say where there are no slots to show."""
    if snapshot.server.state is ServerState.STARTING:
        return text_window.STARTING
    if not snapshot.server.error or snapshot.models:
        return text.NO_SLOTS
    return texts_remote.NOTHING_KNOWN if attached else text_window.NOT_STARTED
