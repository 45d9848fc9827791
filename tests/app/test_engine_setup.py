"""A computer without llama-server: what is said, and fetching one from the window."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QApplication

from app.link.state_bridge import StateBridge
from app.views.menu import Action, Command
from app.window.engine_notice import EngineNotice
from app.window.main import MainWindow
from router.base.errors import EngineMissing, InstallFailed
from router.engine.find import EngineProblem
from router.state import SlotError, SlotState
from tests.app import scenes
from tests.app.fake_service import StoreLink
from tests.app.running import run_qt, until

MISSING = EngineProblem("No llama-server was found.", installable=True)


def bare() -> StoreLink:
    link = StoreLink(scenes.first_start_bare())
    link.engine_missing = MISSING
    return link


def shown(link: StoreLink, *, first_run: bool = False) -> tuple[MainWindow, EngineNotice]:
    window = MainWindow(link, first_run=first_run)
    window.may_hide = True
    window.show()
    return window, window.first_run.engine if window.first_run else window.engine_notice


def test_the_first_page_says_what_is_missing_and_fetches_it(qapp: QApplication) -> None:
    async def scene() -> None:
        link = bare()
        link.step = 0.02
        window, notice = shown(link, first_run=True)
        page = window.first_run
        assert page is not None
        assert not notice.isVisible()
        await until(notice.isVisible, "the notice")
        assert notice.message.text().startswith(
            "llama-server, the program that runs the models, is not on this"
        )
        assert "which needs llama-server." in page.models.text()
        steps = []
        notice.install.click()
        notice.install.click()  # an impatient person
        window.engine.changed.connect(lambda: steps.append((notice.message.text(), notice.bar.value())))
        await until(lambda: not window.engine.view.installing, "the install")
        assert ("Downloading llama-b1.tar.gz", 500) in steps
        assert notice.message.text() == "llama-server b1 is installed; models can be loaded now."
        assert not notice.bar.isVisible() and not notice.install.isVisible()
        assert "demo answers" in page.models.text()
        assert link.calls.count(("install_engine",)) == 1
        window.close()

    run_qt(qapp, scene())


def test_a_failed_install_is_told_and_may_be_tried_again(qapp: QApplication) -> None:
    async def scene() -> None:
        link = bare()
        link.install_error = InstallFailed("No llama-server could be installed. The network is down.")
        window, notice = shown(link)
        await until(notice.isVisible, "the notice")
        notice.install.click()
        await until(lambda: "network is down" in notice.message.text(), "the reason")
        assert notice.install.isEnabled()
        link.install_error = None
        notice.install.click()
        await until(lambda: "is installed" in notice.message.text(), "the second try")
        window.close()

    run_qt(qapp, scene())


def test_a_bug_is_no_button_that_did_nothing(qapp: QApplication) -> None:
    async def scene() -> None:
        link = bare()
        link.install_error = ValueError("a bug")
        window, notice = shown(link)
        await until(notice.isVisible, "the notice")
        notice.install.click()
        await until(lambda: "a bug in hal0" in notice.message.text(), "the admission")
        window.close()

    run_qt(qapp, scene())


def test_a_path_that_a_person_named_is_theirs_to_correct(qapp: QApplication) -> None:
    async def scene() -> None:
        link = bare()
        link.engine_missing = EngineProblem(
            "HAL0_LLAMA_SERVER names /x, which does not run.", installable=False
        )
        window, notice = shown(link)
        await until(notice.isVisible, "the notice")
        assert notice.message.text() == "HAL0_LLAMA_SERVER names /x, which does not run."
        assert not notice.install.isVisible()
        window.close()

    run_qt(qapp, scene())


def test_a_slot_that_finds_no_engine_brings_the_notice_and_a_load_takes_it_away(qapp: QApplication) -> None:
    async def scene() -> None:
        link = StoreLink(scenes.first_start())
        window, notice = shown(link)
        bridge = StateBridge(link)
        bridge.changed.connect(window.show_snapshot)
        await until(lambda: window.engine._task is not None and window.engine._task.done(), "the first look")
        assert not notice.isVisible()
        link.engine_missing = MISSING
        primary = link.snapshot.slots[0]
        error = SlotError(EngineMissing.code, "No llama-server was found.", scenes.QWEN.id, 5.0)
        link.store.update_slot(replace(primary, state=SlotState.FAILED, last_error=error))
        await until(notice.isVisible, "the notice")
        link.engine_missing = None
        link.store.update_slot(replace(primary, state=SlotState.READY, pid=7))
        await until(lambda: not notice.isVisible(), "the notice to go")
        bridge.close()
        window.close()

    run_qt(qapp, scene())


def test_a_newer_one_is_installed_beside_the_one_that_runs(qapp: QApplication) -> None:
    async def scene() -> None:
        link = StoreLink(scenes.update())
        window, notice = shown(link)
        await until(lambda: window.engine._task is not None and window.engine._task.done(), "the first look")
        assert window.endpoint.update_line.text().startswith("llama-server b12345 is available")
        asked: list[Command] = []
        window.chosen.connect(asked.append)
        window.endpoint.install.click()
        assert asked == [Command(Action.UPDATE, value="llama-server")]
        window.engine.update()
        assert notice.isVisible() and not window.engine.view.missing
        await until(lambda: not window.engine.view.installing, "the install")
        assert (
            notice.message.text() == "llama-server b1 is installed; each slot uses it from its next switch on."
        )
        link.install_error = InstallFailed("The network is down.")
        window.engine.update()
        await until(lambda: notice.message.text() == "The network is down.", "the reason")
        assert not window.engine.view.missing, "what was there can still be run"
        window.close()

    run_qt(qapp, scene())
