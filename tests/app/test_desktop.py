"""The parts of the desktop together: who is told what, and what is remembered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.desktop import Desktop
from app.menu_model import Action, Command
from app.remembered import FIRST_RUN_DONE, TRAY_EXPLAINED, Remembered
from app.router_host import RouterHost
from app.single_instance import SingleInstance
from router.paths import Paths
from router.state import SlotState
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
        desktop = Desktop(RouterHost(FakeService), SingleInstance(paths.state), paths)
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
    assert TRAY_EXPLAINED in Remembered(tmp_path / "state")


def test_the_first_page_is_shown_until_it_is_left(qapp: QApplication, tmp_path: Path) -> None:
    async def first(desktop: Desktop, _told: Told) -> None:
        assert desktop.window.first_run is not None
        desktop.window.first_run.start.click()

    async def second(desktop: Desktop, _told: Told) -> None:
        assert desktop.window.first_run is None

    play(qapp, tmp_path, first)
    assert FIRST_RUN_DONE in Remembered(tmp_path / "state")
    play(qapp, tmp_path, second)


def test_quitting_shows_the_memory_that_comes_back(qapp: QApplication, tmp_path: Path) -> None:
    async def scene(desktop: Desktop, _told: Told) -> None:
        desktop.quitter.stopping.emit()
        assert desktop.quit_progress.line.text() == "Stopping 1 model"
        await desktop._host.unload("primary")
        await until(lambda: desktop.quit_progress.bar.value() == 100, "the memory")
        assert desktop.quit_progress.detail.text() == "17.8 GB of 17.8 GB given back"

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
