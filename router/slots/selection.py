"""Which model each slot was last given, kept across restarts beside, never in, the person's hal0.yaml.

The configured model is kept too: once the person changes it in hal0.yaml, that is the newer wish.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from router.base.files import write_atomic

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
