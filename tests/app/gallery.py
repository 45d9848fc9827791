"""Every screen of the window, without a router: `packaging/pictures.py` draws them, a test checks them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QWidget

from app.connect import Client
from app.quit_model import held
from app.switch_model import LoadClock, Sample
from app.theme import colours, style_sheet
from app.window.connect_dialog import ConnectDialog
from app.window.log_reader import LogReader
from app.window.main import MainWindow
from app.window.quit_progress import QuitProgress
from router.state import Snapshot
from tests.app import scenes
from tests.app.fake_service import StoreLink


class SilentReader(LogReader):
    """Asks nobody: these windows need no asyncio loop."""

    def ask(self, slot: str) -> None:
        del slot


def window(snapshot: Snapshot, *, width: int = 0, height: int = 0, first_run: bool = False) -> MainWindow:
    """The window at this moment, in a size of its own choosing unless one is given."""
    link = StoreLink(snapshot)
    made = MainWindow(link, first_run=first_run, clock=lambda: scenes.NOW, reader=SilentReader(link))
    made.may_hide = True
    if width:
        made.resize(width, height)
    return made


def _slots(scene: Callable[[], Snapshot], width: int = 0, height: int = 0) -> Callable[[], QWidget]:
    return lambda: window(scene(), width=width, height=height)


def _switching() -> MainWindow:
    made = window(scenes.switching())
    slot = scenes.switching().slots[1]
    assert slot.progress is not None
    began = slot.progress.began_at
    # As if the load had been watched for ten seconds: 45 % now, so about twelve more.
    made.loads = LoadClock({"coder": (began, Sample(scenes.NOW - 10, 0.0), Sample(scenes.NOW, 0.45))})
    return made


def _tab(index: int, snapshot: Snapshot, width: int = 0, height: int = 0) -> MainWindow:
    made = window(snapshot, width=width, height=height)
    made.tabs.setCurrentIndex(index)
    return made


def _logs() -> MainWindow:
    made = _tab(2, scenes.ready())
    made.logs.show_lines("", scenes.LOG_LINES * 6)
    return made


def _no_log() -> MainWindow:
    made = _tab(2, scenes.ready())
    made.logs.show_log("embed")
    made.logs.show_lines("embed", [])
    return made


def _answered() -> MainWindow:
    made = window(scenes.first_start(), first_run=True)
    assert made.first_run is not None
    made.first_run.show_answer("Hello! I am running on your own computer.", 12.4)
    return made


def _copy_menu() -> QWidget:
    made = window(scenes.ready())
    return made.endpoint.menu


def _connect(client: Client) -> Callable[[], QWidget]:
    def make() -> QWidget:
        dialog = ConnectDialog(client, scenes.ready())
        dialog.setStyleSheet(style_sheet(colours(dialog.palette())))
        return dialog

    return make


def _quitting() -> QuitProgress:
    made = QuitProgress()
    first = scenes.ready()
    assert held(first)
    made.begin(first, waiting=False)
    coder = replace(first.slots[1], pid=None, memory=None, state=scenes.SlotState.UNLOADED)
    made.show_snapshot(replace(first, slots=(first.slots[0], coder, first.slots[2])))
    return made


def _waiting() -> QuitProgress:
    made = QuitProgress()
    made.begin(scenes.ready(), waiting=True)
    return made


SCENES: dict[str, Callable[[], QWidget]] = {
    "empty": _slots(scenes.empty),
    "ready": _slots(scenes.ready),
    "ready-small": _slots(scenes.ready, 640, 480),
    "ready-large": _slots(scenes.ready, 1400, 900),
    "switching": _switching,
    "phases": _slots(scenes.phases, 760, 900),
    "failed": _slots(scenes.failed),
    "failed-small": _slots(scenes.failed, 640, 480),
    "port-taken": _slots(scenes.port_taken),
    "lan": _slots(scenes.lan),
    "no-gpu": _slots(scenes.no_gpu),
    "two-gpus": _slots(scenes.two_gpus),
    "windows": _slots(scenes.windows),
    "twelve-slots": _slots(scenes.twelve_slots),
    "long-names": _slots(scenes.long_names),
    "long-names-small": _slots(scenes.long_names, 640, 480),
    "first-run": lambda: window(scenes.first_start(), first_run=True),
    "first-run-bare": lambda: window(scenes.first_start_bare(), first_run=True),
    "first-run-answered": _answered,
    "first-run-small": lambda: window(scenes.first_start_bare(), width=640, height=480, first_run=True),
    "models": lambda: _tab(1, scenes.ready()),
    "models-small": lambda: _tab(1, scenes.long_names(), 640, 480),
    "logs": _logs,
    "logs-empty": _no_log,
    "settings": lambda: _tab(3, scenes.ready()),
    "settings-small": lambda: _tab(3, scenes.ready(), 640, 480),
    "copy-menu": _copy_menu,
    "connect-hermes": _connect(Client.HERMES),
    "connect-continue": _connect(Client.CONTINUE),
    "connect-cline": _connect(Client.CLINE),
    "connect-open-webui": _connect(Client.OPEN_WEBUI),
    "quitting": _quitting,
    "quit-waiting": _waiting,
}


def dark_palette() -> QPalette:
    """What a dark desktop hands to Qt's Fusion style."""
    palette = QPalette(QColor("#31343b"), QColor("#25272d"))
    roles = QPalette.ColorRole
    for role, colour in {
        roles.Base: "#1e2025",
        roles.AlternateBase: "#282b31",
        roles.Text: "#eceef2",
        roles.WindowText: "#eceef2",
        roles.ButtonText: "#eceef2",
        roles.PlaceholderText: "#9aa2b1",
        roles.Highlight: "#3d6fd0",
        roles.HighlightedText: "#ffffff",
        roles.ToolTipBase: "#31343b",
        roles.ToolTipText: "#eceef2",
    }.items():
        palette.setColor(role, QColor(colour))
    for role in (roles.Text, roles.WindowText, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor("#7f8694"))
    return palette
