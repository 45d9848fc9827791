"""The line on the terminal that says what is up, where, and where the icon is."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.run import _say
from app.views.announcement import Icon, announcement
from router.state import ServerState, ServerStatus

UP = ServerStatus(ServerState.RUNNING, port=8080, version="0.1.0")
URL = "http://127.0.0.1:8080/v1"


@pytest.mark.parametrize(
    ("icon", "desktop", "expected"),
    [
        (Icon.IN_TRAY, "KDE", "its icon is in the tray"),
        (Icon.NO_TRAY, "XFCE", "no tray icon, as this desktop has no tray: hal0 is in its window"),
        (Icon.NO_DISPLAY, "", "no tray icon without a display: Ctrl+C ends it"),
    ],
)
def test_where_it_is_and_where_its_icon_is(icon: Icon, desktop: str, expected: str) -> None:
    line = announcement(UP, icon, {"XDG_CURRENT_DESKTOP": desktop})
    assert line == f"hal0 0.1.0 is up at {URL} · {expected}"


def test_gnome_is_told_what_to_do() -> None:
    line = announcement(UP, Icon.NO_TRAY, {"XDG_CURRENT_DESKTOP": "ubuntu:GNOME"})
    assert line is not None and "gnome-shell-extension-appindicator" in line and "log in again" in line


def test_another_hal0_is_told_as_such_and_a_taken_port_as_well() -> None:
    line = announcement(UP, Icon.IN_TRAY, {}, others=True)
    assert line == f"hal0 runs already at {URL}, and is shown here · its icon is in the tray"
    failed = ServerStatus(ServerState.FAILED, error="Port 8080 is in use; choose another.")
    assert announcement(failed, Icon.IN_TRAY, {}) == "hal0 is not up: Port 8080 is in use; choose another."
    assert announcement(ServerStatus(), Icon.IN_TRAY, {}) is None


def test_a_terminal_that_is_gone_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Gone())
    _say("hal0 is up")


def test_qt_speaks_to_the_log_alone(tmp_path: Path) -> None:
    """Its warnings about the desktop were the first that a person read."""
    code = (
        "import logging, sys; from app.system.qt_messages import log_qt_messages; "
        "from PySide6.QtCore import qWarning; "
        "logging.basicConfig(filename=sys.argv[1], level=logging.INFO); "
        "log_qt_messages(); qWarning('the session bus was not found')"
    )
    file = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)],
        env={**os.environ, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "INFO:qt:default: the session bus was not found" in file.read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="X11 is not Windows'")
def test_what_ends_the_process_is_told_on_the_terminal() -> None:
    """Qt aborts where it cannot have a window: the log has no time left to say so."""
    code = (
        "from PySide6.QtGui import QGuiApplication; from app.system.qt_messages import log_qt_messages; "
        "log_qt_messages(); QGuiApplication([])"
    )
    env = {**os.environ, "QT_QPA_PLATFORM": "xcb", "DISPLAY": ":64999"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode != 0
    assert done.stderr.startswith("hal0: Qt cannot go on: ") and "platform plugin" in done.stderr
