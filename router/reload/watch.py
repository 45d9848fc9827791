"""hal0.yaml while hal0 runs: shown, edited, and picked up when it or a model folder changes on disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from router.base.errors import PortInUse
from router.base.paths import Paths
from router.catalog.folders import FolderWatch
from router.catalog.models import Catalog, build_catalog
from router.config.change import ConfigChange, ConfigDocument
from router.config.default import default_config, usual_model_dirs, with_downloads
from router.config.file import ConfigFile, Signature
from router.config.problems import ConfigErrors
from router.config.schema import Config
from router.reload.apply import Reconfigurer
from router.state import StateStore

log = logging.getLogger(__name__)

WATCH_SECONDS = 2.0
SETTLE_SECONDS = 0.2
"""A file that is being written is left alone until it has not changed for so long."""

SCAN_SECONDS = 10.0
"""Model folders are scanned at most this often, also while a download changes one all the time."""


class LiveConfig:
    """The one place where a configuration takes effect after the start; one change at a time."""

    def __init__(self, paths: Paths, demo: Path | None, store: StateStore) -> None:
        self._file = ConfigFile(paths)
        self._paths = paths
        self._demo = demo
        self._store = store
        self._one_at_a_time = asyncio.Lock()
        self._seen: Signature = None
        self._folders: FolderWatch | None = None
        self._scanned_at = float("-inf")
        self._wanted: Config | None = None
        self._file_error: str | None = None

    async def first_catalog(self, config: Config) -> Catalog:
        """The models of the configuration that hal0 starts with; what changes after this is noticed."""
        self._seen = await asyncio.to_thread(self._file.signature)
        self._wanted = config
        await asyncio.to_thread(self._file.refresh_schema)
        return await asyncio.to_thread(self._scan, config)

    def runs(self, reconfigurer: Reconfigurer) -> None:
        """The router is up: changes go to `reconfigurer` from now on."""
        self._reconfigurer = reconfigurer

    async def read_config(self) -> ConfigDocument:
        """hal0.yaml as it lies there, keys hidden, and the configuration in effect. Raises ConfigErrors."""
        return await asyncio.to_thread(self._file.document, self._reconfigurer.config)

    async def edit_config(self, changes: Sequence[ConfigChange]) -> None:
        """Write `changes` into hal0.yaml and apply them.

        Raises ConfigErrors with nothing written if the result would not be valid; PortInUse if all is
        written and in effect except for the endpoint's address.
        """
        async with self._one_at_a_time:
            await asyncio.to_thread(self._file.edit, list(changes), self._known_ids)
            await self._reload()

    async def reload(self) -> None:
        """Read hal0.yaml and the model folders anew. Raises ConfigErrors and PortInUse; what can go on does."""
        async with self._one_at_a_time:
            await self._reload()

    async def watch(self) -> None:
        """Look after the file and the folders until cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await self._look()
            except (ConfigErrors, PortInUse) as error:
                for line in error.message.splitlines():
                    log.warning("hal0.yaml has an error; its last changes are ignored: %s", line)
            except Exception:
                # The next look may go better; the router itself is not concerned.
                log.exception("looking for changes failed")

    async def _look(self) -> None:
        async with self._one_at_a_time:
            if await self._file_changed():
                await self._reload()
            elif asyncio.get_running_loop().time() - self._scanned_at >= SCAN_SECONDS:
                await self._look_at_folders()
            self._reconfigurer.publish_models()

    async def _file_changed(self) -> bool:
        """Whether it is another file than before, and nobody is just writing it."""
        signature = await asyncio.to_thread(self._file.signature)
        if signature == self._seen:
            return False
        # Editors take the file away for a moment before they put the new one in its place.
        await asyncio.sleep(SETTLE_SECONDS if signature else WATCH_SECONDS)
        return await asyncio.to_thread(self._file.signature) == signature

    async def _look_at_folders(self) -> None:
        wanted = self._wanted
        folders = self._folders
        if wanted is None or folders is None:
            return
        elsewhere = wanted.server != self._reconfigurer.config.server
        if not elsewhere and not await asyncio.to_thread(folders.changed):
            return
        await self._apply(await asyncio.to_thread(self._with_folders, wanted))

    async def _reload(self) -> None:
        self._seen = await asyncio.to_thread(self._file.signature)
        try:
            parsed = await asyncio.to_thread(self._file.parse)
        except ConfigErrors as error:
            self._file_error = error.message
            self._publish_error(error.message)
            raise
        self._file_error = None
        await self._apply(parsed.config)

    async def _apply(self, config: Config) -> None:
        self._wanted = config
        self._scanned_at = asyncio.get_running_loop().time()
        catalog = await asyncio.to_thread(self._scan, config)
        try:
            await self._reconfigurer.apply(config, catalog)
        except PortInUse as error:
            url = self._store.snapshot.server.url
            self._publish_error(f"{error.message} Until then hal0 stays at {url}.")
            raise
        self._publish_error(self._file_error)

    def _publish_error(self, message: str | None) -> None:
        self._store.update(server=replace(self._store.snapshot.server, config_error=message))

    # -- blocking: called in a thread ------------------------------------------------------------------

    def _scan(self, config: Config) -> Catalog:
        config = with_downloads(config, self._paths)
        watch = FolderWatch(config, usual_model_dirs(self._paths))
        catalog = build_catalog(config, self._demo)
        watch.found(catalog)
        self._folders = watch
        return catalog

    def _with_folders(self, config: Config) -> Config:
        """`config` with the model folders there are now, where it leaves the choice to hal0."""
        if config.source == self._file.path and self._file.signature() == self._seen:
            try:
                return self._file.parse().config
            except ConfigErrors:
                return config
        default = default_config(self._paths)
        return default if replace(config, model_dirs=default.model_dirs) == default else config

    def _known_ids(self, config: Config) -> set[str]:
        return build_catalog(with_downloads(config, self._paths), self._demo).names(config)
