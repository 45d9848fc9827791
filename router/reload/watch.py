"""hal0.yaml while hal0 runs: shown, edited, and picked up when it or a model folder changes on disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from router.base.errors import PortInUse
from router.config.change import ConfigChange, ConfigDocument
from router.config.problems import ConfigErrors
from router.config.schema import Config
from router.reload.apply import Reconfigurer
from router.reload.disk import Disk
from router.reload.in_effect import InEffect
from router.reload.published import PublishedModels
from router.state import StateStore

log = logging.getLogger(__name__)

WATCH_SECONDS = 2.0
SETTLE_SECONDS = 0.2
"""Seconds that a file must stay unchanged before it is read: it may still be being written."""

SCAN_SECONDS = 10.0
"""Seconds between two scans of the model folders at least, even while a download keeps changing one."""


LOST = (
    "hal0.yaml is gone or empty, so hal0 goes on as before: put it back, or run `hal0 reload` for the defaults."
)


class LiveConfig:
    """The one place where a configuration takes effect after the start; one change at a time."""

    def __init__(
        self,
        disk: Disk,
        store: StateStore,
        in_effect: InEffect,
        published: PublishedModels,
        reconfigurer: Reconfigurer,
    ) -> None:
        self._disk = disk
        self._store = store
        self._in_effect = in_effect
        self._published = published
        self._reconfigurer = reconfigurer
        self._one_at_a_time = asyncio.Lock()
        self._scanned_at = float("-inf")
        self._wanted = in_effect.config
        self._file_error: str | None = None

    async def read_config(self) -> ConfigDocument:
        """Return hal0.yaml as it is in the file, keys hidden, and the configuration in effect. Raises
        ConfigErrors."""
        return await asyncio.to_thread(self._disk.file.document, self._in_effect.config)

    async def edit_config(self, changes: Sequence[ConfigChange]) -> None:
        """Write `changes` into hal0.yaml and apply them.

        Raises ConfigErrors with nothing written if the result would not be valid; PortInUse if all is
        written and in effect except for the endpoint's address.
        """
        async with self._one_at_a_time:
            await asyncio.to_thread(self._disk.file.edit, list(changes), self._disk.known_ids)
            await self._reload()

    async def reload(self) -> None:
        """Read hal0.yaml and the model folders anew. Raises ConfigErrors and PortInUse; what can go on does."""
        async with self._one_at_a_time:
            await self._reload()

    async def models_changed(self) -> None:
        """Offer what came, and no longer what went, now rather than after the next look at the folders."""
        try:
            await self.reload()
        except (ConfigErrors, PortInUse) as error:
            _log_ignored(error)

    async def watch(self) -> None:
        """Look after the file and the folders until cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await self._look()
            except (ConfigErrors, PortInUse) as error:
                _log_ignored(error)
            except Exception:
                # The next look may succeed; the router itself is not affected.
                log.exception("looking for changes failed")

    async def _look(self) -> None:
        async with self._one_at_a_time:
            changed = await self._file_changed()
            lost = changed and await asyncio.to_thread(self._disk.lost)
            self._tell_lost(lost)
            if changed and not lost:
                await self._reload()
            elif asyncio.get_running_loop().time() - self._scanned_at >= SCAN_SECONDS:
                await self._look_at_folders()
            self._published.publish()

    def _tell_lost(self, lost: bool) -> None:
        """Say that the file is gone, until it is there again: nobody who removes it for a moment, saves on a
        full disk or takes its drive away wants other slots, another port and a door without keys."""
        if lost is not (self._file_error == LOST):
            self._file_error = LOST if lost else None
            self._publish_error(self._file_error)
            if lost:
                log.warning("%s", LOST)

    async def _file_changed(self) -> bool:
        """Return whether the file differs from before, and nobody is in the middle of writing it."""
        signature = await asyncio.to_thread(self._disk.file.signature)
        if signature == self._disk.seen:
            return False
        # Editors remove the file for a moment before they put the new one in its place.
        await asyncio.sleep(SETTLE_SECONDS if signature else WATCH_SECONDS)
        return await asyncio.to_thread(self._disk.file.signature) == signature

    async def _look_at_folders(self) -> None:
        elsewhere = self._wanted.server != self._in_effect.config.server
        if elsewhere or await asyncio.to_thread(self._disk.folders_changed):
            await self._apply(await asyncio.to_thread(self._disk.with_folders, self._wanted))

    async def _reload(self) -> None:
        try:
            config = await asyncio.to_thread(self._disk.read)
        except ConfigErrors as error:
            self._file_error = error.message
            self._publish_error(error.message)
            raise
        self._file_error = None
        await self._apply(config)

    async def _apply(self, config: Config) -> None:
        self._wanted = config
        self._scanned_at = asyncio.get_running_loop().time()
        catalog = await asyncio.to_thread(self._disk.scan, config)
        try:
            await self._reconfigurer.apply(config, catalog)
        except PortInUse as error:
            url = self._store.snapshot.server.url
            self._publish_error(f"{error.message} Until then hal0 stays at {url}.")
            raise
        self._publish_error(self._file_error)

    def _publish_error(self, message: str | None) -> None:
        self._store.update(server=replace(self._store.snapshot.server, config_error=message))


def _log_ignored(error: ConfigErrors | PortInUse) -> None:
    for line in error.message.splitlines():
        log.warning("hal0.yaml has an error; its last changes are ignored: %s", line)
