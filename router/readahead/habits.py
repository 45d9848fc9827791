"""What each slot was asked for, kept in a file of hal0's own: names of models and times, nothing else."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from router.base.files import write_atomic
from router.readahead.predict import KEPT, Asked

log = logging.getLogger(__name__)


class HabitsFile:
    """Slot name -> what it was asked for, oldest first; private to the user. Blocking: call in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> dict[str, tuple[Asked, ...]]:
        """Return what was saved; nothing where the file is absent or damaged."""
        try:
            saved = json.loads(self._path.read_bytes())["slots"].items()
            return {slot: tuple(_read(entry) for entry in entries)[-KEPT:] for slot, entries in saved}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("%s could not be read (%s); habits are learnt anew", self._path, error)
            return {}

    def save(self, habits: Mapping[str, Sequence[Asked]]) -> None:
        slots = {slot: [[one.model, one.at, one.hour] for one in asked] for slot, asked in habits.items()}
        try:
            write_atomic(self._path, json.dumps({"slots": slots}).encode())
        except OSError as error:
            log.warning("the habits could not be saved: %s", error)

    def forget(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("the habits could not be removed: %s", error)


def _read(entry: Any) -> Asked:
    match entry:
        case [str(model), float() | int() as at, int(hour)] if 0 <= hour < 24:
            return Asked(model, float(at), hour)
    raise ValueError(f"not a load: {str(entry)[:80]}")
