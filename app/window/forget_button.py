"""The button that has every record of requests deleted, after a question."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QPushButton

from app.link.link import Link
from app.texts import activity as words
from app.window.deletion_question import DeletionQuestion
from app.window.order_reader import OrderReader
from router.orders.kinds import ForgetActivity


class ForgetButton(QPushButton):
    """Signals:
    forgotten: all are deleted.
    refused: (one sentence) none is.
    """

    forgotten = Signal()
    refused = Signal(str)

    def __init__(self, link: Link) -> None:
        super().__init__(words.FORGET_ALL)
        self.question: DeletionQuestion | None = None
        self._reader = OrderReader(link, self)
        self._reader.read.connect(lambda *_: self.forgotten.emit())
        self._reader.failed.connect(lambda _order, reason: self.refused.emit(reason))
        self.clicked.connect(self._ask)

    @Slot()
    def _ask(self) -> None:
        self.question = DeletionQuestion(
            words.FORGET_QUESTION,
            words.FORGET_CONSEQUENCE,
            words.FORGET_YES,
            lambda: self._reader.ask(ForgetActivity()),
            self,
        )
        self.question.open()
