"""The Settings tab: edits are collected, shown as unsaved, and applied together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app import autostart
from app import texts_models as words
from app.link import Link
from app.settings_draft import Draft
from app.settings_view import MODELS, SLOTS, Key, names
from app.settings_written import NotReadable
from app.window.parts import label, set_flag, set_text, wrapping_label
from app.window.settings_command import CommandView
from app.window.settings_entries import EntriesPage
from app.window.settings_general import GeneralPage, Login
from app.window.settings_page import Page
from app.window.settings_pages import (
    advanced_page,
    folders_page,
    model_page,
    offer_models,
    runs_command,
    server_page,
    slot_page,
)
from router.config.load import ConfigErrors
from router.errors import RouterError
from router.state import Snapshot
from router.tasks import spawn

log = logging.getLogger(__name__)
GENERAL, SERVER, SLOT_PAGE, MODEL_PAGE, ADVANCED = range(5)
_PAGE_OF = {"server": SERVER, SLOTS: SLOT_PAGE, MODELS: MODEL_PAGE, "model_dirs": MODEL_PAGE}
NARROW = 620
NAVIGATION_WIDTHS = (120, 84)  # and in a narrow window
FOLDERS_HEIGHT = 130


class SettingsTab(QWidget):
    """Attributes:
    draft: what is shown and not applied yet; None until hal0.yaml was read.
    """

    def __init__(self, link: Link, parent: QWidget | None = None, *, login: Login = autostart) -> None:
        super().__init__(parent)
        self.draft: Draft | None = None
        self._link = link
        self._snapshot = Snapshot()
        self._busy = False
        self.general = GeneralPage(login)
        self.server = server_page()
        self.slots = EntriesPage(SLOTS, words.SLOT_LIST, words.NEW_SLOT, slot_page, runs_command)
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
        if snapshot.server != old.server:
            self.load_config()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        super().showEvent(event)
        self.general.refresh_login()
        self._show_running()
        self.load_config()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        narrow = event.size().width() < NARROW
        self.navigation.setFixedWidth(NAVIGATION_WIDTHS[narrow])
        for entries in (self.slots, self.models):
            entries.be_narrow(narrow)
        super().resizeEvent(event)

    def load_config(self) -> None:
        """Read hal0.yaml again; what was edited here stays. Returns at once."""
        self._spawn(self._load, "read hal0.yaml")

    def discard_changes(self) -> None:
        if self.draft is not None:
            self.draft.discard()
            self._tell("")
            self._show()

    def apply_changes(self) -> None:
        """Ask the router for what was edited; returns at once."""
        if self.draft is None or self._busy or not self.draft.dirty:
            return
        self.draft.refused = {}
        if self.draft.problems():
            self._tell(words.FIX_FIRST)
            self._show()
            self._go_to_problem(self.draft.problems())
            return
        self._busy = True
        self._show()
        self._spawn(self._apply, "change hal0.yaml")

    async def _load(self) -> None:
        if self._busy:
            return
        await self._guarded(self._read)
        self._show()

    async def _read(self) -> None:
        document = await self._link.read_config()
        if self.draft is None:
            self.draft = Draft(document)
        else:
            self.draft.update(document)
        if not self.draft.refused:
            self._tell(self._snapshot.server.config_error or "")

    async def _apply(self) -> None:
        try:
            if await self._guarded(self._edit):
                self._tell("")
        finally:
            self._busy = False
            self._show()
        if self.draft is not None and self.draft.refused:
            self._go_to_problem(self.draft.refused)

    async def _edit(self) -> None:
        assert self.draft is not None
        asked = self.draft.changes()
        if asked:
            await self._link.edit_config(asked)
        # Anew, not on top: what was typed as "on" stands in the file as "true" now.
        self.draft = Draft(await self._link.read_config())

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Whether `work` was done; if not, the reason is on the screen and nothing that was typed is lost."""
        try:
            await work()
        except ConfigErrors as error:
            if self.draft is not None and self._busy:
                self.draft.refuse(error.problems)
                self._tell(self.draft.refused.get((), ""))
            else:
                self._tell(error.message)
        except RouterError as error:
            self._tell(error.message)
        except NotReadable as error:
            self._tell(words.not_readable(error))
        except Exception:
            log.exception("hal0.yaml was not read or changed")
            self._tell(words.UNEXPECTED)
        else:
            return True
        return False

    def _spawn(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            log.debug("%s: no loop runs", name)  # the window drawn for a picture
            return
        spawn(work(), name=name)

    def _on_edited(self, key: Key, value: Any) -> None:
        if self.draft is not None:
            self.draft.put(key, value)
            self._show()

    def _on_added(self, section: str, name: str) -> None:
        if self.draft is not None:
            self.draft.add(section, name)
            self._show()

    def _on_removed(self, section: str, name: str) -> None:
        if self.draft is None:
            return
        if section == SLOTS and len(names(self.draft.form, SLOTS)) == 1:
            self._tell(words.LAST_SLOT)
            return
        self.draft.remove(section, name)
        self._show()

    def _show(self) -> None:
        draft = self.draft
        count = draft.count() if draft else 0
        enabled = draft is not None and not self._busy
        for page in (self.server, self.slots, self.models, self.folders, self.advanced):
            page.setEnabled(enabled)
        self.apply.setEnabled(enabled and count > 0)
        self.discard.setEnabled(enabled and count > 0)
        set_text(self.status, self._status(count))
        self.general.show_document(draft.document if draft else None)
        if draft is None:
            return
        problems = draft.problems()
        for page in (self.server, self.slots, self.models, self.folders, self.advanced):
            page.show_form(draft.form, problems)
        self._offer_models()
        marked = {_PAGE_OF.get(key[0], ADVANCED) for key in problems if key}
        for row, name in enumerate(_page_names()):
            self.navigation.item(row).setText(words.marked(name, row in marked))

    def _status(self, count: int) -> str:
        if self.draft is None:
            return words.READING if self.banner.isHidden() else ""
        if self._busy:
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

    def _tell(self, told: str) -> None:
        set_text(self.banner, told)
        self.banner.setVisible(bool(told))
        set_flag(self.banner, "failed", "true")

    def _go_to_problem(self, problems: Mapping[Key, str]) -> None:
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
            page = {SERVER: self.server, MODEL_PAGE: self.folders}.get(number, self.advanced)
        if page is not None:
            page.reveal(key)

    def _connect(self) -> None:
        for page in (self.server, self.slots, self.models, self.folders, self.advanced):
            page.edited.connect(self._on_edited)
        for section, entries in ((SLOTS, self.slots), (MODELS, self.models)):
            entries.added.connect(lambda name, section=section: self._on_added(section, name))
            entries.removed.connect(lambda name, section=section: self._on_removed(section, name))
        self.slots.list.currentItemChanged.connect(self._offer_models)
        self.navigation.currentRowChanged.connect(self.pages.setCurrentIndex)
        self.discard.clicked.connect(self.discard_changes)
        self.apply.clicked.connect(self.apply_changes)
        save = QShortcut(QKeySequence(QKeySequence.StandardKey.Save), self)
        save.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        save.activated.connect(self.apply_changes)
        self.navigation.setCurrentRow(GENERAL)

    def _lay_out(self) -> None:
        models = QWidget()
        inside = QVBoxLayout(models)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.models, 1)
        self.folders.setFixedHeight(FOLDERS_HEIGHT)
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
