"""Every screen of the window, without a router: `packaging/pictures.py` draws them, a test checks them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QWidget

from app.link.link import Attached
from app.texts import discover as texts_discover
from app.texts import window as text_window
from app.views.client_key import ClientKey
from app.views.connect import Client
from app.views.discover import Arrival, Stage
from app.views.quit import held
from app.views.switch import LoadClock, Sample
from app.window.connect_dialog import ConnectDialog
from app.window.engine_setup import EngineView
from app.window.main import MainWindow
from app.window.pull_dialog import PullDialog
from app.window.quit_progress import QuitProgress
from app.window.settings_tab import ADVANCED, GENERAL, MODEL_PAGE, SERVER, SLOT_PAGE
from app.window.theme import colours, style_sheet
from router.activity.listing import Listing
from router.hub.suggestions import suggest
from router.memory.measure.pools import Pool
from router.state import Snapshot
from router.wire.hub_offer import Offer
from router.wire.hub_search import Findings
from tests.app import config_link, scenes
from tests.app.fake_service import StoreLink


def window(
    snapshot: Snapshot,
    *,
    width: int = 0,
    height: int = 0,
    first_run: bool = False,
    attached: Attached | None = None,
) -> MainWindow:
    """The window at this moment, in a size of its own choosing unless one is given."""
    link = StoreLink(snapshot)
    link.attached = attached
    made = MainWindow(link, first_run=first_run, clock=lambda: scenes.NOW)
    made.may_hide = True
    if width:
        made.resize(width, height)
    return made


def _slots(scene: Callable[[], Snapshot], width: int = 0, height: int = 0) -> Callable[[], QWidget]:
    return lambda: window(scene(), width=width, height=height)


def _attached(scene: Callable[[], Snapshot], *, lost: bool = False) -> Callable[[], QWidget]:
    def make() -> QWidget:
        return window(scene(), attached=Attached("http://127.0.0.1:8080", 4711, lost))

    return make


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


def _activity(
    choose: int | None = 1, width: int = 0, height: int = 0, listing: Listing | None = None
) -> Callable[[], QWidget]:
    """The activity of the scenes; `choose`: the row that is selected."""

    def make() -> QWidget:
        made = _tab(2, scenes.ready(), width, height)
        tab = made.activity.content
        tab.take(tab.question, scenes.activity() if listing is None else listing)
        if choose is not None:
            tab.list.setCurrentIndex(tab.filter.index(choose, 0))
        return made

    return make


def _curves(width: int = 0, height: int = 0) -> Callable[[], QWidget]:
    def make() -> QWidget:
        made = window(scenes.ready(), width=width, height=height)
        made.history = scenes.past_hour()
        made.show_snapshot(scenes.ready())
        return made

    return make


def _logs() -> MainWindow:
    made = _tab(3, scenes.ready())
    made.logs.show_lines("", scenes.LOG_LINES * 6)
    return made


def _no_log() -> MainWindow:
    made = _tab(3, scenes.ready())
    made.logs.show_log("embed")
    made.logs.show_lines("embed", [])
    return made


def _answered() -> MainWindow:
    made = window(scenes.first_start(), first_run=True)
    assert made.first_run is not None
    made.first_run.show_answer("Hello! I am running on your own computer.", 12.4)
    return made


def _settings(page: int, width: int = 0, height: int = 0) -> Callable[[], QWidget]:
    """A page of the settings for the hal0.yaml that the tests use."""

    def make() -> QWidget:
        made = _tab(4, scenes.ready(), width, height)
        settings = made.settings.content
        settings.show_document(config_link.document())
        settings.navigation.setCurrentRow(page)
        return made

    return make


def _engine_missing(view: EngineView, *, first_run: bool = False) -> Callable[[], QWidget]:
    def make() -> QWidget:
        made = window(scenes.first_start_bare(), first_run=first_run)
        made.engine.view = view
        made.engine.changed.emit()
        return made

    return make


NO_ENGINE = EngineView(text_window.ENGINE_MISSING, missing=True, installable=True, failed=True)
FETCHING = EngineView(
    "Downloading llama-b11669-bin-ubuntu-vulkan-x64.tar.gz", missing=True, installing=True, share=0.4
)


def _pull(index: int | None = None, offer: Callable[[], Offer] | None = scenes.offer) -> Callable[[], QWidget]:
    """The download dialog: before anything was asked for, or with the offer's model of that number chosen."""

    def make() -> QWidget:
        dialog = PullDialog(StoreLink(scenes.ready()))
        dialog.setStyleSheet(style_sheet(colours(dialog.palette())))
        if offer is not None:
            dialog.field.setText(scenes.REPO)
            dialog.show_offer(offer())
        if index is not None and (item := dialog.choices.topLevelItem(index)) is not None:
            dialog.choices.setCurrentItem(item)
        return dialog

    return make


def _discover(chosen: int | None = None) -> Callable[[], QWidget]:
    """The same dialog with hal0's own suggestions, for a card of 24 GiB, or with one of them on its way."""

    def make() -> QWidget:
        dialog = _pull(offer=None)()
        assert isinstance(dialog, PullDialog)
        dialog.tell(texts_discover.EXPLAIN)
        card = Pool("NVIDIA GeForce RTX 3090", True, 24 << 30, 1 << 30)
        dialog.show_findings(Findings(suggest(pools=(card,))))
        if chosen is not None:
            line = "7.1 GB of 17.3 GB · 45 MB/s · 3 min 46 s left"
            dialog.show_coming(scenes.REPO, Arrival(Stage.COMING, line, 0.41))
        return dialog

    return make


