"""StateStore observer → Qt signal, on the UI's thread and never faster than people see."""

from __future__ import annotations

import threading
import time

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from app.link.link import Link
from router.state import Snapshot

MIN_INTERVAL_MS = 40


class StateBridge(QObject):
    """Delivers the newest snapshot to the UI thread.

    However often the router publishes, one queued event at most is on its way: it carries no snapshot, its
    receiver reads the newest. `MIN_INTERVAL_MS` apart at least: 16 streams do not set the UI's pace.

    Signals:
        changed: (Snapshot) emitted on the thread this object lives in.
    """

    changed = Signal(object)
    _poke = Signal()

    def __init__(self, link: Link, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._lock = threading.Lock()
        self._pending = False
        self._closed = False
        self._delivered_at = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._deliver)
        self._poke.connect(self._on_poke, Qt.ConnectionType.QueuedConnection)
        self._unsubscribe = link.subscribe(self._observe)

    @property
    def snapshot(self) -> Snapshot:
        return self._link.snapshot

    def close(self) -> None:
        """Stop listening; nothing is emitted afterwards."""
        self._closed = True
        self._unsubscribe()
        self._timer.stop()

    def _observe(self, _snapshot: Snapshot) -> None:
        """Wake the UI's thread once for all snapshots until it looks. Called on the router's thread."""
        with self._lock:
            if self._pending:
                return
            self._pending = True
        self._poke.emit()

    @Slot()
    def _on_poke(self) -> None:
        if self._closed:  # an event that was on its way already
            return
        passed = (time.monotonic() - self._delivered_at) * 1000
        self._timer.start(max(0, round(MIN_INTERVAL_MS - passed)))

    @Slot()
    def _deliver(self) -> None:
        with self._lock:
            self._pending = False
        self._delivered_at = time.monotonic()
        self.changed.emit(self._link.snapshot)
