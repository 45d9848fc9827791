"""Carries out what a person chose in the tray or the window."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication

from app.link.link import Link
from app.texts import common as text
from app.texts import models as texts_models
from app.views.menu import Action, Command, order_of
from app.views.remedy import remedy_changes
from app.views.settings_document import NotReadable
from router.base.errors import RouterError, SwitchCancelled
from router.base.tasks import spawn
from router.orders.kinds import EditConfig, ReadConfig

log = logging.getLogger(__name__)

REST_SECONDS = 0.25
"""How long the pointer stays on a model before its files are read: who only passes means none of them."""


class Actions(QObject):
    """Commands go to the router as tasks on the UI's loop; the outcome is the next snapshot, or `failed`.

    Signals:
        open_requested: show the window.
        quit_requested: quit, after asking if need be.
        logs_requested: (slot, or "" for hal0's own) show that log.
        settings_requested: show the settings.
        models_requested: show which models there are to fetch.
        connect_requested: (client) copy what this client needs, or show how to connect it.
        appearance_chosen: (Appearance) look like this from now on.
        update_requested: (name) install the newer llama-server.
        start_here_requested: run a router of our own in the place of one that is gone.
        failed: (slot or "", one sentence) a command could not be carried out.
        switched: (slot, model, seconds) a switch a person started has ended well.
    """

    open_requested = Signal()
    quit_requested = Signal()
    logs_requested = Signal(str)
    settings_requested = Signal()
    models_requested = Signal()
    connect_requested = Signal(str)
    start_here_requested = Signal()
    update_requested = Signal(str)
    appearance_chosen = Signal(str)
    failed = Signal(str, str)
    switched = Signal(str, str, float)

    def __init__(self, link: Link, log_folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._log_folder = log_folder
        self._pointing: asyncio.Task[None] | None = None

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
            case Action.TRY:
                self._open_page(command.slot)
            case Action.COPY_MODEL:
                self._copy(command.model)
            case Action.COPY_TEXT:
                self._copy(command.value)
            case Action.LOGS | Action.SHOW_LOG:
                self.logs_requested.emit(command.slot)
            case Action.CONNECT:
                self.connect_requested.emit(command.value)
            case Action.GET_MODELS:
                self.models_requested.emit()
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
            case Action.APPEARANCE:
                self.appearance_chosen.emit(command.value)
            case Action.WARM:
                if self._pointing is not None:
                    self._pointing.cancel()
                self._pointing = spawn(self._warm(command), name=f"warm {command.model}")
            case _:
                spawn(self._run(command), name=f"{command.action} {command.slot}")

    async def _warm(self, command: Command) -> None:
        """Give a hint that nobody needs to hear: another hal0 may be older, and the router about to end."""
        await asyncio.sleep(REST_SECONDS)
        try:
            await self._link.carry_out(order_of(command))
        except RouterError as error:
            log.debug("warm %s: %s", command.model, error.message)

    def _copy(self, value: str) -> None:
        QGuiApplication.clipboard().setText(value)

    def _open_page(self, slot: str) -> None:
        url = text.page(self._link.snapshot.server, slot)
        if not QDesktopServices.openUrl(QUrl(url)):
            self.failed.emit("", text.no_browser(url))

    def _open_log_folder(self) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._log_folder))):
            self.failed.emit("", text.no_file_manager(self._log_folder))

    def _show_file(self, file: Path) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(file.parent))):
            self.failed.emit("", texts_models.no_file_manager(file.parent))

    async def _run(self, command: Command) -> None:
        began = time.monotonic()
        try:
            await self._give_model_its_flags(command)
            await self._link.carry_out(order_of(command))
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

    async def _give_model_its_flags(self, command: Command) -> None:
        """Apply a remedy that a person chose: it is written down before the model is loaded with it."""
        model = self._link.snapshot.model(command.model)
        if command.flags and not command.once and model is not None:
            document = await self._link.carry_out(ReadConfig())
            changes = remedy_changes(document, model, command.flags)
            await self._link.carry_out(EditConfig(tuple(changes)))
