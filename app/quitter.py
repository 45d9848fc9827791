"""Leaving in stages: ask when someone would lose something, wait if told to, stop every engine, end."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QMessageBox, QWidget

from app.link.link import Attached
from app.system.console_end import on_console_end
from app.system.signals import stop_signals
from app.texts import common as text
from app.texts import window as text_window
from app.views.quit import in_flight
from router.base.tasks import spawn
from router.state import Snapshot

log = logging.getLogger(__name__)


class Stoppable(Protocol):
    """What ends the router: returns when all engines are gone."""

    @property
    def snapshot(self) -> Snapshot: ...

    @property
    def attached(self) -> Attached | None: ...

    def stop(self, timeout: float | None = None) -> bool: ...


class Quitter(QObject):
    """Takes hal0 down once, however often it is asked to.

    Signals:
        waiting: hal0 goes once the last answer is out.
        stopping: the engines are being stopped.
        finished: the router's thread has ended; nothing is left to stop.
    """

    waiting = Signal()
    stopping = Signal()
    finished = Signal()

    def __init__(self, host: Stoppable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._question: QMessageBox | None = None
        self._under_way = False
        self._waiting = False

    @property
    def question(self) -> QMessageBox | None:
        """The open question, if one is."""
        return self._question

    @Slot()
    def request(self, window: QWidget | None = None) -> None:
        """Quit; a person is asked first if requests are in flight that this would break off."""
        busy = in_flight(self._host.snapshot) if self._host.attached is None else 0
        if busy and not self._under_way:
            self._ask(text.quit_question(busy), text.QUIT_CONSEQUENCE, window, may_wait=True)
        else:
            self.quit_now()

    @Slot()
    def request_without_tray(self, window: QWidget | None = None) -> None:
        """Ask before the last visible part of hal0 closes, if the endpoint would go with it."""
        if self._host.attached is not None:
            self.quit_now()
            return
        self._ask(text.CLOSE_QUESTION, text.CLOSE_CONSEQUENCE, window, may_wait=False)

    @Slot()
    def quit_when_idle(self) -> None:
        """Quit as soon as `show_snapshot` sees no request any more."""
        if self._under_way or self._waiting:
            return
        self._waiting = True
        self.waiting.emit()
        self.show_snapshot(self._host.snapshot)

    @Slot(object)
    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Quit once the last answer is out, if that is waited for."""
        if self._waiting and not in_flight(snapshot):
            self.quit_now()

    @Slot()
    def quit_now(self) -> None:
        """Quit without asking (a signal, the end of the session, the answer "Quit")."""
        if self._under_way:
            return
        self._under_way = True
        self.stopping.emit()
        spawn(self._stop(), name="quit")

    async def _stop(self) -> None:
        try:
            await asyncio.to_thread(self._host.stop)
        finally:
            self.finished.emit()

    def _ask(self, question: str, consequence: str, window: QWidget | None, *, may_wait: bool) -> None:
        if self._question is not None:
            self._question.raise_()
            return
        visible = window if window is not None and window.isVisible() else None
        box = QMessageBox(QMessageBox.Icon.Question, text.APP, question, parent=visible)
        box.setInformativeText(consequence)
        leave = box.addButton(text.QUIT_BUTTON, QMessageBox.ButtonRole.AcceptRole)
        wait = box.addButton(text_window.WAIT_BUTTON, QMessageBox.ButtonRole.AcceptRole) if may_wait else None
        stay = box.addButton(text.STAY_BUTTON, QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.setEscapeButton(stay)

        def on_finished() -> None:
            answer = box.clickedButton()
            then = self.quit_now if answer is leave else self.quit_when_idle if answer is wait else None
            self._on_answer(then)

        box.finished.connect(on_finished)
        self._question = box
        # Never exec(): a nested event loop inside an asyncio task is an error.
        box.open()

    def _on_answer(self, then: Callable[[], None] | None) -> None:
        if self._question is not None:
            self._question.deleteLater()
            self._question = None
        if then is not None:
            then()


def on_termination(callback: Callable[[], None], parent: QObject) -> None:
    """Call `callback` on the UI's loop for each signal that ends hal0. Call it with that loop running."""
    loop = asyncio.get_running_loop()
    on_console_end(lambda: loop.call_soon_threadsafe(callback))
    for number in stop_signals():
        try:
            loop.add_signal_handler(number, callback)
        except NotImplementedError:
            # Windows: Python runs a handler only when it runs, and Qt's loop may sleep for long.
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(callback))
            waker = QTimer(parent, interval=500)
            waker.timeout.connect(lambda: None)
            waker.start()
