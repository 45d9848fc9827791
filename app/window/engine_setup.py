"""Whether there is a llama-server to run models with, and fetching one, without making the window wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from app.link.link import Link
from app.texts import pull as texts_pull
from app.texts import window as text_window
from router.base.errors import EngineMissing, RouterError
from router.base.tasks import spawn
from router.orders.kinds import CheckEngine, InstallEngine
from router.state import SlotStatus, Snapshot

if TYPE_CHECKING:
    from router.engine.install import InstallProgress

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineView:
    """What is said of the engine: nothing while `message` is "". `failed`: that is bad news.

    `missing`: no model can be run. `installable`: a button may offer to fetch one. `share` is 0..1, None where
    it is not known.
    """

    message: str = ""
    missing: bool = False
    installable: bool = False
    installing: bool = False
    share: float | None = None
    failed: bool = False


class EngineSetup(QObject):
    """Attributes:
    view: what is known now.

    Signals:
        changed: `view` is another one.
    """

    changed = Signal()
    _progressed = Signal(object)

    def __init__(self, link: Link, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._looked_for: object = None
        self._task: asyncio.Task[None] | None = None
        self.view = EngineView()
        # Progress comes on the router's thread.
        self._progressed.connect(self._on_progress, Qt.ConnectionType.QueuedConnection)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Look again whenever hal0 has come up, an engine was started, or a slot found none."""
        missed = tuple((slot.name, slot.last_error) for slot in snapshot.slots if _found_none(slot))
        wanted = (snapshot.server.state, missed, any(slot.pid is not None for slot in snapshot.slots))
        if wanted != self._looked_for and self._start(self._look, "look for llama-server"):
            self._looked_for = wanted

    def install(self) -> None:
        """Fetch a llama-server; returns at once. A second call while it is under way does nothing."""
        if self._start(self._install, "install llama-server"):
            self._show(EngineView(text_window.ENGINE_FETCHING, missing=True, installing=True))

    def update(self) -> None:
        """Do the same as `install`, beside one that can be run: what runs is left alone."""
        if self._start(partial(self._install, missing=False), "install a newer llama-server"):
            self._show(EngineView(text_window.ENGINE_FETCHING, installing=True))

    async def _look(self) -> None:
        try:
            problem = await self._link.carry_out(CheckEngine())
        except RouterError as error:  # hal0 starts or stops
            log.info("llama-server was not looked for: %s", error.message)
            return
        if problem is None:
            self._show(EngineView())
            return
        message = text_window.ENGINE_MISSING if problem.installable else problem.sentence
        self._show(EngineView(message, missing=True, installable=problem.installable, failed=True))

    async def _install(self, *, missing: bool = True) -> None:
        try:
            version = await self._link.carry_out(InstallEngine(self._progressed.emit))
        except RouterError as error:
            self._show(EngineView(error.message, missing=missing, installable=True, failed=True))
        except Exception:
            # A bug must not look like a button that did nothing.
            log.exception("llama-server was not installed")
            self._show(EngineView(text_window.ENGINE_BUG, missing=missing, installable=True, failed=True))
        else:
            message = text_window.engine_installed if missing else texts_pull.engine_updated
            self._show(EngineView(message(version)))

    @Slot(object)
    def _on_progress(self, progress: InstallProgress) -> None:
        if not self.view.installing:
            return  # the last step's news, after the end
        done, total = progress.done_bytes, progress.total_bytes
        share = min(1.0, done / total) if done is not None and total else None
        self._show(replace(self.view, message=progress.step, share=share))

    def _show(self, view: EngineView) -> None:
        if view != self.view:
            self.view = view
            self.changed.emit()

    def _start(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> bool:
        """Return whether `work` was begun: one thing at a time, and nothing where no loop runs (a picture)."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return False
        if self._task is not None and not self._task.done():
            if self.view.installing or work == self._look:
                return False
            self._task.cancel()  # a look: what is asked for now goes before it
        self._task = spawn(work(), name=name)
        return True


def _found_none(slot: SlotStatus) -> bool:
    return slot.last_error is not None and slot.last_error.code == EngineMissing.code
