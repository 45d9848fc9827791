"""Asks which model to fetch from Hugging Face: what runs well here, what a search finds, what a repository has
and what of it fits; then the start, and how far it is until it can be tried."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.link.link import Link
from app.texts import discover
from app.texts import pull as words
from app.views.discover import Arrival, Stage, arrival, finding_rows, preselected, slot_for
from app.window.arrival_panel import ArrivalPanel
from app.window.findings_list import FindingsList
from app.window.offer_panel import OfferPanel
from app.window.widgets import button, label, set_flag, set_text, wrapping_label
from router.base.errors import RouterError
from router.base.tasks import spawn
from router.config.schema import Kind
from router.orders.kinds import Download, ReadOffer, SearchHub
from router.state import DownloadOrder, Snapshot
from router.wire.hub_offer import Offer
from router.wire.hub_search import Findings

log = logging.getLogger(__name__)
WIDTH, HEIGHT = 860, 600


class PullDialog(QDialog):
    """One question at a time goes to the router; another one, or leaving, ends it.

    Signals:
        chosen: (Command) try the model that has come.
    """

    chosen = Signal(object)

    def __init__(self, link: Link, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(discover.TITLE)
        self._link = link
        self._task: asyncio.Task[None] | None = None
        self._coming = ""
        self._before = HEIGHT
        self._kind = Kind.CHAT
        self.field = QLineEdit(placeholderText=discover.WHICH_HINT, clearButtonEnabled=True)
        self.field.setAccessibleName(discover.WHICH)
        self.check = button(discover.SEARCH)
        self.message = wrapping_label("muted")
        self.found = FindingsList()
        self.about = wrapping_label("muted")
        self.offer = OfferPanel()
        self.choices, self.details, self.doubt = self.offer.choices, self.offer.details, self.offer.doubt
        self.load = QCheckBox()
        self.load.setChecked(True)
        self.arrival = ArrivalPanel()
        self.start = button(words.DOWNLOAD)
        self.close_button = button(words.CLOSE)
        self._lay_out()
        self._connect()
        self.tell(words.EXPLAIN)
        self._show_choice()
        self.found.hide()
        self.arrival.hide()
        self.check.setDefault(True)
        self.field.setFocus()

    def suggest(self) -> None:
        """Ask what runs well on this computer, and show that to begin with."""
        self.tell(discover.LOOKING)
        self._run(self._suggest, "suggest models")

    def show_findings(self, findings: Findings) -> None:
        """Let the person choose one of these."""
        rows = finding_rows(findings)
        self.offer.clear()
        self.found.show_rows(rows)
        self.found.setVisible(bool(rows))
        self._show_choice()

    def show_offer(self, offer: Offer) -> None:
        """Let the person choose a quantisation; the best is chosen already."""
        row = self.found.row
        named = row is not None and any(model.reference == row.reference for model in offer.models)
        self.tell("" if offer.chosen else words.SEVERAL)
        self.offer.show_offer(offer, row.reference if named and row is not None else preselected(offer))
        self.start.setDefault(True)
        if self.field.hasFocus() or self.check.hasFocus():
            self.choices.setFocus()

    def show_coming(self, reference: str, found: Arrival) -> None:
        """Show how far this model is, in place of what there is to fetch."""
        self._coming = reference
        self.tell("")
        self._show_page(coming=True)
        self.arrival.show_arrival(reference, found)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show how far the model is that was started here."""
        found = arrival(snapshot, self._coming) if self._coming else None
        if found is not None:
            self.arrival.show_arrival(self._coming, found)

    def done(self, result: int) -> None:
        """End what goes on: Qt's way out, however the dialog is left."""
        self._end_task()
        super().done(result)

    @property
    def reference(self) -> str | None:
        """What Download would fetch: a quantisation, or a suggestion as it stands."""
        row = self.found.row
        suggested = row.reference if row is not None and row.fits is not None else None
        return self.choices.reference or suggested

    # -- asking ------------------------------------------------------------------------------------------------

    async def _suggest(self) -> None:
        self.show_findings(await self._link.carry_out(SearchHub()))
        self.tell(discover.EXPLAIN)

    def _on_check(self) -> None:
        wanted = self.field.text().strip()
        if "/" in wanted:
            self.found.choose_none()
            self._kind = Kind.CHAT
            self._look_at(wanted)
        elif wanted:
            self.tell(words.ASKING)
            self._run(partial(self._search, wanted), f"search {wanted}")

    async def _search(self, wanted: str) -> None:
        findings = await self._link.carry_out(SearchHub(wanted))
        self.show_findings(findings)
        self.tell("" if findings.repositories else discover.nothing_found(wanted))

    def _on_found(self) -> None:
        row = self.found.row
        if row is not None:
            self._kind = row.kind
            self.offer.clear()
            self._look_at(row.reference)

    def _look_at(self, wanted: str) -> None:
        self.tell(words.ASKING)
        self._run(partial(self._ask, wanted), f"offer {wanted}")

    async def _ask(self, wanted: str) -> None:
        self.show_offer(await self._link.carry_out(ReadOffer(wanted)))

    # -- fetching ----------------------------------------------------------------------------------------------

    def _on_start(self) -> None:
        reference = self.reference
        if reference is not None and self.start.isEnabled():
            self.tell(words.STARTING)
            had_focus = self.start.hasFocus()
            self.start.setEnabled(False)
            self._run(partial(self._begin, reference, had_focus), f"start {reference}")

    async def _begin(self, reference: str, had_focus: bool) -> None:
        slot = self._slot() if self.load.isChecked() else ""
        try:
            status = await self._link.carry_out(Download(DownloadOrder.START, reference, slot))
        except RouterError:
            self._show_choice()
            if had_focus:
                self.start.setFocus()  # it went to Close when the button was disabled
            raise
        self._task = None
        if not slot:
            self.accept()
            return
        coming = status.reference if status is not None else reference
        found = arrival(self._link.snapshot, coming)
        self.show_coming(coming, found or Arrival(Stage.COMING, words.STARTING))

    def _slot(self) -> str:
        return slot_for(self._link.snapshot, self._kind)

    def _on_another(self) -> None:
        self._coming = ""
        self._show_page(coming=False)
        self.tell(discover.EXPLAIN)
        self.field.setFocus()

    def _show_page(self, *, coming: bool) -> None:
        self.arrival.setVisible(coming)
        self.found.setVisible(not coming and self.found.topLevelItemCount() > 0)
        for part in (self.field, self.check, self.caption, self.start):
            part.setVisible(not coming)
        if coming:
            self._before = self.height()
            for hidden in (self.offer, self.load, self.about):
                hidden.hide()
            self._shrink()
        else:
            self.offer.clear()
            self.resize(self.width(), max(self.height(), self._before))

    def _shrink(self) -> None:
        """Leave no empty half below a bar."""
        self._whole.activate()
        self.resize(self.width(), self._whole.sizeHint().height())

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
        row, found, slot = self.found.row, self.offer.verdict, self._slot()
        set_text(self.about, row.details if row is not None else "")
        self.about.setVisible(row is not None)
        self.start.setEnabled(found.possible if found is not None else self.reference is not None)
        self.start.setText(words.GO_ON if found is not None and found.goes_on else words.DOWNLOAD)
        self.load.setText(discover.load_when_come(slot))
        self.load.setVisible(bool(slot) and self.reference is not None)

    def tell(self, sentence: str, *, failed: bool = False) -> None:
        """Show what is going on, or went wrong."""
        set_text(self.message, sentence)
        set_flag(self.message, "failed", "true" if failed else "false")
        self.message.setVisible(bool(sentence))

    def _connect(self) -> None:
        self.field.textEdited.connect(self._on_edited)
        self.check.clicked.connect(self._on_check)
        self.found.chosen.connect(self._on_found)
        self.offer.changed.connect(self._show_choice)
        self.choices.doubleClicked.connect(self._on_start)
        self.start.clicked.connect(self._on_start)
        self.arrival.chosen.connect(self.chosen)
        self.arrival.another.connect(self._on_another)
        self.close_button.clicked.connect(self.reject)

    def _lay_out(self) -> None:
        self.caption = label()
        self.caption.setText(discover.WHICH)
        self.caption.setBuddy(self.field)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.caption)
        top.addWidget(self.field, 1)
        top.addWidget(self.check)
        buttons = QHBoxLayout()
        buttons.addWidget(self.load)
        buttons.addStretch(1)
        buttons.addWidget(self.start)
        buttons.addWidget(self.close_button)
        self._whole = whole = QVBoxLayout(self)
        whole.setSpacing(10)
        whole.addLayout(top)
        whole.addWidget(self.message)
        whole.addWidget(self.found, 3)
        whole.addWidget(self.about)
        whole.addWidget(self.offer, 2)
        whole.addWidget(self.arrival, 1)
        whole.addStretch(0)
        whole.addLayout(buttons)
        self.resize(WIDTH, HEIGHT)
