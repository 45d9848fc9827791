"""The router as one thing to start, command and stop: what the tray, the CLI and the tests call.

All coroutines run on the router's loop. `store` may be read and subscribed to from any thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import aiohttp

from router.activity.activity import Activity
from router.base.errors import PortInUse, UpstreamFailed
from router.base.paths import Paths
from router.base.tasks import spawn
from router.base.version import __version__
from router.config.problems import ConfigErrors
from router.config.schema import Config, EngineConfig
from router.dispatch import Dispatcher
from router.engine.environment import secret_variables
from router.engine.launcher import Launcher
from router.engine.log import LogFiles
from router.hub.downloads import Downloads
from router.hub.updates import UpdateWatch
from router.memory.measure.sources import find_source
from router.memory.system import MemorySystem
from router.orders.order import Order
from router.reload.apply import Reconfigurer
from router.reload.diff import choose_model
from router.reload.watch import LiveConfig
from router.remote.follow import Remotes
from router.server.app import engine_session
from router.server.listener import Listener
from router.server.request.context import Context
from router.server.request.engines import EngineConnections
from router.slots.selection import Selected, SelectionFile
from router.slots.supervisor import Supervisor
from router.state import ServerState, ServerStatus, Snapshot, StateStore, UpdateStatus
from router.upstreams.keys import KeyMissing, Keys
from router.upstreams.registry import UpstreamRegistry

__all__ = ["Service", "choose_model"]

log = logging.getLogger(__name__)
R = TypeVar("R")


class Service:
    """Everything below the user interface.

    Attributes:
        store: the state object.
    """

    def __init__(
        self, config: Config, paths: Paths, *, demo: Path | None = None, retry_port: bool = False
    ) -> None:
        """`demo`: the embedded model for when there is no other. `retry_port`: when the port is taken,
        publish the error and keep trying (the tray) instead of raising PortInUse (headless)."""
        self.store = StateStore()
        self._config = config
        self._paths = paths
        self._retry_port = retry_port
        self._selection = SelectionFile(paths.state / "selection.json")
        self._selected: dict[str, Selected] = {}
        self._supervisor: Supervisor | None = None
        self._listener: Listener | None = None
        self._live = LiveConfig(paths, demo, self.store)
        self._reconfigurer: Reconfigurer | None = None
        self._engines: aiohttp.ClientSession | None = None
        self._log_files: LogFiles | None = None
        self._memory = MemorySystem(paths.cache, self.store, find_source())
        self._connections = EngineConnections()
        self._keys = Keys()
        self._upstreams = UpstreamRegistry(self.store, self._keys)
        self._remotes = Remotes(self._upstreams.remote_says, self._find_key)
        self._dispatcher: Dispatcher | None = None
        self._activity = Activity(paths.state / "activity.db", config.activity)
        self._downloads = Downloads(self.store, paths, self._current, self._model_arrived)
        self._updates = UpdateWatch(self.store, self._current, paths, self._found_updates)
        self._background: list[asyncio.Task[None]] = []
        self._saving: asyncio.Task[None] | None = None

    # -- life ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Read the models, listen, load what is to be loaded. Raises PortInUse without `retry_port`."""
        await asyncio.to_thread(self._paths.create)
        server = self._config.server
        self.store.update(server=ServerStatus(host=server.host, port=server.port, version=__version__))
        catalog = await self._live.first_catalog(self._config)
        self._engines = engine_session()
        self._log_files = LogFiles(self._paths.logs)
        launcher = self._make_launcher(self._config.engine)
        await launcher.reap_leftovers()
        self._supervisor = Supervisor(self.store, launcher, self._log_files, self._memory.gate)
        self._dispatcher = Dispatcher(
            self.store,
            self._supervisor,
            self._remotes,
            self._live,
            self._downloads,
            self._updates,
            self._paths,
            self._current,
        )
        context = Context(
            self.store,
            self._supervisor,
            self._dispatcher,
            self._connections,
            upstreams=self._upstreams,
            activity=self._activity,
        )
        self._activity.start(self.store)
        self._activity.subscribe(context.decisions.add)
        context.admit(server)
        self._listener = Listener(server, context, self._paths.state)
        self._reconfigurer = Reconfigurer(
            self._config, catalog, self.store, self._supervisor, self._listener, self._make_launcher
        )
        self._reconfigurer.outlook = self._memory.outlook
        self._memory.serves(
            self._reconfigurer.models,
            self._reconfigurer.publish_models,
            self._supervisor.set_memory,
            self._supervisor.occupants,
        )
        self._reconfigurer.upstreams, self._reconfigurer.remotes = self._upstreams, self._remotes
        self._reconfigurer.updates_changed = self._updates.again
        self._reconfigurer.use_activity = self._activity.use
        self._live.runs(self._reconfigurer)
        self._selected = await asyncio.to_thread(self._selection.load)
        self._reconfigurer.add_slots(self._selected)
        await self._downloads.begin()
        await self._listen(self._listener)
        self.store.subscribe(self._remember_selection)
        self._background += self._memory.start()
        self._background.append(spawn(self._live.watch(), name="watch hal0.yaml"))
        self._background.append(spawn(self._updates.run(), name="look for updates"))
        self._reconfigurer.load_slots()

    async def stop(self) -> None:
        """Stop every engine, then the endpoint. Safe to call at any point of `start`."""
        self.store.update(server=replace(self.store.snapshot.server, state=ServerState.STOPPING, error=None))
        for task in self._background:
            task.cancel()
        await self._downloads.close()
        if self._supervisor is not None:
            await self._supervisor.close()
        if self._saving is not None:
            await self._saving
        if self._listener is not None:
            await self._listener.stop()
        await self._activity.close()
        self._connections.close()
        await self._remotes.close()
        await self._upstreams.close()
        if self._engines is not None:
            await self._engines.close()
        if self._log_files is not None:
            await asyncio.to_thread(self._log_files.close)

    async def carry_out(self, order: Order[R]) -> R:
        """See `router.orders.kinds`. Raises RouterError."""
        assert self._dispatcher is not None, "start() comes first"
        return await self._dispatcher.carry_out(order)

    # -- parts -----------------------------------------------------------------------------------------

    def _current(self) -> Config:
        return self._reconfigurer.config if self._reconfigurer else self._config

    def _found_updates(self, found: tuple[UpdateStatus, ...]) -> None:
        self.store.update(updates=found)

    async def _model_arrived(self) -> None:
        """Offer it now rather than after the next look at the folders."""
        try:
            await self._live.reload()
        except (ConfigErrors, PortInUse) as error:
            log.warning("hal0.yaml has an error; its last changes are ignored: %s", error.message)

    async def _find_key(self, written: str | None) -> str | None:
        try:
            return await self._keys.find(written)
        except KeyMissing as error:
            raise UpstreamFailed(f"No key: {error}.") from None

    def _make_launcher(self, engine: EngineConfig) -> Launcher:
        assert self._engines is not None, "made by start()"
        launcher = Launcher(
            engine, self._paths, self._engines, lambda: secret_variables(self._current(), os.environ)
        )
        self._memory.outlook.forecaster.use_engine(launcher)
        return launcher

    async def _listen(self, listener: Listener) -> None:
        try:
            await listener.start()
        except PortInUse:
            if not self._retry_port:
                await self.stop()
                raise
            listener.keep_trying()

    def _remember_selection(self, snapshot: Snapshot) -> None:
        """A slot that is ready holds what it is to hold after the next start, too."""
        assert self._reconfigurer is not None, "made by start()"
        configured = self._reconfigurer.config.slots
        selected = dict(self._selected)
        for slot in snapshot.slots:
            if slot.model and not slot.state.switching and slot.name in configured:
                selected[slot.name] = Selected(slot.model, configured[slot.name].model)
        if selected != self._selected:
            self._selected = self._reconfigurer.selected = selected
            if self._saving is None or self._saving.done():
                self._saving = spawn(self._save_selection(), name="save selection")

    async def _save_selection(self) -> None:
        """One after the other, so that the newest is what stays."""
        saved = None
        while saved is not self._selected:
            saved = self._selected
            await asyncio.to_thread(self._selection.save, saved)
