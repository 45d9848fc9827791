"""Builds the desktop application and connects its parts."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable

import qasync
from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtWidgets import QApplication, QMessageBox

from app.actions import Actions
from app.link.current_link import CurrentLink, Host, Routers
from app.link.router_host import HostedService, RouterHost
from app.link.state_bridge import StateBridge
from app.quitter import Quitter, on_termination
from app.system.appearance import ColourScheme, appearance_of
from app.system.desktop_state import (
    APPEARANCE,
    EXPOSURE_REPORTED,
    FIRST_RUN_DONE,
    TRAY_EXPLAINED,
    WINDOW,
    DesktopState,
    is_first_run,
)
from app.system.display import has_display
from app.system.single_instance import SingleInstance
from app.texts import common as text
from app.texts.language import speak
from app.tray.icons import app_icon
from app.tray.tray import Tray
from app.views.announcement import Icon, announcement
from app.views.menu import has_engine
from app.views.notices import Notice, exposure, notices, switch_notice, update_news
from app.window.main import MainWindow
from app.window.quit_progress import QuitProgress
from app.window.start_problem import StartProblem
from app.window.window_geometry import parse_geometry
from router.base.errors import RouterError
from router.base.paths import Paths
from router.base.tasks import spawn
from router.config.file import last_good
from router.config.problems import ConfigErrors
from router.state import ServerState, Snapshot

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
SESSION_END_SECONDS = 4.0  # Windows has patience for five
HIDDEN_START_MS = 10_000  # at login the tray may come up after hal0


def run_desktop(
    make_service: Callable[[], HostedService],
    paths: Paths,
    *,
    hidden: bool = False,
    find_other: Callable[[], Host | None] = lambda: None,
    announce: Callable[[str], None] = lambda _line: None,
    make_last_good: Callable[[], HostedService] | None = None,
) -> int:
    """Run hal0 with tray and window until a person quits; returns the process's exit code.

    `make_service` is called on the router's thread, unless `find_other` finds one that another process runs.
    `make_last_good`: the same with the hal0.yaml that worked last. `hidden` starts without the window where a
    tray exists (start at login). A second launch shows the first one's window and returns 0. `announce` is
    given the line that says what is up, and where.
    """
    if not has_display():
        return _say(text.NO_DISPLAY, 2)
    app = _application()
    instance = SingleInstance(paths.state)
    if not instance.acquire():
        return _defer_to_first(instance)
    before = (lambda: RouterHost(make_last_good)) if make_last_good is not None else None
    routers = Routers(lambda: RouterHost(make_service), find_other, before)
    host = CurrentLink(routers.other() or routers.own())
    # Windows ends the program as soon as it has been told that the session ends, and tells only this way.
    app.aboutToQuit.connect(lambda: host.stop(SESSION_END_SECONDS))
    try:
        with qasync.QEventLoop(app) as loop:
            asyncio.set_event_loop(loop)
            return int(loop.run_until_complete(_live(host, routers, instance, paths, hidden, announce)))
    except RuntimeError as error:
        if "stopped before Future completed" not in str(error):
            raise
        # The session ended under us (log-out, QApplication.quit): Qt's loop stopped before our coroutine did.
        log.info("the session ended; stopping")
        return 0
    finally:
        host.stop()
        instance.release()


async def _live(
    host: CurrentLink,
    routers: Routers,
    instance: SingleInstance,
    paths: Paths,
    hidden: bool,
    announce: Callable[[str], None],
) -> int:
    desktop = Desktop(host, routers, instance, paths, announce)
    on_termination(desktop.quitter.quit_now, desktop)
    spawn(desktop.start(hidden), name="start")
    code = await desktop.exit_code
    desktop.close()
    return code


class Desktop(QObject):
    """Tray, window and router of one running hal0.

    Attributes:
        exit_code: done when everything has stopped.
    """

    def __init__(
        self,
        host: CurrentLink,
        routers: Routers,
        instance: SingleInstance,
        paths: Paths,
        announce: Callable[[str], None] = lambda _line: None,
    ) -> None:
        super().__init__()
        self._announce, self._announced = announce, ""
        self.exit_code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._code = 0
        self._remembered = DesktopState(paths.state)
        self._host, self._routers = host, routers
        self._paths = paths
        self.start_problem: StartProblem | None = None
        self._moving = False
        self._then: Callable[[], Host] | None = None
        self._was_up = False
        self._looked_at = float("-inf")
        self._last = host.snapshot
        self.colours = ColourScheme(appearance_of(self._remembered.text(APPEARANCE)), self)
        self.bridge = StateBridge(host, self)
        self.actions = Actions(host, paths.logs, self)
        self.quitter = Quitter(host, self)
        self.window = MainWindow(host, first_run=is_first_run(self._remembered, paths.config_file))
        self.window.stand_at(parse_geometry(self._remembered.text(WINDOW)))
        self.tray = Tray(self._last, self)
        self.quit_progress = QuitProgress()
        self._tray_wait = QTimer(self, singleShot=True, interval=HIDDEN_START_MS)
        self._connect()
        instance.show_requested.connect(self.window.reveal)

    async def start(self, hidden: bool) -> None:
        """Show what is to be shown at once, then start the router without stalling the UI."""
        if sys.platform == "win32":
            self.window.winId()  # made, it is told of the session's end; hal0 would hear nothing while it hides
        if not hidden:
            QTimer.singleShot(0, self, self.window.reveal)
        elif not self.tray.visible:
            self._tray_wait.start()
        try:
            await asyncio.to_thread(self._host.start)
        except Exception as error:
            log.exception("the router did not start")
            self._code = 1
            self._report_startup(error)

    def close(self) -> None:
        self._tray_wait.stop()
        self.bridge.close()
        self.tray.close()
        self.window.end()
        self.quit_progress.end()

    def _connect(self) -> None:
        self.bridge.changed.connect(self._on_snapshot)
        self.tray.chosen.connect(self.actions.trigger)
        self.window.chosen.connect(self.actions.trigger)
        self.tray.opened.connect(self.window.reveal)
        self.actions.open_requested.connect(self.window.reveal)
        self.actions.quit_requested.connect(self._on_quit_requested)
        self.actions.failed.connect(self._on_failed)
        self.actions.switched.connect(self._on_switched)
        self.actions.logs_requested.connect(self.window.show_logs)
        self.actions.settings_requested.connect(self.window.show_settings)
        self.actions.models_requested.connect(self.window.get_models)
        self.actions.connect_requested.connect(self.window.connect_client)
        self.actions.start_here_requested.connect(self._on_start_here)
        self.actions.update_requested.connect(self._on_update)
        self.actions.appearance_chosen.connect(self._on_appearance)
        self.window.placed.connect(lambda place: self._remembered.keep(WINDOW, str(place)))
        self.window.first_run_done.connect(lambda: self._remembered.add(FIRST_RUN_DONE))
        self.window.close_refused.connect(self._on_close_refused)
        self.window.closed.connect(self._on_window_closed)
        self.tray.appeared.connect(self._on_tray_changed)
        self._tray_wait.timeout.connect(self._on_tray_awaited)
        self.quitter.waiting.connect(lambda: self.quit_progress.begin(self._last, waiting=True))
        self.quitter.stopping.connect(self._on_stopping)
        self.quit_progress.hurry.connect(self.quitter.quit_now)
        self.quitter.finished.connect(self._on_stopped)
        self._on_tray_changed()

    @Slot()
    def _on_quit_requested(self) -> None:
        self.window.when_saved(lambda: self.quitter.request(self.window))

    @Slot()
    def _on_close_refused(self) -> None:
        self.window.when_saved(lambda: self.quitter.request_without_tray(self.window))

    @Slot(object)
    def _on_snapshot(self, snapshot: Snapshot) -> None:
        old, self._last = self._last, snapshot
        self.window.may_hide = self.tray.visible
        self.tray.show_snapshot(snapshot, self._host.attached)
        self.window.show_snapshot(snapshot)
        self.quit_progress.show_snapshot(snapshot)
        self.quitter.show_snapshot(snapshot)
        for notice in notices(old, snapshot):
            self._notify(notice)
        self._say_what_is_up(snapshot)
        self._look_who_has_the_port(snapshot)
        reported, news = exposure(snapshot, EXPOSURE_REPORTED in self._remembered)
        self._remembered.put(EXPOSURE_REPORTED, reported)
        if news is not None:
            self._notify(news)

        for flag, notice in update_news(snapshot, self._remembered).items():
            self._remembered.put_only(flag.rpartition(":")[0], flag)
            self._notify(notice)

    @Slot()
    def _on_update(self) -> None:
        """Install a newer engine, with its progress in the window."""
        self.window.reveal()
        self.window.engine.update()

    @Slot(str)
    def _on_appearance(self, chosen: str) -> None:
        self._remembered.keep(APPEARANCE, chosen)
        self.colours.choose(appearance_of(chosen))

    @Slot(str, str)
    def _on_failed(self, slot: str, message: str) -> None:
        self._notify(Notice(text.failure_title(slot), message))

    @Slot(str, str, float)
    def _on_switched(self, slot: str, model: str, seconds: float) -> None:
        hidden = not self.window.isVisible() or self.window.isMinimized()
        notice = switch_notice(self._last, slot, model, seconds, hidden=hidden)
        if notice is not None:
            self._notify(notice)

    def _notify(self, notice: Notice) -> None:
        self.tray.show_message(notice.title, notice.message, good=notice.good)

    @Slot()
    def _on_stopping(self) -> None:
        if self._host.attached is None and any(has_engine(slot) for slot in self._last.slots):
            self.quit_progress.begin(self._last, waiting=False)

    @Slot()
    def _on_start_here(self) -> None:
        """Start a router here in place of the other one, which may just have come back."""
        if self._host.attached is not None:
            self._move(self._other_or_own, "start here")

    def _say_what_is_up(self, snapshot: Snapshot) -> None:
        icon = Icon.IN_TRAY if self.tray.visible else Icon.NO_TRAY
        others = self._host.attached is not None
        line = announcement(snapshot.server, icon, os.environ, others=others) or self._announced
        # A tray that comes or goes later is seen; where hal0 answers is not.
        if line.partition(text.SEPARATOR)[0] != self._announced.partition(text.SEPARATOR)[0]:
            self._announce(line)
            self._announced = line

    def _look_who_has_the_port(self, snapshot: Snapshot) -> None:
        """Look for another hal0 on the port: at login the desktop and `hal0 serve` may start at once."""
        self._was_up = self._was_up or snapshot.server.state is ServerState.RUNNING
        down = snapshot.server.state is ServerState.FAILED and not self._was_up
        down = down and self.start_problem is None  # then nobody has looked for a port yet
        if down and self._host.attached is None and time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._looked_at = time.monotonic()
            self._move(self._routers.other, "attach to the hal0 that has the port")

    def _other_or_own(self) -> Host:
        return self._routers.other() or self._routers.own()

    def _move(self, find: Callable[[], Host | None], name: str) -> None:
        if not self._moving:
            self._moving = True
            spawn(self._replace_router(find), name=name)

    def _start_once_more(self, find: Callable[[], Host]) -> None:
        """Start another router as soon as nobody looks for one elsewhere any more: the person has clicked."""
        if self._moving:
            self._then = find
        else:
            self._move(find, "start once more")

    async def _replace_router(self, find: Callable[[], Host | None]) -> None:
        try:
            host = await asyncio.to_thread(find)
            if host is not None:
                await asyncio.to_thread(self._host.replace, host)
                self._was_up = False
                self._code = 0
        except Exception as error:
            log.exception("the router did not start")
            self._report_startup(error)
        finally:
            self._moving = False
            then, self._then = self._then, None
            if then is not None:
                self._move(then, "start once more")

    @Slot()
    def _on_tray_changed(self) -> None:
        self.window.may_hide = self.tray.visible

    @Slot()
    def _on_window_closed(self) -> None:
        if TRAY_EXPLAINED not in self._remembered:
            self._remembered.add(TRAY_EXPLAINED)
            self._notify(Notice(text.APP, text.STILL_IN_TRAY, good=True))

    @Slot()
    def _on_stopped(self) -> None:
        if not self.exit_code.done():
            self.exit_code.set_result(self._code)

    @Slot()
    def _on_tray_awaited(self) -> None:
        if not self.tray.visible:
            self.window.reveal()

    def _report_startup(self, error: Exception) -> None:
        if isinstance(error, ConfigErrors):
            self._ask_about_config(error)
            return
        message = error.message if isinstance(error, RouterError) else str(error)
        box = QMessageBox(QMessageBox.Icon.Critical, text.APP, text.STARTUP_FAILED)
        box.setInformativeText(message)
        box.finished.connect(self.quitter.quit_now)
        box.setParent(self.window, box.windowFlags())
        box.open()

    def _ask_about_config(self, error: ConfigErrors) -> None:
        """Ask how to go on without a valid hal0.yaml."""
        own, before = self._routers.own, self._routers.last_good
        if last_good(self._paths) is None:
            before = None
        self.start_problem = StartProblem(
            error,
            self._paths.config_file,
            self.window,
            again=lambda: self._start_once_more(own),
            last_good=(lambda: self._start_once_more(before)) if before is not None else None,
            leave=self.quitter.quit_now,
        )
        self.window.reveal()
        self.start_problem.open()


def _application() -> QApplication:
    app = QApplication.instance() or QApplication([text.APP])
    assert isinstance(app, QApplication)
    app.setApplicationName(text.APP)
    app.setDesktopFileName(text.APP)
    app.setQuitOnLastWindowClosed(False)
    app.setWindowIcon(app_icon())
    speak(app)
    return app


def _defer_to_first(instance: SingleInstance) -> int:
    owner = instance.owner
    if owner is None:
        return _say(text.NO_LOCK.format(path=instance.lock_file), 1)
    if instance.ask_to_show():
        return _say(text.ALREADY_RUNNING, 0)
    return _say(text.NOT_ANSWERING.format(pid=owner), 1)


def _say(sentence: str, code: int) -> int:
    sys.stderr.write(sentence + "\n")
    return code
