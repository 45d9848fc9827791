"""The Activity tab: what was asked, as it happens; of one request, what happened when."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QModelIndex, Qt, QTimer, Slot
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.link.link import Link
from app.texts import activity as words
from app.views.activity import MOST, MOST_OLDER
from app.window.activity_details import RequestDetails
from app.window.activity_table import RECORD, RequestFilter, RequestList, RequestTable
from app.window.forget_button import ForgetButton
from app.window.order_reader import OrderReader
from app.window.widgets import button, refill, set_text, wrapping_label
from router.activity.listing import Listing
from router.activity.record import Record
from router.orders.kinds import ReadActivity
from router.state import Snapshot

POLL_MS = 500
PAGE = 500
SCROLLS = 60  # rows that no window shows at once
EVERY = 1 << 62  # beyond every id
NEAR_THE_END = 10  # rows from the last one at which older ones are asked for


class ActivityTab(QWidget):
    """Follows while it is seen; all that it knows is in the table's rows."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._reader = OrderReader(link, self)
        self._most = MOST
        self._has_older = False
        self._loaded = False
        self._wants_older = False
        self._keep = self._kept = 0
        self._problem = ""
        self.slot = QComboBox()
        self.slot.setAccessibleName(words.SLOT)
        self.slot.setAccessibleDescription(words.SLOT)  # on Linux the name is the choice
        self.slot.addItem(words.ALL_SLOTS, "")
        self.failed = QCheckBox(words.ONLY_FAILURES)
        self.search = QLineEdit(placeholderText=words.SEARCH_HINT, clearButtonEnabled=True)
        self.search.setAccessibleName(words.SEARCH)
        self.pause = QPushButton(words.PAUSE)
        self.pause.setCheckable(True)
        self.forget = ForgetButton(link)
        self.older = button(words.OLDER)
        self.table = RequestTable(self)
        self.filter = RequestFilter(self.table)
        self.list = RequestList(self.filter)
        self.note = wrapping_label("muted")
        self.details = RequestDetails()
        self._poll = QTimer(self, interval=POLL_MS)
        self._lay_out()
        self._connect()
        self._show_note()

    @property
    def following(self) -> bool:
        return self._poll.isActive()

    @property
    def question(self) -> ReadActivity:
        """What is asked for with these filters."""
        return ReadActivity(self.slot.currentData(), failed=self.failed.isChecked(), limit=PAGE)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        names = [slot.name for slot in snapshot.slots]
        if refill(self.slot, [("", words.ALL_SLOTS), *((name, name) for name in names)]):
            self._start_over()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        super().showEvent(event)
        self._follow_or_rest()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        super().hideEvent(event)
        self._poll.stop()

    @Slot(object, object)
    def take(self, question: ReadActivity, listing: Listing) -> None:
        """Show the answer, unless the filters have changed since it was asked for."""
        if replace(question, since=None, before=None) != self.question:
            return
        self._loaded, self._problem = True, listing.problem or ""
        self._keep, self._kept = listing.keep, listing.kept
        self.table.drop(listing.forgotten if listing.keep else EVERY)
        records = [record for record in listing.records if record.id > listing.forgotten]
        if question.before is not None:
            self._take_older(records, more=listing.next is not None)
        elif listing.next is not None and question.since is not None:
            # More came than one answer holds: what lies between can be had again as older ones.
            self._most, self._has_older = MOST, True
            self.table.start_over(records)
            self.details.show_record(None)
        else:
            self._take_newer(records, first=question.since is None, more=listing.next is not None)
        self._show_note()
        if self._wants_older:
            self._ask_older()

    @Slot(object, str)
    def tell_failed(self, _question: ReadActivity, reason: str) -> None:
        self._problem = words.not_read(reason)
        self._show_note()

    @Slot(str)
    def _tell_not_forgotten(self, reason: str) -> None:
        self._problem = words.not_forgotten(reason)
        self._show_note()

    def _take_newer(self, records: list[Record], *, first: bool, more: bool) -> None:
        bar = self.list.verticalScrollBar()
        looked_at = bar.value()
        before = self.filter.rowCount()
        held = len(self.table.records)
        came = self.table.add(records, self._most)
        if first:
            self._has_older = more
        if held + came > len(self.table.records):
            self._has_older = True
        if looked_at and came:  # what a person looks at stays where it is
            bar.setValue(looked_at + max(0, self.filter.rowCount() - before))

    def _take_older(self, records: list[Record], *, more: bool) -> None:
        self._most = min(MOST_OLDER, max(self._most, len(self.table.records) + len(records)))
        self.table.add(records, self._most)
        self._has_older = more and len(self.table.records) < MOST_OLDER

    def _ask_newer(self) -> None:
        newest = self.table.records[0].id if self.table.records else None
        self._reader.ask(replace(self.question, since=newest))

    def _ask_older(self) -> None:
        """Ask for those before the oldest; after the answer that is awaited, if one is."""
        self._wants_older = False
        if self._has_older and self.table.records:
            question = replace(self.question, before=self.table.records[-1].id)
            self._wants_older = not self._reader.ask(question)

    def _follow_or_rest(self) -> None:
        if self.isVisible() and not self.pause.isChecked():
            self._poll.start()
            self._ask_newer()
        else:
            self._poll.stop()

    def _start_over(self) -> None:
        self.table.start_over()
        self._most, self._has_older, self._loaded, self._wants_older = MOST, False, False, False
        self.details.show_record(None)
        self._show_note()
        if self.isVisible():
            self._ask_newer()

    def _on_searched(self, wanted: str) -> None:
        self.filter.search(wanted)
        self._show_note()

    def _on_scrolled(self, row: int) -> None:
        bar = self.list.verticalScrollBar()
        if bar.maximum() and row >= bar.maximum() - NEAR_THE_END:
            self._ask_older()

    def _on_current(self, index: QModelIndex) -> None:
        self.details.show_record(index.data(RECORD) if index.isValid() else None)

    def _show_note(self) -> None:
        shown = self.filter.rowCount()
        set_text(self.note, self._problem or ("" if shown else self._why_empty()))
        self.note.setVisible(bool(self.note.text()))
        self.forget.setEnabled(bool(self._kept or self.table.records))
        # Where there is more to scroll, scrolling does it.
        self.older.setVisible(self._has_older and shown < SCROLLS)
        self.details.setVisible(bool(shown))

    def _why_empty(self) -> str:
        if not self._loaded:
            return words.READING_LIST
        if not self._keep:
            return words.NOTHING_KEPT
        if self._has_older:
            return words.looked_through(len(self.table.records))
        if len(self.table.records) >= MOST_OLDER:
            return words.no_more(len(self.table.records))
        narrowed = self.search.text().strip() or self.slot.currentData() or self.failed.isChecked()
        return words.NO_MATCH if narrowed else words.NOTHING_ASKED

    def _connect(self) -> None:
        find = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        find.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.activated.connect(self.search.setFocus)
        self._reader.read.connect(self.take)
        self._reader.failed.connect(self.tell_failed)
        self.forget.forgotten.connect(self._start_over)
        self.forget.refused.connect(self._tell_not_forgotten)
        self._poll.timeout.connect(self._ask_newer)
        self.slot.currentIndexChanged.connect(self._start_over)
        self.failed.toggled.connect(self._start_over)
        self.search.textChanged.connect(self._on_searched)
        self.search.returnPressed.connect(self.list.setFocus)
        self.pause.toggled.connect(self._follow_or_rest)
        self.older.clicked.connect(self._ask_older)
        self.list.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.list.selectionModel().currentChanged.connect(self._on_current)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.slot)
        top.addWidget(self.failed)
        top.addWidget(self.search, 1)
        top.addWidget(self.pause)
        top.addWidget(self.forget)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addLayout(top)
        whole.addWidget(self.note)
        whole.addWidget(self.list, 2)
        whole.addWidget(self.older, 0, Qt.AlignmentFlag.AlignLeft)
        whole.addWidget(self.details, 1)
