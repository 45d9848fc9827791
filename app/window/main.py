"""The window: endpoint, then tabs for slots, models, activity, logs and settings, read from snapshots."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
    QMoveEvent,
    QResizeEvent,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import QApplication, QStackedLayout, QTabBar, QTabWidget, QVBoxLayout, QWidget
from shiboken6 import isValid

from app.link.link import Link
from app.texts import common as text
from app.texts import window as text_window
from app.views.client_key import ClientKey, read_key
from app.views.connect import DIRECT, Client, recipe
from app.views.menu import Action, Command
from app.views.notices import announcements
from app.views.slot_history import SlotHistory
from app.views.switch import LoadClock
from app.window.announcer import announce
from app.window.connect_dialog import ConnectDialog
from app.window.engine_notice import EngineNotice
from app.window.engine_setup import EngineSetup
from app.window.first_run_page import FirstRunPage
from app.window.header import EndpointCard
from app.window.lazy_tab import LazyTab
from app.window.logs_tab import LogsTab
from app.window.past_hour import PastHour
from app.window.slots_tab import SlotsTab
from app.window.theme import colours, style_sheet
from app.window.unsaved_question import UnsavedQuestion
from app.window.widgets import accept_as_copy
from app.window.window_geometry import WindowGeometry, first_size, geometry_of, restore_geometry
from router.base.tasks import spawn
from router.remote.names import all_slots
from router.state import Snapshot

SWITCHING_TICK_MS = 1000
IDLE_TICK_MS = 15_000
PLACED_MS = 500  # a window that is dragged moves at every pixel
LEAST = QSize(480, 340)  # with its frame within 1280 × 800 pixels at 200 %


class TallTabBar(QTabBar):
    """Fusion gives a tab less height than the letter g needs."""

    def tabSizeHint(self, index: int) -> QSize:  # noqa: N802 - Qt's name
        return super().tabSizeHint(index) + QSize(8, 6)


class MainWindow(QWidget):
    """Signals:
    chosen: (Command) what a person asked for.
    closed: the window was hidden and hal0 goes on in the tray.
    close_refused: the window stays, as without a tray nothing else of hal0 would be visible.
    first_run_done: the person has left the first page.
    placed: (WindowGeometry) the window stands somewhere else, or has another size.
    """

    chosen = Signal(object)
    closed = Signal()
    close_refused = Signal()
    first_run_done = Signal()
    placed = Signal(object)

    def __init__(
        self,
        link: Link,
        *,
        first_run: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` says the time in Unix seconds."""
        super().__init__()
        self.setWindowTitle(text.APP)
        self.setAcceptDrops(True)
        self.may_hide = False
        self._link = link
        self._snapshot = link.snapshot
        self._shown: Snapshot | None = None
        self._now = clock
        self.loads = LoadClock()
        self.history = SlotHistory()
        self._past = PastHour(link, self.history, self)
        self._may_fit = True
        self._fitted = QSize()
        self._place: WindowGeometry | None = None
        self._moved = QTimer(self, singleShot=True, interval=PLACED_MS)
        self._moved.timeout.connect(self._note_place)
        self.endpoint = EndpointCard()
        self.slots = SlotsTab()
        self.models = LazyTab(link, "app.window.models_tab", "ModelsTab")
        self.activity = LazyTab(link, "app.window.activity_tab", "ActivityTab")
        self.logs = LogsTab(link)
        self.settings = LazyTab(link, "app.window.settings_tab", "SettingsTab")
        self.tabs = QTabWidget()
        self.tabs.setTabBar(TallTabBar())
        self.tabs.setDocumentMode(True)
        self.engine = EngineSetup(link, self)
        self.engine_notice = EngineNotice(self.engine)
        self.first_run = FirstRunPage(link, self.engine) if first_run else None
        self.connect_dialog: ConnectDialog | None = None
        self.unsaved_question: UnsavedQuestion | None = None
        self._ending = False
        self._lay_out()
        self._connect()
        self._restyle()
        self._ticker = QTimer(self)
        self._ticker.timeout.connect(self._render)
        self._render()

    # -- what a person may do ------------------------------------------------------------------------------

    def reveal(self) -> None:
        """Bring the window before the person, wherever it was."""
        if not self.isVisible() and self._place is not None:
            restore_geometry(self, self._place)
            if self._place.maximised:
                self.setWindowState(self.windowState() | Qt.WindowState.WindowMaximized)
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def stand_at(self, place: WindowGeometry | None) -> None:
        """Put the window where it was last; None: nobody knows."""
        if place is not None:
            self._place, self._may_fit = place, False

    def show_logs(self, slot: str = "") -> None:
        """Bring this slot's log before the person, or hal0's own."""
        self._leave_first_run()
        self.tabs.setCurrentWidget(self.logs)
        self.logs.show_log(slot)
        self.reveal()
        self.logs.view.setFocus()

    def show_settings(self) -> None:
        self._leave_first_run()
        self.tabs.setCurrentWidget(self.settings)
        self.reveal()

    def get_models(self) -> None:
        """Show which models run well here, to fetch one."""
        self._leave_first_run()
        self.tabs.setCurrentWidget(self.models)
        self.reveal()
        if self.models.content is not None:
            self.models.content.ask_what_to_download()

    def show_activity(self) -> None:
        self._leave_first_run()
        self.tabs.setCurrentWidget(self.activity)
        self.reveal()

    def show_slot(self, number: int) -> None:
        """Put the keyboard on the model list of slot `number`, counted from 0."""
        self._leave_first_run()
        self.tabs.setCurrentWidget(self.slots)
        self.slots.focus_slot(number)

    @Slot(str)
    def connect_client(self, name: str) -> None:
        """Copy what the client of that name needs, or show how to connect it."""
        client = Client(name)
        if client in DIRECT:
            self.copy_for(client)
            return
        self._leave_first_run()
        self.reveal()
        self.show_connect(client)

    def show_connect(self, client: Client) -> None:
        """Show how to connect this client."""
        dialog = ConnectDialog(client, self._snapshot, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self.chosen)
        self.connect_dialog = dialog
        dialog.open()
        self._with_key(lambda key: dialog.show_key(key) if isValid(dialog) else None)

    def copy_for(self, client: Client) -> None:
        """Copy what this client needs, with the key as it is now."""

        def copy(key: ClientKey | None) -> None:
            paste = recipe(client, self._snapshot, key=key).paste
            self.chosen.emit(Command(Action.COPY_TEXT, value=paste))
            self.endpoint.say_copied()

        copy(None) if client is Client.URL else self._with_key(copy)

    def _with_key(self, then: Callable[[ClientKey | None], None]) -> None:
        """Call `then` with the key that clients must send; with None where nobody can be asked."""

        async def ask() -> None:
            then(await read_key(self._link))

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            then(None)  # the window drawn for a picture
            return
        spawn(ask(), name="the key for a client")

    def when_saved(self, then: Callable[[], object]) -> None:
        """Call `then`, after asking what becomes of settings that were changed and not applied."""
        settings = self.settings.content
        if settings is None or not settings.unsaved:
            then()
            return
        self.show_settings()
        if self.unsaved_question is None:
            self.unsaved_question = UnsavedQuestion(settings, then, self)
            self.unsaved_question.finished.connect(self._on_unsaved_answered)
            # Never exec(): a nested event loop inside an asyncio task is an error.
            self.unsaved_question.open()

    def end(self) -> None:
        """Close without a question: hal0 goes."""
        self._ending = True
        self.close()

    @Slot()
    def _on_unsaved_answered(self) -> None:
        if self.unsaved_question is not None:
            self.unsaved_question.deleteLater()
            self.unsaved_question = None

    # -- state ---------------------------------------------------------------------------------------------

    @Slot(object)
    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show this snapshot; called for each one, on the UI thread. A hidden window only remembers it."""
        old, self._snapshot = self._snapshot, snapshot
        now = self._now()
        self.loads.note(snapshot, now)
        self.history.note(snapshot, now)
        if not self.isVisible():
            return
        for sentence in announcements(old, snapshot):
            announce(self, sentence)
        self._render()

    def _render(self) -> None:
        snapshot, now = self._snapshot, self._now()
        if self.isVisible():
            self.engine.show_snapshot(snapshot)
            self._past.see(snapshot)
        self.endpoint.show_snapshot(snapshot, self._link.attached)
        self.logs.show_snapshot(snapshot)
        if self.first_run is not None:
            self.first_run.show_snapshot(snapshot)
        current = self.tabs.currentWidget()
        if current is self.slots or self._shown is None:
            attached = self._link.attached is not None
            self.slots.show_snapshot(snapshot, now, self.loads, self.history, attached=attached)
        elif isinstance(current, LazyTab):
            current.show_snapshot(snapshot)
        grown = self._shown is None or _parts(self._shown) != _parts(snapshot)
        self._shown = snapshot
        if grown:
            # Cards put into a visible window count for its layout only once they are shown.
            QTimer.singleShot(0, self, self._fit)
            self._fit()
        slots = [hosted.slot for hosted in all_slots(snapshot)]
        self._tick(switching=any(slot.state.switching or slot.draining for slot in slots))

    def _tick(self, *, switching: bool) -> None:
        """Seconds of a switch and minutes of idleness pass without a new snapshot."""
        if not self.isVisible():
            self._ticker.stop()
            return
        interval = SWITCHING_TICK_MS if switching else IDLE_TICK_MS
        if not self._ticker.isActive() or self._ticker.interval() != interval:
            self._ticker.start(interval)

    def _leave_first_run(self) -> None:
        if self.first_run is None:
            return
        self._pages.setCurrentIndex(1)
        self._pages.removeWidget(self.first_run)
        self.first_run.deleteLater()
        self.first_run = None
        self.show_slot(0)
        self.first_run_done.emit()

    # -- Qt ------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        super().showEvent(event)
        if self.first_run is not None:
            self.first_run.setFocus()
        self._render()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        settings = self.settings.content
        if self._ending:
            self._note_place()
            event.accept()
        elif self.may_hide and settings is not None and settings.unsaved:
            event.ignore()
            self.when_saved(self.close)
        elif self.may_hide:
            self._note_place()
            event.accept()
            self._ticker.stop()
            self.closed.emit()
        else:
            event.ignore()
            self.close_refused.emit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._restyle()

    def _restyle(self) -> None:
        # The application's palette: this widget's own may already carry the sheet's colours.
        sheet = style_sheet(colours(QApplication.palette()))
        if self.styleSheet() != sheet:
            self.setStyleSheet(sheet)
            if self._shown is not None:
                self._render()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        accept_as_copy(event)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Add a model wherever it is dropped; the Models tab says what came of it."""
        if not accept_as_copy(event):
            return
        self._leave_first_run()
        self.tabs.setCurrentWidget(self.models)
        if self.models.content is not None:
            self.models.content.take(event.mimeData().urls())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._moved.start()

    def moveEvent(self, event: QMoveEvent) -> None:  # noqa: N802 - Qt's name
        super().moveEvent(event)
        self._moved.start()

    def _note_place(self) -> None:
        self._moved.stop()
        if self.isVisible() and not self.isMinimized():
            self._place = geometry_of(self)
            self.placed.emit(self._place)

    def _fit(self) -> None:
        """Make the window tall enough for what there is when hal0 comes up, within reason; a scroll area does
        not ask for that itself. Afterwards the size is the person's.
        """
        if not self._may_fit or self._fitted not in (QSize(), self.size()):
            return
        self.ensurePolished()
        outside = self.sizeHint().height() - self.slots.sizeHint().height()
        self.resize(first_size(outside + self.slots.wanted_height(), self.screen().availableGeometry().size()))
        self._fitted = self.size()
        # Once more after this: cards put into a visible window count for its layout only when they are shown.
        if self._shown is not None and self._shown.slots:
            QTimer.singleShot(0, self, self._stop_fitting)

    def _stop_fitting(self) -> None:
        if self.isVisible():
            self._may_fit = False

    # -- building ------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        for part in (self.endpoint, self.slots, self.models, self.activity, self.logs, self.settings):
            part.chosen.connect(self.chosen)
        self.endpoint.copy_requested.connect(self.copy_for)
        self.endpoint.connect_requested.connect(self.show_connect)
        self.tabs.currentChanged.connect(self._render)
        self._past.known.connect(self._render)
        if self.first_run is not None:
            self.first_run.chosen.connect(self.chosen)
            self.first_run.finished.connect(self._leave_first_run)
        self._shortcut("Ctrl+Shift+C", lambda: self.chosen.emit(Command(Action.COPY_URL)))
        self._shortcut("Ctrl+Q", lambda: self.chosen.emit(Command(Action.QUIT)))
        self._shortcut("Ctrl+Shift+A", self.show_activity)
        self._shortcut("Ctrl+L", self.show_logs)
        self._shortcut("Ctrl+,", self.show_settings)
        self._shortcut("Ctrl+W", self.close)
        for number in range(9):
            self._shortcut(f"Ctrl+{number + 1}", lambda number=number: self.show_slot(number))

    def _shortcut(self, keys: str, action: object) -> None:
        QShortcut(QKeySequence(keys), self).activated.connect(action)

    def _lay_out(self) -> None:
        self.tabs.addTab(self.slots, text_window.SLOTS)
        self.tabs.addTab(self.models, text_window.MODELS)
        self.tabs.addTab(self.activity, text_window.ACTIVITY_TAB)
        self.tabs.addTab(self.logs, text_window.LOGS_TAB)
        self.tabs.addTab(self.settings, text_window.SETTINGS_TAB)
        everyday = QWidget()
        column = QVBoxLayout(everyday)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.endpoint)
        column.addWidget(self.engine_notice)
        column.addWidget(self.tabs, 1)
        self._pages = QStackedLayout()
        if self.first_run is not None:
            self._pages.addWidget(self.first_run)
        self._pages.addWidget(everyday)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(14, 14, 14, 14)
        whole.addLayout(self._pages)
        self.setMinimumSize(LEAST)


def _parts(snapshot: Snapshot) -> tuple[tuple[str, ...], int, int]:
    """Return what the window's height depends on."""
    names = tuple(hosted.slot.name for hosted in all_slots(snapshot))
    return names, len(snapshot.memory), len(snapshot.upstreams)
