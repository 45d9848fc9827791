"""Whether there is a newer hal0, or a newer llama-server than the one hal0 installed. It only ever tells.

Looked for once a day at most, never in the first minutes nor while a slot has anything to do; offline, nothing
happens. Nothing about this computer is sent but hal0's name and version, as with every download.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from router.base.errors import EngineMissing, InstallFailed
from router.base.files import write_atomic
from router.base.paths import Paths
from router.base.version import __version__
from router.config.schema import Config, Updates
from router.engine.find import find_engine
from router.engine.probe import EngineBuild, EngineSource
from router.hub.installed_by import Facts, installed_by, update_command
from router.state import Snapshot, StateStore, UpdateStatus

log = logging.getLogger(__name__)

HAL0_API: Final[str | None] = None
"""hal0's own repository below GitHub's REST API (https://api.github.com/repos/OWNER/NAME). None: it is not
published yet, so only llama-server is looked for."""

FIRST_SECONDS: Final = 300.0
AGAIN_SECONDS: Final = 600.0
DAY_SECONDS: Final = 86400.0
RETRY_SECONDS: Final = 3600.0
"""After a look that failed."""

_NUMBERS = re.compile(r"v?(\d+(?:\.\d+)*)")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where to look. `hal0` None: not at all; `engine` None: at llama.cpp's own releases."""

    hal0: str | None = HAL0_API
    engine: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last look found: when (Unix seconds), and the newest version of each thing."""

    at: float = 0.0
    newest: Mapping[str, str] = field(default_factory=dict)


class UpdateWatch:
    """Looks once a day while hal0 runs. `found` is told all that is newer, () when nothing is any more."""

    def __init__(
        self,
        store: StateStore,
        config: Callable[[], Config],
        paths: Paths,
        found: Callable[[tuple[UpdateStatus, ...]], None],
        sources: Sources = Sources(),
        how: Callable[[str], str] = lambda _version: "",
    ) -> None:
        """`how`: the command that brings this version of hal0."""
        self._store = store
        self._config = config
        self._paths = paths
        self._found = found
        self._sources = sources
        self._how = how
        self._file = paths.state / "updates.json"
        self._retry_at = 0.0
        self._again = asyncio.Event()

    def again(self) -> None:
        """Tell anew what is known: the settings, or the engine, are others now."""
        self._again.set()

    async def run(self, first: float = FIRST_SECONDS, again: float = AGAIN_SECONDS) -> None:
        """Look for updates until cancelled. What an earlier look found is told at once."""
        loop = asyncio.get_running_loop()
        next_look = loop.time() + first
        await self._tell(await asyncio.to_thread(_load, self._file))
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(next_look):
                    await self._again.wait()
            if self._again.is_set():
                self._again.clear()
                await self._tell(await asyncio.to_thread(_load, self._file))
            else:
                await self.look()
                next_look = loop.time() + again

    async def look(self) -> None:
        """Look now, if it is time and nothing goes on."""
        seen = await asyncio.to_thread(_load, self._file)
        now = time.time()
        wanted = self._config().updates is Updates.NOTIFY
        if wanted and now >= self._retry_at and is_due(seen.at, now) and is_quiet(self._store.snapshot):
            try:
                seen = Seen(now, await self._ask())
                await asyncio.to_thread(write_atomic, self._file, json.dumps(asdict(seen)).encode())
            except (InstallFailed, OSError) as error:
                log.debug("looking for updates failed: %s", error)
                self._retry_at = now + RETRY_SECONDS
        await self._tell(seen)

    async def _ask(self) -> dict[str, str]:
        from router.engine.install.release import GITHUB, newest_release  # 20 ms of every start otherwise

        newest = {}
        for name, api in (("hal0", self._sources.hal0), ("llama-server", self._sources.engine or GITHUB)):
            if api is not None:
                newest[name] = (await newest_release(api)).tag
        return newest

    async def _tell(self, seen: Seen) -> None:
        if self._config().updates is Updates.OFF or not seen.newest:
            self._found(())
            return
        build = await asyncio.to_thread(_engine, self._config(), self._paths)
        found = newer(seen.newest, build)
        self._found(tuple(replace(u, how=self._how(u.newest)) if u.name == "hal0" else u for u in found))


def how_to_update(version: str) -> str:
    """Return the command that brings this version of hal0, in the way that this one was installed."""
    bundled = bool(getattr(sys, "frozen", False))
    program = Path(sys.executable) if bundled else Path(__file__).resolve().parents[2]
    facts = Facts(program, bundled, os.environ, sys.platform, platform.machine())
    return update_command(installed_by(facts, os.path.exists), version, facts.machine)


def is_due(looked: float, now: float) -> bool:
    """Return whether a day has passed; a clock that was set back counts as one, too."""
    return not 0 <= now - looked < DAY_SECONDS


def is_quiet(snapshot: Snapshot) -> bool:
    """Return whether no slot answers, waits or switches."""
    return not any(slot.in_flight or slot.queued or slot.state.switching for slot in snapshot.slots)


def newer(
    newest: Mapping[str, str], engine: EngineBuild | None, hal0: str = __version__
) -> tuple[UpdateStatus, ...]:
    """Return what of `newest` is newer than what runs.

    Of llama-server only what hal0 installs itself: any other one is for whoever put it there to update.
    """
    found: list[UpdateStatus] = []
    tag = newest.get("hal0", "")
    if _numbers(tag) > _numbers(hal0):
        found.append(UpdateStatus("hal0", hal0, tag.removeprefix("v")))
    tag = newest.get("llama-server", "")
    ours = engine is not None and engine.source in (EngineSource.DATA, EngineSource.BUNDLED)
    if engine is not None and ours and engine.build is not None and _build(tag) > engine.build:
        found.append(UpdateStatus("llama-server", engine.version, tag))
    return tuple(found)


def _numbers(text: str) -> list[int]:
    match = _NUMBERS.match(text)
    return [int(part) for part in match[1].split(".")] if match else []


def _build(tag: str) -> int:
    digits = tag.removeprefix("b")
    return int(digits) if digits.isdecimal() else 0


def _engine(config: Config, paths: Paths) -> EngineBuild | None:
    try:
        return find_engine(config.engine, paths)
    except EngineMissing:
        return None


def _load(file: Path) -> Seen:
    try:
        raw: Any = json.loads(file.read_bytes())
        return Seen(float(raw["at"]), {str(name): str(tag) for name, tag in raw["newest"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Seen()
