from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QApplication

from app.actions import Actions
from app.views.menu import Action, Command
from router.base.errors import BadRequest, SwitchCancelled
from tests.app.fake_service import BROKEN, GEMMA, QWEN, FakeService, StoreLink

T = TypeVar("T")


class Heard:
    """Collects what `Actions` says, and wakes whoever waits for it."""

    def __init__(self, actions: Actions) -> None:
        self.failures: list[tuple[str, str]] = []
        self.switched: list[tuple[str, str]] = []
        self.other: list[str] = []
        self.something = asyncio.Event()
        actions.failed.connect(lambda slot, message: self._hear(self.failures, (slot, message)))
        actions.switched.connect(lambda slot, model, _seconds: self._hear(self.switched, (slot, model)))
        actions.logs_requested.connect(lambda slot: self._hear(self.other, f"log {slot}"))
        actions.settings_requested.connect(lambda: self._hear(self.other, "settings"))
        actions.open_requested.connect(lambda: self._hear(self.other, "open"))
        actions.quit_requested.connect(lambda: self._hear(self.other, "quit"))

    def _hear(self, into: list[T], what: T) -> None:
        into.append(what)
        self.something.set()


class Opened(QObject):
    """Stands in for the file manager, and keeps what it was asked to open."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.urls.append(url.toLocalFile() if url.isLocalFile() else url.toString())


@pytest.fixture
def link() -> StoreLink:
    return StoreLink()


@pytest.fixture
def actions(qapp: QApplication, link: StoreLink, tmp_path: Path) -> Actions:
    return Actions(link, tmp_path)  # type: ignore[arg-type]


async def done(link: FakeService, count: int) -> list[tuple[str, ...]]:
    """The commands the service received, once there are `count`."""
    async with asyncio.timeout(5):
        while len(link.calls) < count:
            link.called.clear()
            await link.called.wait()
    return link.calls


async def test_each_router_command_goes_to_the_router(actions: Actions, link: StoreLink) -> None:
    actions.trigger(Command(Action.LOAD, "primary", GEMMA))
    actions.trigger(Command(Action.CANCEL, "primary"))
    actions.trigger(Command(Action.RESTART, "embed"))
    assert await done(link, 3) == [("load", "primary", GEMMA), ("cancel", "primary"), ("restart", "embed")]


async def test_only_the_model_the_pointer_rests_on_is_told(actions: Actions, link: StoreLink) -> None:
    for model in (QWEN, BROKEN, GEMMA):
        actions.trigger(Command(Action.WARM, "primary", model))
    assert await done(link, 1) == [("warm", "primary", GEMMA)]


async def test_a_hint_that_cannot_be_carried_out_is_nobody_s_trouble(actions: Actions, link: StoreLink) -> None:
    heard = Heard(actions)
    link.refuses_hints = True
    actions.trigger(Command(Action.WARM, "primary", GEMMA))
    assert await done(link, 1) == [("warm", "primary", GEMMA)]
    actions.trigger(Command(Action.LOAD, "primary", BROKEN))
    await asyncio.wait_for(heard.something.wait(), 5)
    assert [slot for slot, _ in heard.failures] == ["primary"] and "damaged" in heard.failures[0][1]


async def test_a_load_may_be_forced_or_given_flags_first(actions: Actions, link: StoreLink) -> None:
    actions.trigger(Command(Action.LOAD, "primary", GEMMA, force=True))
    assert await done(link, 1) == [("load", "primary", GEMMA, "force")]
    actions.trigger(Command(Action.LOAD, "primary", GEMMA, flags=("ctx-size=4096",)))
    wanted = ("read_config",), ("edit_config", f"models.{GEMMA}"), ("load", "primary", GEMMA)
    assert (await done(link, 4))[1:] == list(wanted)
    assert link.edits[0][0].value == {"file": f"/models/{GEMMA}.gguf", "flags": {"ctx-size": 4096}}
    actions.trigger(Command(Action.LOAD, "primary", GEMMA, flags=("ctx-size=4096",), once=True))
    assert (await done(link, 5))[4:] == [("load", "primary", GEMMA, "ctx-size=4096")], "nothing is written"


async def test_flags_that_hal0_yaml_refuses_load_nothing(actions: Actions, link: StoreLink) -> None:
    link.config_error = BadRequest("hal0.yaml cannot be written: the disk is full.")
    heard = Heard(actions)
    actions.trigger(Command(Action.LOAD, "primary", GEMMA, flags=("ctx-size=4096",)))
    await asyncio.wait_for(heard.something.wait(), 5)
    assert heard.failures == [("primary", "hal0.yaml cannot be written: the disk is full.")]
    link.config_text = "models: ["
    actions.trigger(Command(Action.LOAD, "primary", GEMMA, flags=("ctx-size=4096",)))
    async with asyncio.timeout(5):
        while len(heard.failures) < 2:
            await asyncio.sleep(0)
    assert "has an error; fix it" in heard.failures[1][1]
    assert not [call for call in link.calls if call[0] == "load"]


async def test_never_leaving_this_computer_is_written_into_the_file(actions: Actions, link: StoreLink) -> None:
    actions.trigger(Command(Action.LOCAL_ONLY, value="on"))
    actions.trigger(Command(Action.LOCAL_ONLY))
    assert await done(link, 2) == [("edit_config", "local_only")] * 2
    assert [edit[0].value for edit in link.edits] == [True, False]


async def test_unloads_go_to_the_router(actions: Actions, link: StoreLink) -> None:
    actions.trigger(Command(Action.UNLOAD, "embed"))
    actions.trigger(Command(Action.UNLOAD_ALL))
    assert (await done(link, 4))[:2] == [("unload", "embed"), ("unload_all",)]


async def test_a_refused_command_is_told_in_the_router_s_words(actions: Actions) -> None:
    heard = Heard(actions)
    actions.trigger(Command(Action.LOAD, "primary", BROKEN))
    await asyncio.wait_for(heard.something.wait(), 5)
    assert heard.failures == [("primary", "llama-server stopped: the file is damaged.")]


async def test_a_bug_is_not_silent(actions: Actions, link: StoreLink, caplog: pytest.LogCaptureFixture) -> None:
    link.bug = KeyError("bug")
    heard = Heard(actions)
    actions.trigger(Command(Action.RESTART, "primary"))
    await asyncio.wait_for(heard.something.wait(), 5)
    assert heard.failures == [("primary", "The command “restart” failed unexpectedly; hal0's log says why.")]
    assert "KeyError" in caplog.text


async def test_a_switch_the_person_cancelled_is_no_failure(actions: Actions, link: StoreLink) -> None:
    link.bug = SwitchCancelled("The switch was cancelled.")
    heard = Heard(actions)
    actions.trigger(Command(Action.RESTART, "primary"))
    await done(link, 1)
    actions.trigger(Command(Action.LOAD, "primary", GEMMA))
    await asyncio.wait_for(heard.something.wait(), 5)
    assert heard.failures == []
    assert heard.switched == [("primary", GEMMA)]


async def test_copies_land_on_the_clipboard(actions: Actions) -> None:
    actions.trigger(Command(Action.COPY_URL))
    assert QGuiApplication.clipboard().text() == "http://127.0.0.1:8080/v1"
    actions.trigger(Command(Action.COPY_MODEL, "primary", QWEN))
    assert QGuiApplication.clipboard().text() == QWEN
    actions.trigger(Command(Action.COPY_TEXT, value="curl …"))
    assert QGuiApplication.clipboard().text() == "curl …"


async def test_what_the_window_does_is_passed_on(actions: Actions) -> None:
    heard = Heard(actions)
    actions.trigger(Command(Action.OPEN))
    actions.trigger(Command(Action.QUIT))
    actions.trigger(Command(Action.SETTINGS))
    actions.trigger(Command(Action.LOGS))
    actions.trigger(Command(Action.SHOW_LOG, "primary"))
    assert heard.other == ["open", "quit", "settings", "log ", "log primary"]


async def test_the_log_folder_opens_in_the_file_manager(actions: Actions, tmp_path: Path) -> None:
    opened = Opened()
    QDesktopServices.setUrlHandler("file", opened, "open")  # type: ignore[arg-type]  # bytes are refused at run time
    try:
        actions.trigger(Command(Action.LOG_FOLDER))
    finally:
        QDesktopServices.unsetUrlHandler("file")
    assert opened.urls == [tmp_path.as_posix()]


async def test_a_slot_is_tried_on_the_page_in_the_browser(actions: Actions) -> None:
    opened = Opened()
    QDesktopServices.setUrlHandler("http", opened, "open")  # type: ignore[arg-type]
    try:
        actions.trigger(Command(Action.TRY, "primary"))
    finally:
        QDesktopServices.unsetUrlHandler("http")
    assert opened.urls == ["http://127.0.0.1:8080/#/chat/primary"]


async def test_without_a_browser_it_says_where_the_page_is(actions: Actions) -> None:
    heard = Heard(actions)
    actions.trigger(Command(Action.TRY, "odd/name"))
    [(slot, message)] = heard.failures
    assert slot == "" and "http://127.0.0.1:8080/#/chat/odd%2Fname" in message