def _refused() -> QWidget:
    dialog = _pull(offer=None)()
    assert isinstance(dialog, PullDialog)
    dialog.field.setText("meta-llama/Llama-3.2-3B")
    dialog.tell(
        "meta-llama/Llama-3.2-3B has no GGUF files, and llama-server runs no others: look for a repository "
        "whose name ends in -GGUF.",
        failed=True,
    )
    return dialog


def _full_disk() -> Offer:
    return replace(scenes.offer(), disk_free=3 << 30)


def _dismissed() -> QWidget:
    made = window(scenes.failed())
    made.slots.cards["primary"].dismiss.click()
    return made


def _copy_menu() -> QWidget:
    made = window(scenes.ready())
    return made.endpoint.menu


def _connect(
    client: Client, key: ClientKey | None = None, scene: Callable[[], Snapshot] = scenes.ready
) -> Callable[[], QWidget]:
    def make() -> QWidget:
        dialog = ConnectDialog(client, scene(), key=key)
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
    "demo-and-more": _slots(scenes.demo_and_more),
    "models-demo-and-more": lambda: _tab(1, scenes.demo_and_more()),
    "damaged": _slots(scenes.damaged),
    "damaged-least": _slots(scenes.damaged, 480, 480),
    "models-damaged-least": lambda: _tab(1, scenes.damaged(), 480, 480),
    "port-taken": _slots(scenes.port_taken),
    "remote": _slots(scenes.remote),
    "remote-small": _slots(scenes.remote, 640, 480),
    "remote-lost": _slots(scenes.remote_lost),
    "attached": _attached(scenes.ready),
    "attached-lost": _attached(scenes.attached_lost, lost=True),
    "lan": _slots(scenes.lan),
    "no-gpu": _slots(scenes.no_gpu),
    "two-gpus": _slots(scenes.two_gpus),
    "windows": _slots(scenes.windows),
    "twelve-slots": _slots(scenes.twelve_slots),
    "long-names": _slots(scenes.long_names),
    "long-names-small": _slots(scenes.long_names, 640, 480),
    "first-run": lambda: window(scenes.first_start(), first_run=True),
    "first-run-bare": lambda: window(scenes.first_start_bare(), first_run=True),
    "first-run-starter": lambda: window(scenes.starter_coming(), first_run=True),
    "first-run-starter-ready": lambda: window(scenes.starter_ready(), first_run=True),
    "first-run-starter-failed": lambda: window(scenes.starter_failed(), first_run=True),
    "first-run-answered": _answered,
    "first-run-small": lambda: window(scenes.first_start_bare(), width=640, height=480, first_run=True),
    "models": lambda: _tab(1, scenes.ready()),
    "models-small": lambda: _tab(1, scenes.long_names(), 640, 480),
    "activity": _activity(),
    "activity-failed": _activity(0),
    "activity-large": _activity(2, 1400, 900),
    "activity-least": _activity(1, 480, 480),
    "activity-empty": _activity(None, listing=Listing(keep=10_000)),
    "activity-off": _activity(None, listing=Listing()),
    "activity-off-least": _activity(None, 480, 360, Listing()),
    "curves": _curves(),
    "curves-least": _curves(480, 480),
    "logs": _logs,
    "logs-empty": _no_log,
    "planner": _slots(scenes.planner),
    "making-room": _slots(scenes.making_room),
    "overlap": _slots(scenes.overlap),
    "no-room": _slots(scenes.no_room),
    "no-room-small": _slots(scenes.no_room, 640, 480),
    "dismissed": _dismissed,
    "upstreams": _slots(scenes.upstreams),
    "upstreams-small": _slots(scenes.upstreams, 640, 480),
    "local-only": _slots(scenes.local_only),
    "models-planner": lambda: _tab(1, scenes.planner()),
    "first-run-no-engine": _engine_missing(NO_ENGINE, first_run=True),
    "first-run-installing": _engine_missing(FETCHING, first_run=True),
    "no-engine": _engine_missing(NO_ENGINE),
    "settings-general": _settings(GENERAL),
    "settings-server": _settings(SERVER),
    "settings-slots": _settings(SLOT_PAGE),
    "settings-models": _settings(MODEL_PAGE),
    "settings-advanced": _settings(ADVANCED),
    "settings-slots-small": _settings(SLOT_PAGE, 640, 480),
    "settings-models-least": _settings(MODEL_PAGE, 480, 360),
    "settings-advanced-least": _settings(ADVANCED, 480, 360),
    "settings-reading": lambda: _tab(4, scenes.ready()),
    "copy-menu": _copy_menu,
    "connect-hermes": _connect(Client.HERMES),
    "connect-continue": _connect(Client.CONTINUE),
    "connect-cline": _connect(Client.CLINE),
    "connect-open-webui": _connect(Client.OPEN_WEBUI),
    "connect-key": _connect(
        Client.HERMES, ClientKey("hal0-secret-1234567890", needed=True, secret=True), scenes.lan
    ),
    "connect-variable": _connect(
        Client.CONTINUE, ClientKey("VALUE-OF-HAL0_KEY", needed=True, variable="HAL0_KEY")
    ),
    "update": _slots(scenes.update),
    "update-small": _slots(scenes.update, 640, 480),
    "downloads": lambda: _tab(1, scenes.downloading()),
    "downloads-small": lambda: _tab(1, scenes.downloading(), 480, 480),
    "downloads-one": lambda: _tab(1, scenes.one_download()),
    "pull": _pull(offer=None),
    "discover": _discover(),
    "discover-coming": _discover(0),
    "pull-offer": _pull(),
    "pull-short": _pull(4),
    "pull-here": _pull(0),
    "pull-disk": _pull(offer=_full_disk),
    "pull-refused": _refused,
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
