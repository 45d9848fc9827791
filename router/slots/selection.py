"""Which model each slot was last given, kept across restarts beside the person's hal0.yaml, never in it.

The configured model is kept too: once the person changes it in hal0.yaml, that is the newer wish.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from router.base.files import write_atomic
from router.base.tasks import spawn
from router.config.schema import SlotConfig
from router.state import Snapshot

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Selected:
    """`model` was in the slot while hal0.yaml said `configured`."""

    model: str
    configured: str | None


class SelectionFile:
    """Slot name -> Selected, written atomically. Blocking: call in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> dict[str, Selected]:
        """Return what was saved; an absent or damaged file is an empty selection."""
        try:
            saved = json.loads(self._path.read_bytes())["slots"].items()
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("%s could not be read (%s); slots start as configured", self._path, error)
            return {}
        selected = {}
        for slot, entry in saved:
            match entry:
                case {"model": str(model), "configured": str(configured)}:
                    selected[slot] = Selected(model, configured)
                case {"model": str(model), **others} if others.get("configured") is None:
                    selected[slot] = Selected(model, None)
                case _:
                    log.warning("%s is damaged at %s; such slots start as configured", self._path, slot)
        return selected

    def save(self, selection: Mapping[str, Selected]) -> None:
        slots = {slot: asdict(selected) for slot, selected in selection.items()}
        try:
            write_atomic(self._path, json.dumps({"slots": slots}, indent=1).encode())
        except OSError as error:
            log.warning("the selection could not be saved: %s", error)


class Selection:
    """Keeps the file in step with the slots. Belongs to the loop."""

    def __init__(
        self,
        file: SelectionFile,
        selected: Mapping[str, Selected],
        slots: Callable[[], Mapping[str, SlotConfig]],
    ) -> None:
        """Keep it in `file`, which held `selected`. `slots`: of the configuration in effect."""
        self._file = file
        self._selected = selected
        self._slots = slots
        self._saving: asyncio.Task[None] | None = None

    def of(self, slot: str) -> Selected | None:
        """Return what the slot held last."""
        return self._selected.get(slot)

    def remember(self, snapshot: Snapshot) -> None:
        """Note the models of ready slots: each holds what it is to hold after the next start, too."""
        configured = self._slots()
        selected = dict(self._selected)
        for slot in snapshot.slots:
            if slot.model and not slot.state.switching and slot.name in configured:
                selected[slot.name] = Selected(slot.model, configured[slot.name].model)
        if selected != self._selected:
            self._selected = selected
            if self._saving is None or self._saving.done():
                self._saving = spawn(self._save(), name="save selection")

    async def saved(self) -> None:
        """Wait until all that was remembered is on the disk."""
        if self._saving is not None:
            await self._saving

    async def _save(self) -> None:
        """Save one after the other, so that the newest is what stays."""
        saved = None
        while saved is not self._selected:
            saved = self._selected
            await asyncio.to_thread(self._file.save, saved)
