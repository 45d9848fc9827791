"""hal0.yaml's way into the settings and back: reading it, collecting edits, asking the router to apply them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.link.link import Link
from app.texts import models as words
from app.views.settings import HOST, SLOTS, Key, names
from app.views.settings_document import NotReadable
from app.views.settings_draft import Draft
from router.base.errors import RouterError
from router.base.tasks import spawn
from router.config.change import ConfigDocument
from router.config.places import reach, resolves
from router.config.problems import ConfigErrors
from router.orders.kinds import EditConfig, ReadConfig

log = logging.getLogger(__name__)


class ConfigExchange(QObject):
    """Attributes:
    draft: what is edited and not applied yet; None until hal0.yaml was read.
    busy: the router was asked for a change and has not answered yet.
    trouble: what to say while nothing else is wrong: why the file that lies there is not in effect.

    Signals:
        changed: the draft holds something else, or `busy` does.
        reported: (sentence, or "") what stands in the way.
        refused: the last try failed; the draft's problems say where.
    """

    changed = Signal()
    reported = Signal(str)
    refused = Signal()

    def __init__(self, link: Link, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.draft: Draft | None = None
        self.busy = False
        self.trouble = ""
        self._link = link

    # -- what a person edits ---------------------------------------------------------------------------------

    def put(self, key: Key, value: Any) -> None:
        if self.draft is not None:
            self.draft.put(key, value)
            self.changed.emit()
            if key == HOST:
                self._look_up(value)

    def add(self, section: str, name: str) -> None:
        if self.draft is not None:
            self.draft.add(section, name)
            self.changed.emit()

    def remove(self, section: str, name: str) -> None:
        if self.draft is None:
            return
        if section == SLOTS and len(names(self.draft.form, SLOTS)) == 1:
            self.reported.emit(words.LAST_SLOT)
            return
        self.draft.remove(section, name)
        self.changed.emit()

    def discard(self) -> None:
        if self.draft is not None:
            self.draft.discard()
            self.reported.emit("")
            self.changed.emit()

    # -- to and from the file --------------------------------------------------------------------------------

    def load(self) -> None:
        """Read hal0.yaml again; what was edited here stays. Returns at once."""
        self._spawn(self._load, "read hal0.yaml")

    def apply(self) -> None:
        """Ask the router for what was edited; returns at once."""
        if self._may_apply():
            self._spawn(self._apply, "change hal0.yaml")

    async def applied(self) -> bool:
        """Do the same as `apply`; return whether everything that was edited is in effect now."""
        if self._may_apply():
            await self._apply()
        return self.draft is None or not self.draft.dirty

    def _may_apply(self) -> bool:
        """Return whether a change begins; if what was edited cannot be right, that is told."""
        if self.draft is None or self.busy or not self.draft.dirty:
            return False
        self.draft.refused = {}
        if self.draft.problems():
            self.reported.emit(words.FIX_FIRST)
            self.changed.emit()
            self.refused.emit()
            return False
        self.busy = True
        self.changed.emit()
        return True

    def take(self, document: ConfigDocument) -> None:
        """Take `document` as hal0.yaml from now on. Raises NotReadable."""
        if self.draft is None:
            self.draft = Draft(document)
        else:
            self.draft.update(document)
        if not self.draft.refused:
            self.reported.emit(self.trouble)
        self._look_up(self.draft.form[HOST])

    def _look_up(self, host: str) -> None:
        """Find out whether a name typed as the address has one."""
        is_name = reach(host, lambda _name: True) is not reach(host, lambda _name: False)
        if is_name and self.draft is not None and host not in self.draft.host_names:
            self._spawn(lambda: self._resolve(host), f"look up {host}")

    async def _resolve(self, host: str) -> None:
        found = await asyncio.to_thread(resolves, host)
        if self.draft is not None:
            self.draft.host_names[host] = found
            self.changed.emit()

    async def _load(self) -> None:
        if not self.busy:
            await self._guarded(self._read)
            self.changed.emit()

    async def _read(self) -> None:
        self.take(await self._link.carry_out(ReadConfig()))

    async def _apply(self) -> None:
        try:
            if await self._guarded(self._edit):
                self.reported.emit("")
        finally:
            self.busy = False
            self.changed.emit()
        if self.draft is not None and self.draft.refused:
            self.refused.emit()

    async def _edit(self) -> None:
        assert self.draft is not None
        asked = self.draft.changes()
        if asked:
            await self._link.carry_out(EditConfig(tuple(asked)))
        # Anew, not on top: what was typed as "on" stands in the file as "true" now.
        names = self.draft.host_names
        self.draft = Draft(await self._link.carry_out(ReadConfig()))
        self.draft.host_names = names

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Return whether `work` was done; if not, the reason is told and nothing that was typed is lost."""
        try:
            await work()
        except ConfigErrors as error:
            if self.draft is not None and self.busy:
                self.draft.refuse(error.problems)
                self.reported.emit(self.draft.refused.get((), ""))
            else:
                self.reported.emit(error.message)
        except RouterError as error:
            self.reported.emit(error.message)
        except NotReadable as error:
            self.reported.emit(words.not_readable(error))
        except Exception:
            log.exception("hal0.yaml was not read or changed")
            self.reported.emit(words.UNEXPECTED)
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
