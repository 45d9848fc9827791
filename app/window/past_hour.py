"""Fills the slots' curves with what was before this window watched: an attach, or a new start."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from app.link.link import Link
from app.views.slot_history import SlotHistory
from app.window.order_reader import OrderReader
from router.activity.listing import Listing
from router.memory.measure.history import Held
from router.orders.kinds import ReadActivity, ReadMemoryHistory
from router.state import ServerState, Snapshot

MOST = 500
"""Requests that are looked at; where an hour has more, the curves begin with these."""


class PastHour(QObject):
    """Asks, once the window is looked at, for each time that the router is found running. Who may not read that
    sees none.

    Signals:
        known: `history` has more to show.
    """

    known = Signal()

    def __init__(self, link: Link, history: SlotHistory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = history
        self._asked = False
        self._reader = OrderReader(link, self)
        self._reader.read.connect(self._on_read)
        self._memory_reader = OrderReader(link, self)
        self._memory_reader.read.connect(self._on_memory_read)

    def see(self, snapshot: Snapshot) -> None:
        running = snapshot.server.state is ServerState.RUNNING
        self._asked = running and (self._asked or self._ask())

    def _ask(self) -> bool:
        asked = self._reader.ask(ReadActivity(limit=MOST))
        return self._memory_reader.ask(ReadMemoryHistory()) and asked

    @Slot(object, object)
    def _on_read(self, _question: ReadActivity, listing: Listing) -> None:
        self._history.recall(listing.records)
        self.known.emit()

    @Slot(object, object)
    def _on_memory_read(self, _question: ReadMemoryHistory, held: Held) -> None:
        self._history.recall_memory(held)
        self.known.emit()
