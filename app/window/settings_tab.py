"""The Settings tab: its pages, and what is unsaved or wrong in them. Edits are applied together."""

from __future__ import annotations

import asyncio

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.link.link import Link
from app.system import autostart
from app.texts import models as words
from app.views.settings import API_KEYS, HOST, LOCAL_ONLY, MODELS, SLOTS, UPDATES
from app.views.settings_draft import Draft
from app.window.settings_command import CommandView
from app.window.settings_entries import EntriesPage
from app.window.settings_exchange import ConfigExchange
from app.window.settings_general import GeneralPage, Login
from app.window.settings_page import Page
from app.window.settings_pages import (
    advanced_page,
    folders_page,
    model_page,
    offer_models,
    served_by,
    server_page,
    slot_page,
    unnamed_models,
)
from app.window.widgets import label, set_flag, set_text, wrapping_label
from router.config.change import ConfigDocument
from router.config.places import Reach
from router.state import Snapshot

GENERAL, SERVER, SLOT_PAGE, MODEL_PAGE, ADVANCED = range(5)
_PAGE_OF = {
    LOCAL_ONLY[0]: GENERAL, UPDATES[0]: GENERAL, "server": SERVER, SLOTS: SLOT_PAGE, MODELS: MODEL_PAGE,
    "model_dirs": MODEL_PAGE,
}  # fmt: skip
HOST_HINTS = {
    Reach.NOBODY: lambda: words.HOST_HINT,
    Reach.HERE: lambda: words.HOST_HERE,
    Reach.NETWORK: lambda: words.HOST_NETWORK,
}
NARROW = 620
NAVIGATION_WIDTHS = (120, 84)  # and in a narrow window
LOW = 340
FOLDERS_HEIGHTS = (130, 56)  # and in a low window


