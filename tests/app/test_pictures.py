"""Every screen is drawn, and nothing on it is cut off; pixels are for people."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from app.window.widgets import ElidedLabel
from tests.app.gallery import SCENES

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "packaging" / "pictures.py"
PATIENCE = 110 if sys.platform != "win32" else 800  # Wine takes minutes
AT_200 = ("ready", "switching", "first-run", "logs")

TEXTS = {
    "empty": ["hal0 is starting: it looks for models and opens its port."],
    "ready": ["Ready", "Busy (2)", "Unloaded", "42 tok/s · 32k context · 9.8 GiB used · idle 4 min"],
    "switching": ["Loading 45%", "45% · ~12 s", "Drain ✓", "Warm-up"],
    "phases": ["Queued (3)", "Draining", "Stopping", "Starting", "Loading", "Warming up"],
    "failed": ["Error", "Restore previous", "Try again"],
    "port-taken": ["Not running", "Use port 8081", "Loaded"],
    "remote": ["bigpc", "Connected", "VRAM 30/48 GiB used", "Loading 45%"],
    "remote-lost": [
        "bigpc",
        "No contact",
        "No route to host; see that the computer is on and the network is up.",
    ],
    "attached": [
        "This window is attached to hal0 serve (process 4711). Quitting closes only the window and the tray."
    ],
    "attached-lost": ["Not running", "Start here", "The slots are unknown until there is contact again."],
    "lan": ["Open to the network"],
    "no-gpu": ["RAM (no GPU found)"],
    "two-gpus": [
        "GPU 1",
        "NVIDIA RTX A4000",
        "7 GiB free of 16 GiB",
        "42 tok/s · 32k context · 22.8 GiB used · idle 4 min",
    ],
    "windows": ["42 tok/s · 32k context · ~9.8 GiB used · idle 4 min"],
    "making-room": ["Making room: unloading embed · Switching for 14 s"],
    "overlap": [
        "Switching for 14 s · Qwen3-30B Q4_K_M answers until then · 32k context · 10.4 GiB used",
        "Start ✓",
        "Load",
    ],
    "no-room": ["Load anyway", "Use ctx-size 32768", "Try again", "✕"],
    "dismissed": ["Error"],
    "upstreams": [
        "answered by openrouter · 42 tok/s · 32k context · 9.8 GiB used · idle 4 min",
        "Not reachable",
    ],
    "local-only": ["Not asked"],
    "update": ["llama-server b12345 is available; you have 0.7.0 (build 11669).", "Install"],
    "downloads": [
        "7.1 GB of 17.3 GB · 45 MB/s · 3 min 52 s left",
        "Paused · 1.2 GB of 30.2 GB",
        "Try again",
        "Waiting for other downloads · 12.8 GB",
        "Dismiss",
    ],
    "pull-offer": ["Search", "Download"],
    "pull-short": ["Continue"],
    "first-run-no-engine": ["Install llama-server", "Engine"],
    "first-run": ["Welcome to hal0", "Start hal0 when I log in", "Start using hal0"],
    "connect-hermes": ["Copy", "Close"],
    "quitting": ["Stopping 1 model", "6.3 GiB of 16.1 GiB given back"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pictures")
    env = {name: value for name, value in os.environ.items() if not name.startswith("QT_")}
    done = subprocess.run(
        [sys.executable, SCRIPT, made], env=env, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    return made


def test_there_is_a_picture_of_every_scene_light_dark_and_at_200_percent(folder: Path) -> None:
    expected = {f"{name}{dark}.png" for name in SCENES for dark in ("", "-dark")}
    assert {file.name for file in folder.iterdir()} == expected | {f"{name}-200.png" for name in AT_200}


def test_dark_is_dark_and_200_percent_is_twice_the_size(folder: Path) -> None:
    light, dark = QImage(str(folder / "ready.png")), QImage(str(folder / "ready-dark.png"))
    assert light.pixelColor(3, 3).lightness() > 200
    assert dark.pixelColor(3, 3).lightness() < 80
    twice = QImage(str(folder / "ready-200.png"))
    assert twice.size() == light.size() * 2


def shown(name: str, qtbot: QtBot) -> QWidget:
    widget = SCENES[name]()
    qtbot.addWidget(widget)
    widget.show()
    for _ in range(3):
        QApplication.processEvents()
    return widget


@pytest.mark.parametrize("name", SCENES)
def test_nothing_is_cut_off(name: str, qtbot: QtBot) -> None:
    widget = shown(name, qtbot)
    cut = [describe(part) for part in visible(widget) if is_cut(part) or leaves(part, widget)]
    assert cut == []


@pytest.mark.parametrize("name", TEXTS)
def test_the_expected_words_are_there(name: str, qtbot: QtBot) -> None:
    widget = shown(name, qtbot)
    words = {part.full if isinstance(part, ElidedLabel) else part.text() for part in visible(widget)}  # type: ignore[attr-defined]
    assert [text for text in TEXTS[name] if text not in words] == []


def visible(widget: QWidget) -> list[QWidget]:
    """The labels and buttons a person sees."""
    kinds = (QLabel, QAbstractButton)
    return [part for part in widget.findChildren(QWidget) if isinstance(part, kinds) and part.isVisible()]


def is_cut(part: QWidget) -> bool:
    """Whether it is smaller than its words need; an elided label may be narrow, not low."""
    if not isinstance(part, (QLabel, QAbstractButton)) or not part.text():
        return False  # the arrow of a scroll bar, the cross of a line edit
    if isinstance(part, QLabel) and part.wordWrap():
        return part.height() + 1 < part.heightForWidth(part.width())
    low = part.height() < part.minimumSizeHint().height()
    return low or (not isinstance(part, ElidedLabel) and part.width() + 1 < part.minimumSizeHint().width())


def leaves(part: QWidget, window: QWidget) -> bool:
    """Whether it sticks out of the window, or sideways out of what scrolls it."""
    box = QRect(part.mapTo(window, QPoint(0, 0)), part.size())
    scroller = next((p for p in ancestors(part) if isinstance(p, QScrollArea)), None)
    if scroller is None:
        return not window.rect().contains(box)
    viewport = scroller.viewport()
    left = viewport.mapTo(window, QPoint(0, 0)).x()
    return box.left() < left or box.right() > left + viewport.width()


def ancestors(part: QWidget) -> list[QWidget]:
    found, parent = [], part.parentWidget()
    while parent is not None:
        found.append(parent)
        parent = parent.parentWidget()
    return found


def describe(part: QWidget) -> str:
    words = part.text() if isinstance(part, (QLabel, QAbstractButton, QLineEdit)) else ""
    return f"{type(part).__name__} {words!r} {part.width()}×{part.height()}"
