"""How the selected model would fit, where it does not: asked of the router, and applied by one click."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QWidget

from app.link.link import Link
from app.texts import common as text
from app.texts import fit as words
from app.views.fit_ways import commands_for, needs_a_way, once_commands_for, way_sentence
from app.views.menu import Command
from app.window.widgets import set_text, wrapping_label
from router.base.errors import RouterError
from router.base.tasks import spawn
from router.orders.kinds import ReadFitWays
from router.state import ModelStatus, Snapshot
from router.wire.fit_ways import FitWay, FitWays

log = logging.getLogger(__name__)


class FitWaysLine(QWidget):
    """Hidden for a model that fits, and where nothing is known.

    Signals:
        chosen: (Command) load the model in one of these ways.
    """

    chosen = Signal(object)

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link
        self._snapshot = Snapshot()
        self._asked: tuple[str, int | None] | None = None
        self._task: asyncio.Task[None] | None = None
        self.message = wrapping_label("muted")
        self.once_menu = QMenu(self)
        self.once = QPushButton(words.LOAD_ONCE)
        self.once.setToolTip(words.LOAD_ONCE_TIP)
        self.once.setMenu(self.once_menu)
        self.menu = QMenu(self)
        self.load = QPushButton(words.LOAD_SO)
        self.load.setToolTip(words.LOAD_SO_TIP)
        self.load.setMenu(self.menu)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.message, 1)
        whole.addWidget(self.once)
        whole.addWidget(self.load)
        self.hide()

    def show_model(self, model: ModelStatus | None, snapshot: Snapshot) -> None:
        """Ask about this model, unless that was the last question."""
        self._snapshot = snapshot
        wanted = (model.id, model.needs) if model is not None and needs_a_way(model, snapshot) else None
        if wanted == self._asked:
            return
        self._asked = wanted
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self.hide()
        if model is not None and wanted is not None:
            self._begin(model)

    def _begin(self, model: ModelStatus) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return  # the window drawn for a picture
        self._task = spawn(self._ask(model), name=f"how {model.id} would fit")

    async def _ask(self, model: ModelStatus) -> None:
        try:
            found = await self._link.carry_out(ReadFitWays(model.id))
        except RouterError as error:  # another hal0 that is older does not know the question
            log.debug("how %s would fit is not known: %s", model.id, error.message)
            return
        self._show(model, found)

    def _show(self, model: ModelStatus, found: FitWays) -> None:
        set_text(self.message, words.NO_WAY_LINE if not found.ways else words.WAYS_LINE)
        self.menu.clear()
        self.once_menu.clear()
        for way in found.ways:
            self._offer(self.menu, way, commands_for(way, model, self._snapshot))
            self._offer(self.once_menu, way, once_commands_for(way, model, self._snapshot))
        self.load.setVisible(not self.menu.isEmpty())
        self.once.setVisible(not self.once_menu.isEmpty())
        self.setVisible(not found.fits)

    def _offer(self, menu: QMenu, way: FitWay, commands: Sequence[Command]) -> None:
        for command in commands:
            action = menu.addAction(text.qt_label(words.into(way_sentence(way), command.slot)))
            action.triggered.connect(lambda _on=False, command=command: self.chosen.emit(command))
