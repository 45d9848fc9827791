"""The window's Activity tab over real records: of a router in this process, and of a `hal0 serve` beside it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.bootstrap import make_service, read_config
from app.link.chat_request import NoAnswer, ask
from app.link.current_link import Host
from app.link.remote_link import RemoteLink
from app.link.router_host import RouterHost
from app.link.state_bridge import StateBridge
from app.texts import activity as words
from app.window.activity_tab import ActivityTab
from app.window.main import MainWindow
from router.activity.record import Record
from tests.app.running import run_qt, until
from tests.e2e.conftest import ALPHA, SLOTS
from tests.e2e.harness import Hal0


def in_two_minutes() -> float:
    """What was before a window with this clock is in other steps of its curves."""
    return time.time() + 120


async def watch(link: Host, url: str) -> MainWindow:
    """A window over this link in which two requests have appeared: one answered, one refused."""
    window = MainWindow(link)
    window.may_hide = True
    bridge = StateBridge(link, window)
    bridge.changed.connect(window.show_snapshot)
    window.show_activity()
    tab = window.activity.content
    assert isinstance(tab, ActivityTab)
    await until(lambda: tab.note.text() == words.NOTHING_ASKED, "the empty list")
    assert await asyncio.to_thread(ask, f"{url}/v1", "primary", "Hello?") == ALPHA
    await until(lambda: len(tab.table.records) == 1, "the request")
    answered = record_of(tab, 0)
    assert (answered.slot, answered.model, answered.status) == ("primary", "alpha", 200)
    assert answered.tokens_prompt and answered.tokens_completion and answered.tokens_per_second
    row = [tab.filter.index(0, column).data() for column in range(len(words.COLUMNS))]
    assert row[1:5] == ["primary", "alpha", "Python-urllib", "200"]
    assert row[8] == str(answered.tokens_completion)
    with pytest.raises(NoAnswer):
        await asyncio.to_thread(ask, f"{url}/v1", "nobody", "Hello?")
    await until(lambda: len(tab.table.records) == 2, "the one that was refused")
    tab.list.setCurrentIndex(tab.filter.index(0, 0))
    assert "nobody" in tab.details.error.text()
    tab.failed.click()
    await until(lambda: len(tab.table.records) == 1, "the failures alone")
    assert record_of(tab, 0).status == 404
    tab.failed.click()
    await until(lambda: len(tab.table.records) == 2, "both again")
    return window


def record_of(tab: ActivityTab, row: int) -> Record:
    return tab.table.records[row]


async def forget_all(tab: ActivityTab) -> None:
    tab.forget.click()
    assert tab.forget.question is not None
    tab.forget.question.yes.click()
    await until(lambda: tab.note.text() == words.NOTHING_ASKED, "all to be forgotten")
    assert tab.details.record is None and not tab.forget.isEnabled()


def test_attached_to_a_serve_that_runs(
    qapp: QApplication, tmp_path: Path, llama_server: Path, model_folder: Path
) -> None:
    async def scene() -> None:
        serve = Hal0.prepare(tmp_path, llama_server, SLOTS)
        link = RemoteLink(serve.url)
        try:
            await serve.start()
            await serve.until_ready("alpha")
            link.start()
            window = await watch(link, serve.url)
            tab = window.activity.content
            speed = record_of(tab, 1).tokens_per_second
            later = MainWindow(link, clock=in_two_minutes)
            later.may_hide = True
            later.show()
            await until(lambda: speed in later.history.of("primary", time.time()).speeds, "what was before it")
            await until(
                lambda: any(later.history.of("primary", in_two_minutes()).memory[:-2]),
                "what was held before it",
            )
            later.close()
            async with serve.session.delete(f"{serve.url}/api/activity") as answer:
                assert (await answer.json())["kept"] == 0
            await until(lambda: tab.note.text() == words.NOTHING_ASKED, "what was deleted to leave")
            assert tab.details.record is None
            assert await asyncio.to_thread(ask, f"{serve.url}/v1", "primary", "Hello?") == ALPHA
            await until(lambda: len(tab.table.records) == 1, "another request")
            await forget_all(tab)
            assert (await serve.get("/api/activity"))["kept"] == 0
            window.close()
        finally:
            await asyncio.to_thread(link.stop)
            await serve.close()

    run_qt(qapp, scene())


def test_of_the_router_in_this_process(
    qapp: QApplication,
    tmp_path: Path,
    llama_server: Path,
    model_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene() -> None:
        prepared = Hal0.prepare(tmp_path, llama_server, SLOTS)
        await prepared.session.close()
        for name, value in prepared.env.items():
            monkeypatch.setenv(name, value)
        config, paths = read_config(tmp_path / "hal0.yaml")
        host = RouterHost(lambda: make_service(config, paths, retry_port=False))
        try:
            await asyncio.to_thread(host.start)
            window = await watch(host, prepared.url)
            await forget_all(window.activity.content)
            window.close()
        finally:
            assert await asyncio.to_thread(host.stop, 20)

    run_qt(qapp, scene())