class SettingsTab(QWidget):
    """Attributes:
    exchange: hal0.yaml, and the edits of it.

    Signals:
        chosen: (Command) look light or dark.
    """

    chosen = Signal(object)

    def __init__(self, link: Link, *, login: Login = autostart) -> None:
        super().__init__()
        self.exchange = ConfigExchange(link, self)
        self._snapshot = Snapshot()
        self.general = GeneralPage(login)
        self.general.chosen.connect(self.chosen)
        self.server = server_page()
        self.slots = EntriesPage(SLOTS, words.SLOT_LIST, words.NEW_SLOT, slot_page, served_by)
        self.models = EntriesPage(MODELS, words.MODEL_NAMES, words.NEW_MODEL, model_page)
        self.models.empty.setText(words.NO_NAMED_MODELS)
        self.folders = folders_page()
        self.advanced = advanced_page()
        self.command = CommandView(link)
        self.advanced.add_row(words.ENGINE_COMMAND, self.command)
        self.navigation = QListWidget()
        self.navigation.setAccessibleName(words.SETTINGS_PAGES)
        self.pages = QStackedWidget()
        self.banner = wrapping_label("failed")
        self.status = label("muted")
        self.discard = QPushButton(words.DISCARD)
        self.apply = QPushButton(words.APPLY)
        self._lay_out()
        self._connect()
        self._show()

    @Slot(object)
    def show_snapshot(self, snapshot: Snapshot) -> None:
        old, self._snapshot = self._snapshot, snapshot
        if not self.isVisible():
            return
        self._show_running()
        if (snapshot.server, snapshot.local_only) != (old.server, old.local_only):
            self.exchange.trouble = snapshot.server.config_error or ""
            self.load_config()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        super().showEvent(event)
        self.general.refresh_desktop()
        self._show_running()
        self.exchange.trouble = self._snapshot.server.config_error or ""
        self.load_config()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        narrow = event.size().width() < NARROW
        self.navigation.setFixedWidth(NAVIGATION_WIDTHS[narrow])
        for entries in (self.slots, self.models):
            entries.be_narrow(narrow)
        self.folders.setFixedHeight(FOLDERS_HEIGHTS[event.size().height() < LOW])
        super().resizeEvent(event)

    @property
    def draft(self) -> Draft | None:
        """What is shown and not applied yet; None until hal0.yaml was read."""
        return self.exchange.draft

    def load_config(self) -> None:
        """Read hal0.yaml again; what was edited here stays. Returns at once."""
        self.exchange.load()

    @property
    def unsaved(self) -> int:
        """How many changes would be lost."""
        pending = sum(entries.pending for entries in (self.slots, self.models))
        return (self.draft.count() if self.draft else 0) + pending

    @Slot()
    def apply_all(self) -> None:
        """Apply what was changed, also a name that was typed and not added yet. Returns at once."""
        if self._take_new():
            self.exchange.apply()

    async def applied(self) -> bool:
        """Do the same as `apply_all`; return whether nothing is left unsaved."""
        return self._take_new() and await self.exchange.applied()

    @Slot()
    def discard_all(self) -> None:
        for entries in (self.slots, self.models):
            entries.drop_new()
        self.exchange.discard()

    def _take_new(self) -> bool:
        for number, entries in ((SLOT_PAGE, self.slots), (MODEL_PAGE, self.models)):
            if entries.pending and not entries.take_new():
                self.navigation.setCurrentRow(number)
                entries.new.setFocus()
                return False
        return True

    def show_document(self, document: ConfigDocument) -> None:
        """Show `document` as hal0.yaml: for a window that no router runs behind."""
        self.exchange.take(document)
        self._show()

    @Slot()
    def _show(self) -> None:
        draft = self.draft
        count = self.unsaved
        enabled = draft is not None and not self.exchange.busy
        for page in self._pages():
            page.setEnabled(enabled)
        self.general.enable_settings(enabled)
        self.apply.setEnabled(enabled and count > 0)
        self.discard.setEnabled(enabled and count > 0)
        set_text(self.status, self._status(count))
        self.general.show_document(draft.document if draft else None)
        if draft is None:
            return
        problems = draft.problems()
        for page in (self.general, *self._pages()):
            page.show_form(draft.form, problems)
        self.server.boxes[HOST].show_hint(HOST_HINTS[draft.reach]())
        if not draft.dirty:
            self.server.boxes[API_KEYS].editor.settle()
        self._offer_models()
        marked = {_PAGE_OF.get(key[0], ADVANCED) for key in problems if key}
        for row, name in enumerate(_page_names()):
            self.navigation.item(row).setText(words.marked(name, row in marked))

    def _pages(self) -> tuple[Page | EntriesPage, ...]:
        """Return those that can only be used once hal0.yaml was read."""
        return self.server, self.slots, self.models, self.folders, self.advanced

    def _status(self, count: int) -> str:
        if self.draft is None:
            return words.READING if self.banner.isHidden() else ""
        if self.exchange.busy:
            return words.APPLYING
        return words.unsaved(count) if count else words.NO_CHANGES

    def _show_running(self) -> None:
        self._offer_models()
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        self.command.show_snapshot(self._snapshot)

    def _offer_models(self) -> None:
        if self.draft is not None and self.slots.page is not None and self.slots.chosen:
            offer_models(self.slots.page, self.slots.chosen, self.draft.form, self._snapshot)
        if self.draft is not None:
            self.models.pick.offer(unnamed_models(self.draft.form, self._snapshot))

    @Slot(str)
    def _tell(self, message: str) -> None:
        set_text(self.banner, message)
        self.banner.setVisible(bool(message))
        set_flag(self.banner, "failed", "true")

    @Slot()
    def _go_to_problem(self) -> None:
        problems = self.draft.problems() if self.draft is not None else {}
        key = next((key for key in problems if key), None)
        if key is None:
            return
        number = _PAGE_OF.get(key[0], ADVANCED)
        self.navigation.setCurrentRow(number)
        if number in (SLOT_PAGE, MODEL_PAGE) and len(key) > 1:
            entries = self.slots if number == SLOT_PAGE else self.models
            entries.choose(key[1])
            self._show()
            page: Page | None = entries.page
        else:
            single = {GENERAL: self.general, SERVER: self.server, MODEL_PAGE: self.folders}
            page = single.get(number, self.advanced)
        if page is not None:
            page.reveal(key)

    def _connect(self) -> None:
        exchange = self.exchange
        for page in (self.general, *self._pages()):
            page.edited.connect(exchange.put)
        for section, entries in ((SLOTS, self.slots), (MODELS, self.models)):
            entries.added.connect(lambda name, section=section: exchange.add(section, name))
            entries.removed.connect(lambda name, section=section: exchange.remove(section, name))
            entries.typed.connect(self._show)
        exchange.changed.connect(self._show)
        exchange.reported.connect(self._tell)
        exchange.refused.connect(self._go_to_problem)
        self.slots.list.currentItemChanged.connect(self._offer_models)
        self.navigation.currentRowChanged.connect(self.pages.setCurrentIndex)
        self.discard.clicked.connect(self.discard_all)
        self.apply.clicked.connect(self.apply_all)
        save = QShortcut(QKeySequence(QKeySequence.StandardKey.Save), self)
        save.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        save.activated.connect(self.apply_all)
        self.navigation.setCurrentRow(GENERAL)

    def _lay_out(self) -> None:
        models = QWidget()
        inside = QVBoxLayout(models)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.models, 1)
        inside.addWidget(self.folders)
        for page in (self.general, self.server, self.slots, models, self.advanced):
            self.pages.addWidget(page)
        self.navigation.addItems(_page_names())
        self.navigation.setSpacing(2)
        middle = QHBoxLayout()
        middle.setSpacing(14)
        middle.addWidget(self.navigation)
        middle.addWidget(self.pages, 1)
        bottom = QHBoxLayout()
        bottom.setSpacing(8)
        bottom.addWidget(self.status, 1)
        bottom.addWidget(self.discard)
        bottom.addWidget(self.apply)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(10)
        whole.addLayout(middle, 1)
        whole.addWidget(self.banner)
        whole.addLayout(bottom)
        self.banner.hide()


def _page_names() -> list[str]:
    return [words.GENERAL, words.SERVER, words.SLOTS, words.MODELS, words.ADVANCED]
