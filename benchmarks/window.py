"""What the window costs: its longest frame under load, the time to open it, and its share of a CPU when idle.

    .venv/bin/python -m benchmarks.window

Offscreen; 16 slots' streams publish 200 snapshots a second from a thread of their own, as the router does, and
the shown log grows by 500 lines a second.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import qasync
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from app.link.state_bridge import StateBridge
from app.tray.tray import Tray
from app.window.main import MainWindow
from benchmarks.report import Figure
from router.state import Snapshot
from tests.app import scenes
from tests.app.fake_service import StoreLink

SECONDS = 8.0
SNAPSHOTS_PER_SECOND = 200
LINES_PER_SECOND = 500
FRAME_MS = 5


class Crowd(StoreLink):
    """16 slots in a store that a thread changes, and a log that grows."""

    def __init__(self) -> None:
        slots = [replace(scenes.PRIMARY, name=f"slot-{n}", idle_since=None) for n in range(16)]
        super().__init__(replace(scenes.ready(), slots=tuple(slots)))
        self._lines: deque[str] = deque(maxlen=2000)
        self._number = 0
        self._stop = threading.Event()
        self._writer = threading.Thread(target=self._write)

    async def router_log(self) -> list[str]:
        return list(self._lines)

    def pour(self) -> None:
        self._writer.start()

    def stop_pouring(self) -> None:
        self._stop.set()
        self._writer.join()

    def _write(self) -> None:
        lines_each = LINES_PER_SECOND / SNAPSHOTS_PER_SECOND
        owed = 0.0
        while not self._stop.wait(1 / SNAPSHOTS_PER_SECOND):
            self._number += 1
            slot = self.store.snapshot.slots[self._number % 16]
            self.store.update_slot(
                replace(slot, in_flight=self._number % 5, tokens_per_second=30 + self._number % 9)
            )
            owed += lines_each
            while owed >= 1:
                owed -= 1
                self._lines.append(
                    f"0.{self._number:06d} I srv  update_slots: token {self._number} Bearer abcdefgh"
                )


class Frames(QObject):
    """How late a timer of the UI thread comes: what a person feels as a stuck window."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self, interval=FRAME_MS)
        self._timer.timeout.connect(self._on_tick)
        self._timer.start()

    def _on_tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append((now - self._last) * 1000 - FRAME_MS)
        self._last = now


async def measure() -> list[Figure]:
    link = Crowd()
    began = time.perf_counter()
    window = MainWindow(link)
    window.may_hide = True
    window.show()
    QApplication.processEvents()
    window.grab()
    figures = [Figure("window: opens with 16 slots", (time.perf_counter() - began) * 1000, "ms", 300.0)]
    tray = Tray(link.snapshot)
    bridge = StateBridge(link)
    bridge.changed.connect(lambda snapshot: show(window, tray, snapshot))
    figures.append(Figure("window: idle CPU", await cpu_percent(), "%", 1.0))
    link.pour()
    for name, place in (("slots", lambda: window.show_slot(0)), ("log", window.show_logs)):
        figures += await frames_while(name, place)
    link.stop_pouring()
    bridge.close()
    tray.close()
    window.close()
    return figures


def show(window: MainWindow, tray: Tray, snapshot: Snapshot) -> None:
    window.show_snapshot(snapshot)
    tray.show_snapshot(snapshot)


async def frames_while(name: str, place: Callable[[], None]) -> list[Figure]:
    place()
    await asyncio.sleep(1.0)  # what is drawn first is measured as opening
    frames = Frames()
    used = time.process_time()
    await asyncio.sleep(SECONDS)
    share = 100 * (time.process_time() - used) / SECONDS
    frames.deleteLater()
    gaps = sorted(frames.gaps)
    return [
        Figure(f"window: longest frame, {name} tab", gaps[-1], "ms", 50.0),
        Figure(f"window: p99 frame, {name} tab", gaps[int(0.99 * len(gaps))], "ms"),
        Figure(f"window: CPU under load, {name} tab", share, "%"),
    ]


async def cpu_percent() -> float:
    await asyncio.sleep(1.0)
    used = time.process_time()
    await asyncio.sleep(SECONDS)
    return 100 * (time.process_time() - used) / SECONDS


def run() -> list[Figure]:
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    with qasync.QEventLoop(app) as loop:
        figures: list[Figure] = loop.run_until_complete(measure())
        return figures


def main() -> None:
    for figure in run():
        print(f"{figure.name:40} {figure.value:8.1f} {figure.unit}")


if __name__ == "__main__":
    main()
