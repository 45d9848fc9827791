from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication, QPushButton

from app.link.link import Attached
from app.quitter import Quitter
from app.texts import common as text
from app.texts import window as text_window
from app.views.quit import QuitView, quit_view
from router.base.tasks import spawn
from router.state import SlotState, Snapshot
from tests.app import scenes
from tests.app.fake_service import first_snapshot


class Host:
    """Counts stops; `in_flight` requests are being answered. `attached`: by another process."""

    def __init__(self, in_flight: int = 0) -> None:
        primary, *others = first_snapshot().slots
        self.snapshot: Snapshot = replace(
            first_snapshot(), slots=(replace(primary, in_flight=in_flight), *others)
        )
        self.attached: Attached | None = None
        self.stopped_on: list[int] = []

    def stop(self, timeout: float | None = None) -> bool:
        self.stopped_on.append(threading.get_ident())
        return True


async def finished(quitter: Quitter) -> None:
    event = asyncio.Event()
    quitter.finished.connect(event.set)
    await asyncio.wait_for(event.wait(), 5)


def press(quitter: Quitter, words: str) -> None:
    box = quitter.question
    assert box is not None
    next(b for b in box.buttons() if isinstance(b, QPushButton) and b.text() == words).click()


@pytest.fixture
async def busy(qapp: QApplication) -> AsyncIterator[Quitter]:
    yield Quitter(Host(in_flight=2))


async def test_quits_at_once_when_nobody_waits_and_stops_off_the_ui_thread(qapp: QApplication) -> None:
    host = Host()
    quitter = Quitter(host)
    quitter.request()
    assert quitter.question is None
    await finished(quitter)
    assert len(host.stopped_on) == 1
    assert host.stopped_on != [threading.get_ident()]


async def test_asks_while_requests_are_answered(busy: Quitter) -> None:
    busy.request()
    assert busy.question is not None
    assert busy.question.text() == "2 requests are still being answered."
    press(busy, text.STAY_BUTTON)
    busy.request()
    press(busy, text.QUIT_BUTTON)
    await finished(busy)


async def test_a_second_request_does_not_open_a_second_question(busy: Quitter) -> None:
    busy.request()
    first = busy.question
    busy.request()
    assert busy.question is first
    press(busy, text.STAY_BUTTON)


async def test_without_a_tray_closing_always_asks(qapp: QApplication) -> None:
    quitter = Quitter(Host())
    quitter.request_without_tray()
    assert quitter.question is not None
    assert "no tray" in quitter.question.informativeText()
    press(quitter, text.STAY_BUTTON)


async def test_stops_only_once(qapp: QApplication) -> None:
    host = Host()
    quitter = Quitter(host)
    quitter.quit_now()
    quitter.quit_now()
    quitter.request()
    await finished(quitter)
    assert len(host.stopped_on) == 1


async def test_told_to_wait_it_goes_when_the_last_answer_is_out(qapp: QApplication) -> None:
    host = Host(in_flight=2)
    quitter = Quitter(host)
    waited: list[bool] = []
    quitter.waiting.connect(lambda: waited.append(True))
    quitter.request()
    press(quitter, text_window.WAIT_BUTTON)
    quitter.show_snapshot(host.snapshot)
    assert (waited, host.stopped_on) == ([True], [])
    quitter.show_snapshot(first_snapshot())
    await finished(quitter)
    assert len(host.stopped_on) == 1


async def test_waiting_can_be_cut_short(qapp: QApplication) -> None:
    host = Host(in_flight=1)
    quitter = Quitter(host)
    quitter.quit_when_idle()
    quitter.quit_now()
    await finished(quitter)
    assert len(host.stopped_on) == 1


async def test_closing_without_a_tray_offers_no_waiting(qapp: QApplication) -> None:
    quitter = Quitter(Host(in_flight=1))
    quitter.request_without_tray()
    assert quitter.question is not None
    assert [b.text() for b in quitter.question.buttons()] == [text.QUIT_BUTTON, text.STAY_BUTTON]
    press(quitter, text.STAY_BUTTON)


def test_the_memory_that_comes_back_is_counted() -> None:
    first = scenes.ready()
    assert quit_view(first, first, waiting=False) == QuitView(
        "Stopping 2 models", "0 MiB of 16.1 GiB given back", 0.0
    )
    gone = tuple(replace(s, pid=None, memory=None, state=SlotState.UNLOADED) for s in first.slots)
    last = quit_view(first, replace(first, slots=gone), waiting=False)
    assert last == QuitView("All models have stopped", "16.1 GiB of 16.1 GiB given back", 1.0)
    assert quit_view(first, first, waiting=True).line == "Waiting for 3 answers that are still being written"


async def test_nobody_is_asked_where_the_router_goes_on(qapp: QApplication) -> None:
    for ask in ("request", "request_without_tray"):
        host = Host(in_flight=2)
        host.attached = Attached("http://127.0.0.1:8080", 4711)
        quitter = Quitter(host)
        ended = spawn(finished(quitter), name="the end")
        await asyncio.sleep(0)
        getattr(quitter, ask)()
        assert quitter.question is None
        await ended
        assert len(host.stopped_on) == 1
