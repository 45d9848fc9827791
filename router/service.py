"""The router as one thing to start, command and stop: what the tray, the CLI and the tests call.

All coroutines run on the router's loop. `store` may be read and subscribed to from any thread.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from router.activity.speeds import Speeds
from router.base.errors import PortInUse
from router.base.paths import Paths
from router.base.tasks import spawn
from router.base.version import __version__
from router.config.schema import Config
from router.orders.order import Order
from router.parts import Parts
from router.power.sleep import follow_sleep
from router.reload.disk import Disk
from router.server.listener import Listener
from router.slots.selection import SelectionFile
from router.state import ServerState, ServerStatus, StateStore

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
        self._demo = demo
        self._retry_port = retry_port
        self._parts: Parts | None = None
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Read the models, listen, load what is to be loaded. Raises PortInUse without `retry_port`."""
        self._parts = parts = await self._make_parts()
        await parts.launcher.reap_orphans()
        await parts.conversations.start()
        parts.activity.start(self.store)
        parts.reconfigurer.add_slots()
        await parts.downloads.begin()
        await self._listen(parts.listener)
        self.store.subscribe(parts.selection.remember)
        self._background.append(spawn(parts.resume.run(), name="notice sleep"))
        self._background.append(spawn(parts.awake.run(), name="hold off sleep"))
        told = follow_sleep(parts.resume.sleeps, parts.resume.woke)
        self._background.append(spawn(told, name="hear of sleep"))
        self._background += parts.memory.start(parts.supervisor.occupants, parts.supervisor.set_memory)
        self._background.append(spawn(parts.conversations.run(), name="remove old conversations"))
        self._background.append(spawn(parts.read_ahead.run(), name="read ahead"))
        self._background.append(spawn(parts.idle_reader.run(), name="read ahead when idle"))
        self._background.append(spawn(parts.live.watch(), name="watch hal0.yaml"))
        self._background.append(spawn(parts.updates.run(), name="look for updates"))
        parts.reconfigurer.load_slots()

    async def stop(self) -> None:
        """Stop every engine, then the endpoint. Safe to call at any point of `start`."""
        self.store.update(server=replace(self.store.snapshot.server, state=ServerState.STOPPING, error=None))
        for task in self._background:
            task.cancel()
        if (parts := self._parts) is None:
            return
        await parts.downloads.close()
        await parts.supervisor.close()
        await parts.conversations.close()
        await parts.selection.saved()
        await parts.listener.stop()
        await parts.activity.close()
        parts.connections.close()
        await parts.remotes.close()
        await parts.upstreams.close()
        await parts.probes.close()
        await asyncio.to_thread(parts.log_files.close)

    async def carry_out(self, order: Order[R]) -> R:
        """See `router.orders.kinds`. Raises RouterError."""
        assert self._parts is not None, "start() comes first"
        return await self._parts.dispatcher.carry_out(order)

    async def _make_parts(self) -> Parts:
        await asyncio.to_thread(self._paths.create)
        server = self._config.server
        self.store.update(server=ServerStatus(host=server.host, port=server.port, version=__version__))
        disk = await asyncio.to_thread(Disk, self._paths, self._demo, self._config)
        selection = SelectionFile(self._paths.state / "selection.json")
        selected = await asyncio.to_thread(selection.load)
        speeds = Speeds(self._paths.state / "speeds.json")
        await asyncio.to_thread(speeds.load)
        return Parts(self._config, disk, selection, selected, self.store, self._paths, speeds)

    async def _listen(self, listener: Listener) -> None:
        try:
            await listener.start()
        except PortInUse:
            if not self._retry_port:
                await self.stop()
                raise
            listener.keep_trying()
