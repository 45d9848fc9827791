"""The router as one thing to start, command and stop: what the tray, the CLI and the tests call.

All coroutines run on the router's loop. `store` may be read and subscribed to from any thread.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import aiohttp

from router.catalog.model import Model
from router.catalog.models import Catalog, build_catalog
from router.config.schema import Config, SlotConfig
from router.engine.launcher import Launcher
from router.engine.log import LogFiles
from router.errors import PortInUse
from router.files import tail, write_atomic
from router.memory.sources import MemorySource, find_source, read
from router.paths import Paths
from router.selection import Selected, SelectionFile
from router.server.app import Endpoint, engine_session
from router.server.context import Context
from router.server.upstream import Upstreams
from router.state import ModelStatus, ServerState, ServerStatus, Snapshot, StateStore
from router.supervisor import Supervisor
from router.tasks import spawn
from router.version import __version__

log = logging.getLogger(__name__)

MEMORY_POLL_SECONDS = 1.0
PORT_RETRY_SECONDS = 5.0


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
        self._selection = SelectionFile(paths.state / "selection.json")
        self._selected: dict[str, Selected] = {}
        self._supervisor: Supervisor | None = None
        self._endpoint: Endpoint | None = None
        self._engines: aiohttp.ClientSession | None = None
        self._log_files: LogFiles | None = None
        self._upstreams = Upstreams()
        self._background: list[asyncio.Task[None]] = []
        self._saving: asyncio.Task[None] | None = None

    # -- life ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Read the models, listen, load what is to be loaded. Raises PortInUse without `retry_port`."""
        await asyncio.to_thread(self._paths.create)
        server = self._config.server
        self.store.update(server=ServerStatus(host=server.host, port=server.port, version=__version__))
        catalog = await asyncio.to_thread(build_catalog, self._config, self._demo)
        self._engines = engine_session()
        self._log_files = LogFiles(self._paths.logs)
        launcher = Launcher(self._config.engine, self._paths, self._engines)
        await launcher.reap_leftovers()
        self._supervisor = Supervisor(self.store, launcher, self._log_files)
        await self._add_slots(catalog, self._supervisor)
        try:
            await self._listen()
        except PortInUse as error:
            self._publish_server(ServerState.FAILED, error.message)
            if not self._retry_port:
                await self.stop()
                raise
            self._background.append(spawn(self._keep_trying_to_listen(), name="wait for the port"))
        self.store.subscribe(self._remember_selection)
        self._background.append(spawn(self._poll_memory(), name="memory"))
        for slot in self._config.slots.values():
            status = self.store.snapshot.slot(slot.name)
            if slot.autoload and status is not None and status.model:
                spawn(self._supervisor.load(slot.name, status.model), name=f"autoload {slot.name}")

    async def stop(self) -> None:
        """Stop every engine, then the endpoint. Safe to call at any point of `start`."""
        self._publish_server(ServerState.STOPPING)
        for task in self._background:
            task.cancel()
        if self._supervisor is not None:
            await self._supervisor.close()
        if self._saving is not None:
            await self._saving
        if self._endpoint is not None:
            await self._endpoint.stop()
            await asyncio.to_thread((self._paths.state / "instance.json").unlink, missing_ok=True)
        self._upstreams.close()
        if self._engines is not None:
            await self._engines.close()
        if self._log_files is not None:
            await asyncio.to_thread(self._log_files.close)

    # -- a person's commands ---------------------------------------------------------------------------

    async def load(self, slot: str, model: str) -> None:
        """Switch `slot` to `model`; returns when it is ready. Raises RouterError; the slot is restored."""
        await self._commands.load(slot, model)

    async def unload(self, slot: str) -> None:
        await self._commands.unload(slot)

    async def unload_all(self) -> None:
        await self._commands.unload_all()

    async def restart(self, slot: str) -> None:
        await self._commands.restart(slot)

    async def cancel(self, slot: str) -> None:
        await self._commands.cancel(slot)

    async def logs(self, slot: str) -> list[str]:
        return self._commands.logs(slot)

    async def router_log(self) -> list[str]:
        """hal0's own last log lines."""
        return await asyncio.to_thread(tail, self._paths.logs / "hal0.log")

    async def engine_command(self, slot: str) -> list[str]:
        """The slot's engine's command line, [] while none runs. Keys are never in it."""
        engine = self._commands.engine_of(slot)
        return list(engine.launch.argv) if engine else []

    # -- parts -----------------------------------------------------------------------------------------

    @property
    def _commands(self) -> Supervisor:
        assert self._supervisor is not None, "start() comes first"
        return self._supervisor

    async def _add_slots(self, catalog: Catalog, supervisor: Supervisor) -> None:
        self._selected = await asyncio.to_thread(self._selection.load)
        models: dict[str, Model] = dict(catalog.models)
        for slot in self._config.slots.values():
            choices = {model.id: model for model in catalog.for_slot(slot)}
            models.update(choices)
            selected = choose_model(slot, choices, self._selected.get(slot.name))
            supervisor.add_slot(slot, self._config.limits, choices, selected)
        self.store.update(models=tuple(model_status(model) for model in models.values()))

    async def _listen(self) -> None:
        assert self._supervisor is not None
        context = Context(self.store, self._supervisor, self._upstreams, self._config.server.api_keys)
        endpoint = Endpoint(self._config.server, context)
        await endpoint.start()
        self._endpoint = endpoint
        self.store.update(server=replace(self.store.snapshot.server, port=endpoint.port))
        self._publish_server(ServerState.RUNNING)
        instance = {"url": self.store.snapshot.server.url, "pid": os.getpid()}
        file = self._paths.state / "instance.json"
        await asyncio.to_thread(write_atomic, file, json.dumps(instance).encode())
        log.info("hal0 %s answers at %s/v1", __version__, self.store.snapshot.server.url)

    async def _keep_trying_to_listen(self) -> None:
        while self._endpoint is None:
            await asyncio.sleep(PORT_RETRY_SECONDS)
            try:
                await self._listen()
            except PortInUse as error:
                self._publish_server(ServerState.FAILED, error.message)

    def _publish_server(self, state: ServerState, error: str | None = None) -> None:
        self.store.update(server=replace(self.store.snapshot.server, state=state, error=error))

    async def _poll_memory(self) -> None:
        source = await asyncio.to_thread(find_source)
        while True:
            await self._read_memory(source)
            await asyncio.sleep(MEMORY_POLL_SECONDS)

    async def _read_memory(self, source: MemorySource) -> None:
        pids = {slot.name: slot.pid for slot in self.store.snapshot.slots if slot.pid}
        devices, used = await asyncio.to_thread(read, source, set(pids.values()))
        self._commands.set_memory({name: used.get(pid) for name, pid in pids.items()})
        ours = sum(used.values())
        if devices:
            devices = (replace(devices[0], used_by_slots=ours), *devices[1:])
        self.store.update(memory=devices)

    def _remember_selection(self, snapshot: Snapshot) -> None:
        """A slot that is ready holds what it is to hold after the next start, too."""
        selected = dict(self._selected)
        for slot in snapshot.slots:
            if slot.model and not slot.state.switching:
                selected[slot.name] = Selected(slot.model, self._config.slots[slot.name].model)
        if selected != self._selected:
            self._selected = selected
            if self._saving is None or self._saving.done():
                self._saving = spawn(self._save_selection(), name="save selection")

    async def _save_selection(self) -> None:
        """One after the other, so that the newest is what stays."""
        saved = None
        while saved is not self._selected:
            saved = self._selected
            await asyncio.to_thread(self._selection.save, saved)


def choose_model(slot: SlotConfig, choices: Mapping[str, Model], saved: Selected | None) -> str | None:
    """What a slot holds first: what it held last, unless hal0.yaml has changed its mind since; else what
    that says; else the first model that can run."""
    if saved is not None and saved.model in choices and saved.configured == slot.model:
        return saved.model
    if slot.model is None:
        return next((model.id for model in choices.values() if not model.problem), None)
    return next((m.id for m in choices.values() if slot.model == m.id or slot.model in m.aliases), None)


def model_status(model: Model) -> ModelStatus:
    return ModelStatus(
        id=model.id,
        display_name=model.display_name,
        kind=model.kind,
        aliases=model.aliases,
        size_bytes=model.size_bytes,
        context_length=model.context_length,
        context_trained=model.context_trained,
        quantisation=model.quantisation,
        file=str(model.file) if model.file else None,
        problem=model.problem,
    )
