"""How fast models were measured to be: of each the last time, and of which launch. Kept on the disk."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from router.base.files import write_atomic
from router.state import Measured

log = logging.getLogger(__name__)

MOST: Final = 1000
"""Models that are remembered; those measured longest ago go first."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """`launch`: digest of how it was launched."""

    launch: str
    measured: Measured


class Speeds:
    """Belongs to the loop, but for `load`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, _Entry] = {}
        self._saving = asyncio.Lock()

    def load(self) -> None:
        """Read what was kept; an absent or damaged file is none. Blocking: call in a thread, before anything
        else."""
        try:
            saved = json.loads(self._path.read_bytes())
            self._entries = {model: _entry(told) for model, told in saved["models"].items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("%s could not be read (%s); it is measured anew", self._path, error)

    def of(self, model: str, launch: str) -> Measured | None:
        """Return what was measured of a model; None where it was launched otherwise then."""
        entry = self._entries.get(model)
        return entry.measured if entry is not None and entry.launch == launch else None

    async def note(self, model: str, launch: str, reads: float, writes: float) -> None:
        """Remember; done when it is on the disk, or could not be put there."""
        self._entries.pop(model, None)
        self._entries[model] = _Entry(launch, Measured(reads, writes, round(time.time(), 1)))
        self._entries = dict(list(self._entries.items())[-MOST:])
        async with self._saving:
            document = {"models": {name: asdict(entry) for name, entry in self._entries.items()}}
            try:
                await asyncio.to_thread(write_atomic, self._path, json.dumps(document, indent=1).encode())
            except OSError as error:
                log.warning("what was measured could not be saved: %s", error)


def _entry(told: Mapping[str, Any]) -> _Entry:
    """Read one entry. Raises KeyError, TypeError, ValueError."""
    reads, writes, at = (float(told["measured"][name]) for name in ("reads", "writes", "at"))
    if not all(math.isfinite(number) and number > 0 for number in (reads, writes, at)):
        raise ValueError("it holds what is no speed")
    return _Entry(str(told["launch"]), Measured(reads, writes, at))
