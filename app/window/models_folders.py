"""Adds folders and files to the models, and says how that went."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from app.link.link import Link
from app.texts import common as text
from app.texts import models as words
from app.views.models import file_changes, folder_changes, folder_of, sort_dropped
from app.views.settings_document import NotReadable
from router.base.errors import RouterError
from router.base.tasks import spawn
from router.config.change import ConfigChange, ConfigDocument
from router.orders.kinds import EditConfig, ReadConfig

log = logging.getLogger(__name__)
Ask = Callable[[ConfigDocument, Path], list[ConfigChange]]


class FolderAdder(QObject):
    """Attributes:
    question: asks whether a file or its folder is meant; None while nobody is asked.

    Signals:
        reported: (one sentence, whether it went wrong) what came of it.
    """

    reported = Signal(str, bool)

    def __init__(self, link: Link, parent: QWidget) -> None:
        super().__init__(parent)
        self._link, self._window = link, parent
        self._turn = asyncio.Lock()
        self.question: QMessageBox | None = None

    def add(self, chosen: Iterable[Path]) -> None:
        """Add these folders, and the folders of these files; returns at once."""
        spawn(self._add_folders(tuple(chosen)), name="add model folders")

    def drop(self, paths: Sequence[Path]) -> None:
        """Add what was dropped, after asking whether a file or its folder is meant; returns at once."""
        spawn(self._sort(tuple(paths)), name="add what was dropped")

    async def _sort(self, paths: tuple[Path, ...]) -> None:
        # A folder on a network drive may take its time to answer.
        found = await asyncio.to_thread(sort_dropped, paths)
        if found.folders:
            await self._add_folders(found.folders)
        if found.others:
            message = (
                words.not_taken([path.name for path in found.others]) if found.folders or found.files else ""
            )
            self.reported.emit(message or words.NOTHING_DROPPED, True)
        if new := await self._unknown(found.files):
            self._ask(new)

    async def _unknown(self, files: tuple[Path, ...]) -> tuple[Path, ...]:
        """Return those that are no models yet; the others are told to be."""
        if not files:
            return ()
        try:
            document = await self._link.carry_out(ReadConfig())
            new = await asyncio.to_thread(lambda: tuple(file for file in files if file_changes(document, file)))
        except RouterError as error:
            self.reported.emit(error.message, True)
            return ()
        except NotReadable as error:
            self.reported.emit(words.not_readable(error), True)
            return ()
        for file in files:
            if file not in new:
                self.reported.emit(words.file_known(file), False)
        return new

    def _ask(self, files: tuple[Path, ...]) -> None:
        if self.question is not None:
            self.question.reject()
        names = [file.name for file in files]
        icon = QMessageBox.Icon.Question
        box = QMessageBox(icon, text.APP, words.drop_question(names), parent=self._window)
        box.setInformativeText(words.DROP_HINT)
        roles = QMessageBox.ButtonRole
        one = len(files) == 1
        only = box.addButton(words.ONLY_FILE if one else words.ONLY_FILES, roles.AcceptRole)
        whole = box.addButton(words.WHOLE_FOLDER if one else words.WHOLE_FOLDERS, roles.AcceptRole)
        box.setEscapeButton(box.addButton(words.CANCEL, roles.RejectRole))
        box.setDefaultButton(only)

        def on_finished() -> None:
            self.question = None
            box.deleteLater()
            if box.clickedButton() is only:
                spawn(self._add_files(files), name="add models")
            elif box.clickedButton() is whole:
                self.add(files)

        box.finished.connect(on_finished)
        self.question = box
        box.open()  # never exec(): a nested event loop inside an asyncio task is an error

    async def _add_folders(self, chosen: tuple[Path, ...]) -> None:
        found = await asyncio.to_thread(lambda: [folder_of(path) for path in chosen])
        folders = list(dict.fromkeys(folder for folder in found if folder is not None))
        if not folders:
            self.reported.emit(words.NOTHING_DROPPED, True)
        async with self._turn:  # each change is made to the list that the one before it left
            for folder in folders:
                added, known = words.folder_added(folder), words.folder_known(folder)
                self.reported.emit(*await self._change(folder_changes, folder, added, known))

    async def _add_files(self, files: tuple[Path, ...]) -> None:
        async with self._turn:
            for file in files:
                added, known = words.file_added(file.name), words.file_known(file)
                self.reported.emit(*await self._change(file_changes, file, added, known))

    async def _change(self, ask: Ask, path: Path, added: str, known: str) -> tuple[str, bool]:
        """Make the changes that `ask` finds for `path`; what to say then."""
        try:
            document = await self._link.carry_out(ReadConfig())
            asked = await asyncio.to_thread(ask, document, path)
            if not asked:
                return known, False
            await self._link.carry_out(EditConfig(tuple(asked)))
        except RouterError as error:
            return error.message, True
        except NotReadable as error:
            return words.not_readable(error), True
        except Exception:
            # A bug must not look like a click that did nothing.
            log.exception("%s was not added", path)
            return words.UNEXPECTED, True
        return added, False
