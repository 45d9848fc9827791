from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.views.menu import Action, Command
from app.window.first_run_page import FirstRunPage
from app.window.main import MainWindow
from router.base.paths import STARTER
from router.state import DownloadOrder, ServerState, ServerStatus, Snapshot
from tests.app import scenes
from tests.app.fake_service import StoreLink
from tests.app.gallery import window as make_window
from tests.app.running import run_qt, until

ANSWER = b'{"choices": [{"message": {"content": "Hello there."}}]}'
REFUSAL = b'{"error": {"message": "The model file is damaged."}}'


class Endpoint(BaseHTTPRequestHandler):
    """Answers every POST with the server's `answer`, and keeps what it was asked."""

    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Asked)
        server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        status, body = server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Tests are quiet."""


class Asked(ThreadingHTTPServer):
    bodies: list[bytes]
    answer: tuple[int, bytes]


@pytest.fixture
def endpoint() -> Iterator[Asked]:
    server = Asked(("127.0.0.1", 0), Endpoint)
    server.bodies, server.answer = [], (200, ANSWER)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    made = make_window(scenes.first_start(), first_run=True)
    qtbot.addWidget(made)
    made.show()
    return made


def page_of(window: MainWindow) -> FirstRunPage:
    assert window.first_run is not None
    return window.first_run


def test_the_first_page_says_what_was_found_and_hides_the_rest(window: MainWindow) -> None:
    page = page_of(window)
    assert page.gpu.text() == "NVIDIA GeForce RTX 3090 with 24 GiB"
    assert page.models.text().startswith("3 found on this computer")
    assert page.url.text() == "http://127.0.0.1:8080/v1"
    assert not window.tabs.isVisible()


def test_start_at_login_is_off_until_a_person_wants_it(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    page = page_of(window)
    assert not page.login.isChecked()
    assert list(tmp_path.rglob("*.desktop")) == []
    page.login.click()
    assert len(list(tmp_path.rglob("*.desktop"))) == 1
    page.login.click()
    assert list(tmp_path.rglob("*.desktop")) == []


def test_a_login_entry_that_cannot_be_written_is_told(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(blocked))
    page = page_of(window)
    page.login.click()
    assert page.login_note.isVisible()
    assert page.login_note.text().startswith("Start at login could not be changed")


def test_copy_takes_the_url_and_start_leaves_the_page(window: MainWindow, qtbot: QtBot) -> None:
    page = page_of(window)
    with qtbot.waitSignal(window.chosen) as copied:
        page.copy.click()
    assert copied.args == [Command(Action.COPY_URL)]
    with qtbot.waitSignal(window.first_run_done):
        page.start.click()
    assert window.first_run is None
    assert window.tabs.isVisible()


def test_an_endpoint_that_is_down_is_told_on_the_page(window: MainWindow) -> None:
    window.show_snapshot(scenes.port_taken())
    assert page_of(window).answer.text().startswith("Port 8080 is in use")


def started_at(port: int) -> Snapshot:
    server = ServerStatus(ServerState.RUNNING, port=port)
    return replace(scenes.first_start(), server=server)


def ask(qapp: QApplication, port: int) -> str:
    """What the page says once its test is over."""
    said: list[str] = []

    async def scene() -> None:
        window = MainWindow(StoreLink(started_at(port)), first_run=True)
        window.may_hide = True
        window.show()
        page = page_of(window)
        page.test.click()
        assert page.answer.text() == "Asking…"
        page.test.click()  # an impatient person asks once all the same
        await until(lambda: page.answer.text() != "Asking…", "an answer")
        assert page.test.isEnabled()
        said.append(page.answer.text())
        window.close()

    run_qt(qapp, scene())
    return said[0]


def test_the_test_sends_a_real_request_and_shows_the_answer(qapp: QApplication, endpoint: Asked) -> None:
    assert ask(qapp, endpoint.server_port) == "It works. The answer came at once: “Hello there.”"
    assert len(endpoint.bodies) == 1
    assert b'"model": "primary"' in endpoint.bodies[0]


@pytest.mark.parametrize("status", [200, 502])
def test_a_refusal_is_shown_in_the_endpoint_s_words(qapp: QApplication, endpoint: Asked, status: int) -> None:
    endpoint.answer = (status, REFUSAL)
    assert ask(qapp, endpoint.server_port) == "No answer: The model file is damaged."


def test_nobody_at_the_port_is_told(qapp: QApplication) -> None:
    assert ask(qapp, 9).startswith("No answer: nothing answers at http://127.0.0.1:9/v1")


def test_an_answer_that_is_no_chat_is_told(qapp: QApplication, endpoint: Asked) -> None:
    endpoint.answer = (200, b"<html>")
    assert ask(qapp, endpoint.server_port) == "No answer: the answer was not a chat completion."


def test_where_nothing_really_answers_one_click_fetches_the_starter(qtbot: QtBot) -> None:
    made = make_window(scenes.first_start_bare(), first_run=True)
    qtbot.addWidget(made)
    made.show()
    page = page_of(made)
    assert page.starter.get.text() == "Get SmolLM2 135M (93 MB)"
    with qtbot.waitSignal(made.chosen) as chosen:
        page.starter.get.click()
    assert chosen.args == [Command(Action.DOWNLOAD, "primary", STARTER, DownloadOrder.START)]
    assert made.focusWidget() is page.test

    made.show_snapshot(scenes.starter_coming())
    assert page.starter.message.text().startswith("31 MB of 93 MB")
    assert page.starter.bar.isVisible() and not page.starter.get.isEnabled()
    made.show_snapshot(scenes.starter_failed())
    assert "this computer seems to be offline" in page.starter.message.text()
    assert page.starter.message.property("failed") == "true"
    assert page.starter.get.isEnabled() and not page.starter.bar.isVisible()


def test_the_starter_that_is_ready_can_be_tested_at_once(qtbot: QtBot) -> None:
    made = make_window(scenes.starter_coming(), first_run=True)
    qtbot.addWidget(made)
    made.show()
    page = page_of(made)
    made.show_snapshot(scenes.starter_ready())
    assert page.starter.message.text() == "smollm2-135m-starter is ready in primary."
    assert "SmolLM2 135M (starter) answers" in page.models.text()
    assert not page.starter.get.isVisible() and page.test.isEnabled()


def test_the_starter_is_not_offered_where_a_person_has_models(window: MainWindow) -> None:
    assert not page_of(window).starter.get.isVisible()
