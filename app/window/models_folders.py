"""Adds folders to the model folders, and says how that went."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app import texts_models as words
from app.link import Link
from app.models_view import folder_changes, folder_of
from app.settings_written import NotReadable
from router.errors import RouterError
from router.tasks import spawn

log = logging.getLogger(__name__)


class FolderAdder(QObject):
    """Signals:
    told: (one sentence, whether it went wrong) what came of it.
    """

    told = Signal(str, bool)

    def __init__(self, link: Link, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._turn = asyncio.Lock()

    def add(self, chosen: Iterable[Path]) -> None:
        """Add these folders, and the folders of these files; returns at once."""
        spawn(self._add_all(tuple(chosen)), name="add model folders")

    async def _add_all(self, chosen: tuple[Path, ...]) -> None:
        # A folder on a network drive may take its time to answer.
        found = await asyncio.to_thread(lambda: [folder_of(path) for path in chosen])
        folders = list(dict.fromkeys(folder for folder in found if folder is not None))
        if not folders:
            self.told.emit(words.NOTHING_DROPPED, True)
        async with self._turn:  # each change is made to the list that the one before it left
            for folder in folders:
                self.told.emit(*await self._add(folder))

    async def _add(self, folder: Path) -> tuple[str, bool]:
        try:
            document = await self._link.read_config()
            asked = await asyncio.to_thread(folder_changes, document, folder)
            if not asked:
                return words.folder_known(folder), False
            await self._link.edit_config(asked)
        except RouterError as error:
            return error.message, True
        except NotReadable as error:
            return words.not_readable(error), True
        except Exception:
            # A bug must not look like a click that did nothing.
            log.exception("the folder %s was not added", folder)
            return words.UNEXPECTED, True
        return words.folder_added(folder), False
