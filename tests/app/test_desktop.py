"""The parts of the desktop together: who is told what, and what is remembered."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.desktop import Desktop
from app.link.current_link import CurrentLink, Host, Routers
from app.link.link import Attached
from app.link.router_host import RouterHost
from app.system.appearance import Appearance, current_appearance
from app.system.desktop_state import APPEARANCE, FIRST_RUN_DONE, TRAY_EXPLAINED, DesktopState
from app.system.single_instance import SingleInstance
from app.views.menu import Action, Command
from router.base.paths import Paths
from router.config.file import GOOD_FILE
from router.config.problems import ConfigErrors, ConfigProblem
from router.orders.kinds import Unload
from router.state import ServerState, SlotState
from tests.app import scenes
from tests.app.fake_service import BROKEN, GEMMA, FakeService
from tests.app.running import run_qt, until

Told = list[tuple[str, str, bool]]
Scene = Callable[[Desktop, Told], Awaitable[None]]


def folders(home: Path) -> Paths:
    return Paths(
        home / "config" / "hal0.yaml", *(home / name for name in ("data", "state", "logs", "cache"))
    ).create()


def play(app: QApplication, home: Path, scene: Scene) -> None:
    """Run `scene` with a desktop whose notifications are written down, and quit."""
    paths = folders(home)

    async def run() -> None:
        own = Routers(lambda: RouterHost(FakeService))
        desktop = Desktop(CurrentLink(own.own()), own, SingleInstance(paths.state), paths)
        told: Told = []
        desktop.tray.show_message = (  # type: ignore[method-assign]
            lambda title, message, *, good=False: told.append((title, message, good))
        )
        await desktop.start(hidden=True)
        await until(lambda: "primary" in {s.name for s in desktop.bridge.snapshot.slots}, "the first snapshot")
        await scene(desktop, told)
        desktop.quitter.quit_now()
        assert await desktop.exit_code == 0
        desktop.close()

    run_qt(app, run())


def test_a_long_switch_that_ended_unseen_is_told_and_a_seen_one_is_not(
    qapp: QApplication, tmp_path: Path
) -> None:
    async def scene(desktop: Desktop, told: Told) -> None:
        desktop.window.reveal()
        desktop.actions.switched.emit("primary", GEMMA, 60.0)
        assert told == []
        desktop.window.may_hide = True
        desktop.window.close()
        told.clear()
        desktop.actions.switched.emit("primary", GEMMA, 60.0)
        assert told == [
            ("hal0 · primary", "primary now answers with Gemma-27B & vision; the switch took 60 s.", True)
        ]

    play(qapp, tmp_path, scene)


def test_a_failed_switch_is_told(qapp: QApplication, tmp_path: Path) -> None:
    async def scene(desktop: Desktop, told: Told) -> None:
        desktop.actions.trigger(Command(Action.LOAD, "primary", BROKEN))
        await until(lambda: told, "the news")
        assert told == [("hal0 · primary", "llama-server stopped: the file is damaged.", False)]

    play(qapp, tmp_path, scene)


def test_the_chosen_appearance_is_remembered(qapp: QApplication, tmp_path: Path) -> None:
    async def choose(desktop: Desktop, _told: Told) -> None:
        assert current_appearance() is Appearance.SYSTEM
        desktop.window.chosen.emit(Command(Action.APPEARANCE, value="dark"))
        assert current_appearance() is Appearance.DARK

    async def again(desktop: Desktop, _told: Told) -> None:
        assert current_appearance() is Appearance.DARK
        desktop.window.chosen.emit(Command(Action.APPEARANCE, value="system"))

    play(qapp, tmp_path, choose)
    play(qapp, tmp_path, again)
    assert DesktopState(tmp_path / "state").text(APPEARANCE) == "system"


def test_hiding_in_the_tray_is_explained_once_in_a_life(qapp: QApplication, tmp_path: Path) -> None:
    async def scene(desktop: Desktop, told: Told) -> None:
        for _ in range(2):
            desktop.window.reveal()
            desktop.window.may_hide = True
            desktop.window.close()
        assert [message for _title, message, _good in told] == [
            "hal0 keeps running in the tray. Quit it from the tray menu."
        ]

    play(qapp, tmp_path, scene)
    assert TRAY_EXPLAINED in DesktopState(tmp_path / "state")


def test_the_first_page_is_shown_until_it_is_left(qapp: QApplication, tmp_path: Path) -> None:
    async def first(desktop: Desktop, _told: Told) -> None:
        assert desktop.window.first_run is not None
        desktop.window.first_run.start.click()

    async def second(desktop: Desktop, _told: Told) -> None:
        assert desktop.window.first_run is None

    play(qapp, tmp_path, first)
    assert FIRST_RUN_DONE in DesktopState(tmp_path / "state")
    play(qapp, tmp_path, second)


def test_quitting_shows_the_memory_that_comes_back(qapp: QApplication, tmp_path: Path) -> None:
    async def scene(desktop: Desktop, _told: Told) -> None:
        desktop.quitter.stopping.emit()
        assert desktop.quit_progress.line.text() == "Stopping 1 model"
        await desktop._host.carry_out(Unload("primary"))
        await until(lambda: desktop.quit_progress.bar.value() == 100, "the memory")
        assert desktop.quit_progress.detail.text() == "17.8 GiB of 17.8 GiB given back"

    play(qapp, tmp_path, scene)


def test_logs_and_settings_open_in_the_window(qapp: QApplication, tmp_path: Path) -> None:
    async def scene(desktop: Desktop, _told: Told) -> None:
        desktop.tray.chosen.emit(Command(Action.SHOW_LOG, "primary"))
        assert desktop.window.isVisible()
        assert (desktop.window.tabs.currentWidget(), desktop.window.logs.slot) == (
            desktop.window.logs,
            "primary",
        )
        desktop.tray.chosen.emit(Command(Action.SETTINGS))
        assert desktop.window.tabs.currentWidget() is desktop.window.settings
        assert desktop.bridge.snapshot.slots[0].state is SlotState.READY

    play(qapp, tmp_path, scene)


def newer(version: str) -> FakeService:
    service = FakeService(replace(scenes.update(), slots=(scenes.PRIMARY,)))
    found = replace(service.store.snapshot.updates[0], newest=version)
    service.store.update(updates=(found,))
    service.store._writer = None  # it was this thread; from now on it is the router's
    return service


def test_a_newer_version_is_told_once_in_a_life_and_installed_from_the_tray(
    qapp: QApplication, tmp_path: Path
) -> None:
    line = "llama-server {} is available; you have 0.7.0 (build 11669)."

    async def told_of_it(_desktop: Desktop, told: Told) -> None:
        await until(lambda: told, "the news")
        assert told == [("hal0", line.format("b12345"), True)]

    async def installed(desktop: Desktop, told: Told) -> None:
        assert told == []
        desktop.tray.chosen.emit(Command(Action.UPDATE, value="llama-server"))
        assert desktop.window.isVisible()
        notice = desktop.window.engine_notice
        await until(lambda: "llama-server b1 is installed" in notice.message.text(), "the install")

    async def told_of_the_next(_desktop: Desktop, told: Told) -> None:
        await until(lambda: told, "the news")
        assert told == [("hal0", line.format("b12400"), True)]

    for version, scene in (("b12345", told_of_it), ("b12345", installed), ("b12400", told_of_the_next)):
        own = Routers(lambda version=version: RouterHost(lambda: newer(version)))  # type: ignore[misc]
        play_attached(qapp, tmp_path, own, own.own(), scene)
    flags = json.loads((tmp_path / "state" / "desktop.json").read_bytes())
    assert [flag for flag in flags if "update" in flag] == ["update_told:llama-server:b12400"]


class OtherHost(RouterHost):
    """Passes for a router that another process runs."""

    @property
    def attached(self) -> Attached | None:
        lost = self.snapshot.server.state is ServerState.FAILED
        return Attached("http://127.0.0.1:8080", 4711, lost) if self.running else None


def play_attached(app: QApplication, home: Path, routers: Routers, first: Host, scene: Scene) -> None:
    """As `play`, beginning with the host `first`."""
    paths = folders(home)

    async def run() -> None:
        desktop = Desktop(CurrentLink(first), routers, SingleInstance(paths.state), paths)
        told: Told = []
        desktop.tray.show_message = (  # type: ignore[method-assign]
            lambda title, message, *, good=False: told.append((title, message, good))
        )
        await desktop.start(hidden=True)
        try:
            await scene(desktop, told)
        finally:  # else the router's thread keeps the test from ending
            desktop.quitter.quit_now()
            code = await desktop.exit_code
            desktop.close()
        assert code == 0

    run_qt(app, run())


def entries(desktop: Desktop) -> dict[str, bool]:
    return {action.text(): action.isEnabled() for action in desktop.tray.menu.actions() if action.text()}


def failing() -> FakeService:
    """A service whose port another program has."""
    service = FakeService()
    server = replace(service.store.snapshot.server, state=ServerState.FAILED, error="Port 8080 is taken.")
    service.store.update(server=server)
    service.store._writer = None  # it was this thread; from now on it is the router's
    return service


def test_lost_contact_offers_to_start_here_and_that_starts_a_router_here(
    qapp: QApplication, tmp_path: Path
) -> None:
    async def scene(desktop: Desktop, told: Told) -> None:
        await until(lambda: entries(desktop).get("Start here"), "the offer")
        assert "Close the tray (hal0 serve keeps running)" in entries(desktop)
        assert ("hal0", "Port 8080 is taken.", False) in told
        desktop.tray.chosen.emit(Command(Action.START_HERE))
        await until(lambda: "Start here" not in entries(desktop), "the router here")
        assert desktop.bridge.snapshot.server.state is ServerState.RUNNING
        await desktop._host.carry_out(Unload("primary"))
        await until(lambda: desktop.bridge.snapshot.slots[0].state is SlotState.UNLOADED, "a command")

    routers = Routers(lambda: RouterHost(FakeService))
    play_attached(qapp, tmp_path, routers, OtherHost(failing), scene)


def test_who_finds_the_port_taken_by_another_hal0_attaches_to_it(qapp: QApplication, tmp_path: Path) -> None:
    async def scene(desktop: Desktop, _told: Told) -> None:
        await until(lambda: desktop._host.attached is not None, "the other one")
        await until(lambda: "Close the tray (hal0 serve keeps running)" in entries(desktop), "the menu")
        assert desktop.bridge.snapshot.server.state is ServerState.RUNNING

    routers = Routers(lambda: RouterHost(failing), lambda: OtherHost(FakeService))
    play_attached(qapp, tmp_path, routers, RouterHost(failing), scene)


def busy() -> FakeService:
    """A service that answers a request."""
    service = FakeService()
    service._set("primary", in_flight=1)
    service.store._writer = None  # it was this thread; from now on it is the router's
    return service


def test_ctrl_q_asks_while_a_request_is_answered_as_the_tray_does(qapp: QApplication, tmp_path: Path) -> None:
    """Row 48."""

    async def scene(desktop: Desktop, _told: Told) -> None:
        await until(lambda: desktop.bridge.snapshot.slots, "the first snapshot")
        desktop.window.reveal()
        await until(lambda: qapp.activeWindow() is desktop.window, "the keyboard")
        for ask in (
            lambda: QTest.keyClick(desktop.window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier),
            lambda: desktop.tray.chosen.emit(Command(Action.QUIT)),
        ):
            ask()
            await until(lambda: desktop.quitter.question, "the question")
            question = desktop.quitter.question
            assert question is not None and question.text() == "1 request is still being answered."
            QTest.keyClick(question, Qt.Key.Key_Escape)
            await until(lambda: desktop.quitter.question is None, "the answer")
            assert not desktop.exit_code.done() and desktop.window.isVisible()

    own = Routers(lambda: RouterHost(busy))
    play_attached(qapp, tmp_path, own, own.own(), scene)


def test_the_window_comes_back_as_it_was_left(qapp: QApplication, tmp_path: Path) -> None:
    """Row 48."""

    async def first(desktop: Desktop, _told: Told) -> None:
        desktop.window.reveal()
        desktop.window.resize(640, 480)
        desktop.window.move(33, 44)
        await until(lambda: desktop._remembered.text("window") == "640x480+33+44", "the place to be kept")

    async def second(desktop: Desktop, _told: Told) -> None:
        desktop.window.reveal()
        assert (desktop.window.width(), desktop.window.height()) == (640, 480)
        assert (desktop.window.pos().x(), desktop.window.pos().y()) == (33, 44)

    play(qapp, tmp_path, first)
    play(qapp, tmp_path, second)


def test_a_broken_hal0_yaml_offers_to_start_as_it_worked_last(qapp: QApplication, tmp_path: Path) -> None:
    paths = folders(tmp_path)
    problem = ConfigErrors([ConfigProblem("hal0.yaml", 12, "slots.primary.kind", 'must be "chat"')])

    def broken() -> FakeService:
        raise problem

    async def run(desktop: Desktop) -> None:
        await desktop.start(hidden=True)
        asked = desktop.start_problem
        assert asked is not None and asked.isVisible() and desktop.window.isVisible()
        assert "hal0.yaml:12: slots.primary.kind" in asked.informativeText()
        assert str(paths.config_file) in asked.informativeText()
        await until(lambda: desktop.bridge.snapshot.server.state is ServerState.FAILED, "what it is like now")
        await until(lambda: desktop.window.endpoint.chip.text() == "Not running", "the window")
        assert "must be" in desktop.window.endpoint.error.text()
        asked.retry.click()
        await until(lambda: desktop.start_problem not in (None, asked), "the same once more")
        again = desktop.start_problem
        assert again is not None and again.use_last_good is not None
        again.use_last_good.click()
        await until(lambda: desktop.window.endpoint.chip.text() == "Running", "the start")
        desktop.quitter.quit_now()
        assert await desktop.exit_code == 0
        desktop.close()

    async def scene() -> None:
        (paths.state / GOOD_FILE).write_text("slots: {primary: {}}\n")
        routers = Routers(lambda: RouterHost(broken), last_good=lambda: RouterHost(FakeService))
        await run(Desktop(CurrentLink(routers.own()), routers, SingleInstance(paths.state), paths))

    run_qt(qapp, scene())


def test_without_settings_that_worked_only_the_others_are_offered(qapp: QApplication, tmp_path: Path) -> None:
    paths = folders(tmp_path)

    def broken() -> FakeService:
        raise ConfigErrors([ConfigProblem("hal0.yaml", 1, "", "the file is not UTF-8 text")])

    async def scene() -> None:
        routers = Routers(lambda: RouterHost(broken), last_good=lambda: RouterHost(FakeService))
        desktop = Desktop(CurrentLink(routers.own()), routers, SingleInstance(paths.state), paths)
        await desktop.start(hidden=True)
        asked = desktop.start_problem
        assert asked is not None and asked.use_last_good is None
        asked.quit.click()
        assert await desktop.exit_code == 1
        desktop.close()

    run_qt(qapp, scene())
