"""Asks which model to fetch from Hugging Face: what a repository has, what of it fits, and the start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.link.link import Link
from app.texts import pull as words
from app.views.quantisations import quantisation_rows, verdict
from app.window.quantisation_list import QuantisationList
from app.window.widgets import button, label, set_flag, set_text, wrapping_label
from router.base.errors import RouterError
from router.base.tasks import spawn
from router.orders.kinds import Download, ReadOffer
from router.state import DownloadOrder
from router.wire.hub_offer import Offer

log = logging.getLogger(__name__)
WIDTH, HEIGHT = 600, 440


class PullDialog(QDialog):
    """One question at a time goes to the router; another one, or leaving, ends it."""

    def __init__(self, link: Link, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(words.TITLE)
        self._link = link
        self._offer: Offer | None = None
        self._task: asyncio.Task[None] | None = None
        self.field = QLineEdit(placeholderText=words.WHICH_HINT, clearButtonEnabled=True)
        self.field.setAccessibleName(words.WHICH)
        self.check = button(words.CHECK)
        self.message = wrapping_label("muted")
        self.choices = QuantisationList()
        self.details = wrapping_label("muted")
        self.doubt = wrapping_label("failed")
        self.start = button(words.DOWNLOAD)
        self.close_button = button(words.CLOSE)
        self._lay_out()
        self._connect()
        self.tell(words.EXPLAIN)
        self._show_choice()
        self.check.setDefault(True)
        self.field.setFocus()

    def show_offer(self, offer: Offer) -> None:
        """Let the person choose; what hal0 would take is chosen already."""
        self._offer = offer
        self.tell("" if offer.chosen else words.SEVERAL)
        self.choices.show_rows(quantisation_rows(offer), offer.chosen)
        self._show_choice()
        self.start.setDefault(True)
        if self.field.hasFocus() or self.check.hasFocus():
            self.choices.setFocus()

    def done(self, result: int) -> None:
        """End what goes on: Qt's way out, however the dialog is left."""
        self._end_task()
        super().done(result)

    def _on_check(self) -> None:
        wanted = self.field.text().strip()
        if wanted:
            self.tell(words.ASKING)
            self._run(partial(self._ask, wanted), f"offer {wanted}")

    async def _ask(self, wanted: str) -> None:
        offer = await self._link.carry_out(ReadOffer(wanted))
        self.show_offer(offer)

    def _on_start(self) -> None:
        reference = self.choices.reference
        if reference is not None and self.start.isEnabled():
            self.tell(words.STARTING)
            self.start.setEnabled(False)
            self._run(partial(self._begin, reference), f"start {reference}")

    async def _begin(self, reference: str) -> None:
        await self._link.carry_out(Download(DownloadOrder.START, reference))
        self._task = None
        self.accept()

    def _run(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        self._end_task()
        self._task = spawn(self._run_and_report(work), name=name)

    async def _run_and_report(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except RouterError as error:
            self.tell(error.message, failed=True)
        except Exception:
            # A bug must not look like a button that did nothing.
            log.exception("the download dialog failed")
            self.tell(words.UNEXPECTED, failed=True)
        else:
            return
        self._show_choice()

    def _end_task(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _on_edited(self) -> None:
        self.check.setDefault(True)

    def _show_choice(self) -> None:
        reference = self.choices.reference
        self.choices.setVisible(self._offer is not None)
        if self._offer is None or reference is None:
            for part in (self.details, self.doubt):
                part.hide()
            self.start.setEnabled(False)
            return
        found = verdict(self._offer, reference)
        set_text(self.details, "\n".join(found.lines))
        self.details.setVisible(bool(found.lines))
        set_text(self.doubt, found.doubt)
        self.doubt.setVisible(bool(found.doubt))
        self.start.setEnabled(found.possible)
        self.start.setText(words.GO_ON if found.goes_on else words.DOWNLOAD)

    def tell(self, sentence: str, *, failed: bool = False) -> None:
        """Show what is going on, or went wrong."""
        set_text(self.message, sentence)
        set_flag(self.message, "failed", "true" if failed else "false")
        self.message.setVisible(bool(sentence))

    def _connect(self) -> None:
        self.field.textEdited.connect(self._on_edited)
        self.check.clicked.connect(self._on_check)
        self.choices.chosen.connect(self._show_choice)
        self.choices.doubleClicked.connect(self._on_start)
        self.start.clicked.connect(self._on_start)
        self.close_button.clicked.connect(self.reject)

    def _lay_out(self) -> None:
        caption = label()
        caption.setText(words.WHICH)
        caption.setBuddy(self.field)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(caption)
        top.addWidget(self.field, 1)
        top.addWidget(self.check)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.start)
        buttons.addWidget(self.close_button)
        whole = QVBoxLayout(self)
        whole.setSpacing(10)
        whole.addLayout(top)
        whole.addWidget(self.message)
        whole.addWidget(self.choices, 1)
        whole.addWidget(self.details)
        whole.addWidget(self.doubt)
        whole.addStretch(0)
        whole.addLayout(buttons)
        self.resize(WIDTH, HEIGHT)
