"""PySide6 6.12.0 dropped a reference to None at every void call on Python 3.11, until the interpreter died.

In a process of its own: with such a PySide6 it is the one that dies. From Python 3.12 None is immortal and its
count says nothing; there the process must merely live.
"""

from __future__ import annotations

import os
import subprocess
import sys

EVENTS = 4000
CODE = f"""
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel

class Window(QLabel):
    ticks = 0
    def timerEvent(self, event):
        Window.ticks += 1
        self.setText(str(Window.ticks))
        if Window.ticks == {EVENTS}:
            QApplication.quit()

app = QApplication([])
window = Window()
before = sys.getrefcount(None)
timer = QTimer()
timer.timeout.connect(lambda: window.setText("tick"))
timer.start(0)
window.startTimer(0)
app.exec()
print(Window.ticks, sys.getrefcount(None) - before)
"""


def test_qt_calls_leave_the_count_of_none_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    ticks, drift = map(int, done.stdout.split())
    assert ticks == EVENTS
    if sys.version_info >= (3, 12):
        assert drift == 0, "None is immortal since Python 3.12 and its count must not move"
    # A broken PySide6 loses one or more at each event. Measured with 6.11.3: about -240 in all, as many
    # for 8,000 as for 40,000 events: things made at start-up are let go.
    assert abs(drift) < EVENTS / 4
