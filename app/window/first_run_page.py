"""The first page: what hal0 found on this computer, and a real answer from its endpoint."""

from __future__ import annotations

import asyncio
import logging
import time

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QCheckBox, QGridLayout, QVBoxLayout, QWidget

from app.link.chat_request import NoAnswer, ask
from app.link.link import Link
from app.system import autostart
from app.texts import common as text
from app.texts import discover
from app.texts import window as text_window
from app.views.discover import slot_for
from app.views.first_run import FirstLook, first_look
from app.views.menu import Action, Command
from app.window.engine_notice import EngineNotice
from app.window.engine_setup import EngineSetup
from app.window.flow_layout import FlowLayout
from app.window.starter_offer import StarterOffer
from app.window.widgets import Card, CopyButton, Scroller, button, label, set_flag, set_text, wrapping_label
from router.base.errors import RouterError
from router.base.paths import STARTER
from router.base.tasks import spawn
from router.config.schema import Kind
from router.orders.kinds import ReadConfig
from router.state import DownloadOrder, Snapshot

log = logging.getLogger(__name__)
NARROW_LETTERS = 80
MOST_LETTERS = 150


class FirstRunPage(QWidget):
    """Signals:
    chosen: (Command) copy the URL, fetch the starter, or see which models there are to fetch.
    finished: the person goes on to the window itself.
    """

    chosen = Signal(object)
    finished = Signal()

    def __init__(self, link: Link, engine: EngineSetup) -> None:
        super().__init__()
        self._link = link
        self._engine = engine
        self._snapshot = Snapshot()
        self._look: FirstLook | None = None
        self._test: asyncio.Task[None] | None = None
        self.gpu = wrapping_label()
        self.models = wrapping_label()
        self.starter = StarterOffer()
        self.get_models = button(discover.GET_MODELS)
        self.get_models.setToolTip(discover.GET_MODELS_HINT)
        self.engine = EngineNotice(engine)
        self.login = QCheckBox(text_window.AT_LOGIN)
        self.login_note = wrapping_label("failed")
        self.url = label("title", selectable=True)
        self.copy = CopyButton(text.COPY_URL)
        self.test = button(text_window.TEST, text_window.TEST_HINT)
        self.answer = wrapping_label("muted")
        self.answer.setText(text_window.TEST_HINT)
        self.start = button(text_window.START_USING)
        self.start.setDefault(True)
        self._lay_out()
        self.login_note.hide()
        self.setFocusProxy(self.start)
        engine.changed.connect(lambda: self.show_snapshot(self._snapshot))
        self.login.toggled.connect(self._on_login)
        self.starter.wanted.connect(self._on_starter)
        self.get_models.clicked.connect(lambda: self.chosen.emit(Command(Action.GET_MODELS)))
        self.copy.clicked.connect(lambda: self.chosen.emit(Command(Action.COPY_URL)))
        self.test.clicked.connect(self._on_test)
        self.start.clicked.connect(self.finished)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        look = first_look(snapshot, engine_missing=self._engine.view.missing)
        self._look = look
        set_text(self.gpu, look.gpu)
        set_text(self.models, look.models)
        self.starter.show_snapshot(snapshot, offered=look.starter)
        self._engine_name.setVisible(bool(self._engine.view.message))
        set_text(self.url, look.endpoint)
        self.test.setEnabled(bool(look.slot))
        if snapshot.server.error:
            self._say(snapshot.server.error, failed=True)

    def _on_starter(self) -> None:
        slot = slot_for(self._snapshot, Kind.CHAT)
        self.test.setFocus()  # what to do next; the button is about to be disabled, and the focus would wander
        self.chosen.emit(Command(Action.DOWNLOAD, slot, STARTER, DownloadOrder.START))

    def _on_login(self, wanted: bool) -> None:
        try:
            autostart.set_enabled(wanted)
        except OSError as error:
            log.warning("start at login: %s", error)
            set_text(self.login_note, text_window.AT_LOGIN_FAILED.format(reason=error))
            self.login_note.show()
        else:
            self.login_note.hide()

    def _on_test(self) -> None:
        look = self._look
        # The button stays enabled meanwhile: the focus of a disabled one goes to its neighbour.
        asking = self._test is not None and not self._test.done()
        if look is None or not look.slot or asking:
            return
        self._say(text_window.TESTING, failed=False)
        self._test = spawn(self._ask(look.endpoint, look.slot), name="test the endpoint")

    async def _ask(self, endpoint: str, slot: str) -> None:
        began = time.monotonic()
        try:
            key = (await self._link.carry_out(ReadConfig())).config.server.own_key
            words = await asyncio.to_thread(ask, endpoint, slot, text_window.QUESTION, key)
        except NoAnswer as error:
            self._say(text_window.no_answer(str(error)), failed=True)
        except RouterError as error:
            self._say(text_window.no_answer(error.message), failed=True)
        else:
            self.show_answer(words, time.monotonic() - began)

    def show_answer(self, words: str, seconds: float) -> None:
        """Show that the endpoint answered the test with `words`."""
        self._say(text_window.answered(text.elide(words, 300), seconds), failed=False)

    def _say(self, words: str, *, failed: bool) -> None:
        set_text(self.answer, words)
        set_flag(self.answer, "failed", "true" if failed else "false")

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        narrow = event.size().width() < NARROW_LETTERS * self.fontMetrics().averageCharWidth()
        directions = QBoxLayout.Direction
        self._endpoint.setDirection(directions.TopToBottom if narrow else directions.LeftToRight)
        super().resizeEvent(event)

    def _lay_out(self) -> None:
        headline = label("headline")
        headline.setText(text_window.WELCOME)
        line = wrapping_label("muted")
        line.setText(text_window.WELCOME_LINE)
        card = Card()
        inside = QVBoxLayout(card)
        inside.setContentsMargins(18, 16, 18, 16)
        inside.addLayout(self._steps())
        page = QWidget()
        column = QVBoxLayout(page)
        column.setSpacing(12)
        column.addStretch(1)
        column.addWidget(headline)
        column.addWidget(line)
        column.addWidget(card)
        column.addWidget(self.start, 0, Qt.AlignmentFlag.AlignRight)
        column.addStretch(2)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(Scroller(page, MOST_LETTERS, Qt.AlignmentFlag.AlignHCenter))

    def _steps(self) -> QGridLayout:
        """Return a row for each step: its name, and what there is to see or do."""
        grid = QGridLayout()
        grid.setHorizontalSpacing(20)
        grid.setVerticalSpacing(16)
        grid.setColumnStretch(1, 1)
        names = (
            text_window.STEP_GPU,
            text_window.STEP_ENGINE,
            text_window.STEP_MODELS,
            text_window.STEP_LOGIN,
            text_window.STEP_ENDPOINT,
        )
        captions = [label("title") for _ in names]
        for row, (caption, name) in enumerate(zip(captions, names, strict=True)):
            caption.setText(name)
            grid.addWidget(caption, row, 0, Qt.AlignmentFlag.AlignTop)
        self._engine_name = captions[1]
        self._engine_name.hide()
        grid.addWidget(self.gpu, 0, 1)
        grid.addWidget(self.engine, 1, 1)
        grid.addLayout(self._models_step(), 2, 1)
        login = QVBoxLayout()
        login.addWidget(self.login)
        login.addWidget(self.login_note)
        grid.addLayout(login, 3, 1)
        grid.addLayout(self._endpoint_step(), 4, 1)
        return grid

    def _models_step(self) -> QVBoxLayout:
        ways = FlowLayout(left=True)
        ways.addWidget(self.starter.get)
        ways.addWidget(self.get_models)
        models = QVBoxLayout()
        models.setSpacing(8)
        models.addWidget(self.models)
        models.addWidget(self.starter)
        models.addLayout(ways)
        return models

    def _endpoint_step(self) -> QVBoxLayout:
        buttons = FlowLayout()
        buttons.addWidget(self.copy)
        buttons.addWidget(self.test)
        self._endpoint = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._endpoint.setSpacing(8)
        self._endpoint.addWidget(self.url, 1)
        self._endpoint.addLayout(buttons)
        tested = QVBoxLayout()
        tested.setSpacing(8)
        tested.addLayout(self._endpoint)
        tested.addWidget(self.answer)
        return tested
