"""Carries out what a person chose in the tray or the window."""

from __future__ import annotations

import logging
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication

from app import text, texts_models
from app.link import Link
from app.menu_model import Action, Command
from app.remedy import remedy_changes
from app.settings_view import LOCAL_ONLY
from app.settings_written import NotReadable
from router.config.change import ConfigChange
from router.errors import RouterError, SwitchCancelled
from router.state import DownloadOrder
from router.tasks import spawn

log = logging.getLogger(__name__)


class Actions(QObject):
    """Commands go to the router as tasks on the UI's loop; the outcome is the next snapshot, or `failed`.

    Signals:
        open_requested: show the window.
        quit_requested: quit, after asking if need be.
        logs_requested: (slot, or "" for hal0's own) show that log.
        settings_requested: show the settings.
        update_requested: (name) install the newer llama-server.
        start_here_requested: run a router of our own in the place of one that is gone.
        failed: (slot or "", one sentence) a command could not be carried out.
        switched: (slot, model, seconds) a switch a person started has ended well.
    """

    open_requested = Signal()
    quit_requested = Signal()
    logs_requested = Signal(str)
    settings_requested = Signal()
    start_here_requested = Signal()
    update_requested = Signal(str)
    failed = Signal(str, str)
    switched = Signal(str, str, float)

    def __init__(self, link: Link, log_folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._log_folder = log_folder

    @Slot(object)
    def trigger(self, command: Command) -> None:
        """Carry out `command`; returns at once."""
        match command.action:
            case Action.OPEN:
                self.open_requested.emit()
            case Action.QUIT:
                self.quit_requested.emit()
            case Action.COPY_URL:
                self._copy(text.endpoint(self._link.snapshot.server))
            case Action.COPY_MODEL:
                self._copy(command.model)
            case Action.COPY_TEXT:
                self._copy(command.value)
            case Action.LOGS | Action.SHOW_LOG:
                self.logs_requested.emit(command.slot)
            case Action.LOG_FOLDER:
                self._open_log_folder()
            case Action.SHOW_FILE:
                self._show_file(Path(command.value))
            case Action.START_HERE:
                self.start_here_requested.emit()
            case Action.UPDATE:
                self.update_requested.emit(command.value)
            case Action.SETTINGS:
                self.settings_requested.emit()
            case _:
                spawn(self._run(command), name=f"{command.action} {command.slot}")

    def _copy(self, value: str) -> None:
        QGuiApplication.clipboard().setText(value)

    def _open_log_folder(self) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._log_folder))):
            self.failed.emit("", text.no_file_manager(self._log_folder))

    def _show_file(self, file: Path) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(file.parent))):
            self.failed.emit("", texts_models.no_file_manager(file.parent))

    async def _run(self, command: Command) -> None:
        began = time.monotonic()
        try:
            await self._send(command)
        except SwitchCancelled:
            log.info("switch of %s cancelled", command.slot)
        except RouterError as error:
            log.warning("%s %s: %s", command.action, command.slot, error.message)
            self.failed.emit(command.slot, error.message)
        except NotReadable as error:
            self.failed.emit(command.slot, texts_models.not_readable(error))
        except Exception:
            # A bug must not look like a click that did nothing.
            log.exception("%s %s failed", command.action, command.slot)
            self.failed.emit(command.slot, text.unexpected(command.action))
        else:
            if command.action is Action.LOAD:
                self.switched.emit(command.slot, command.model, time.monotonic() - began)

    def _send(self, command: Command) -> Coroutine[Any, Any, None]:
        slot, link = command.slot, self._link
        match command.action:
            case Action.LOAD:
                return self._load(command)
            case Action.CANCEL:
                return link.cancel(slot)
            case Action.CUT:
                return link.cut(slot)
            case Action.WAIT:
                return link.wait(slot)
            case Action.UNLOAD:
                return link.unload(slot)
            case Action.UNLOAD_ALL:
                return link.unload_all()
            case Action.RESTART:
                return link.restart(slot)
            case Action.DOWNLOAD:
                return link.download(DownloadOrder(command.value), command.model)
            case Action.LOCAL_ONLY:
                return link.edit_config([ConfigChange(LOCAL_ONLY, bool(command.value))])
        raise AssertionError(f"not a command for the router: {command.action}")

    async def _load(self, command: Command) -> None:
        model = self._link.snapshot.model(command.model)
        if command.flags and model is not None:
            document = await self._link.read_config()
            await self._link.edit_config(remedy_changes(document, model, command.flags))
        await self._link.load(command.slot, command.model, force=command.force)
