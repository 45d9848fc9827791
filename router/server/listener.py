"""The endpoint's life: it listens, keeps trying where a port is taken, and moves while hal0 runs."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from dataclasses import replace
from pathlib import Path

from router.base.errors import PortInUse
from router.base.files import write_atomic
from router.base.tasks import spawn
from router.base.version import __version__
from router.config.schema import ServerConfig
from router.server.app import Endpoint
from router.server.free_port import free_port
from router.server.request.context import Context
from router.state import ServerState

log = logging.getLogger(__name__)

PORT_RETRY_SECONDS = 5.0


class Listener:
    """Owns the endpoint and its part of the state.

    Attributes:
        server: where it listens, or tries to.
    """

    def __init__(
        self, server: ServerConfig, context: Context, state_folder: Path, engine_ports: tuple[int, int]
    ) -> None:
        """`engine_ports`: those from the first to the last are not hal0's own."""
        self.server = server
        self._engine_ports = engine_ports
        self._context = context
        self._instance = state_folder / "instance.json"
        self._endpoint: Endpoint | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._trying: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> None:
        """Listen. Raises PortInUse, which the state tells, too."""
        async with self._one_at_a_time:
            if self._endpoint is not None:
                return
            endpoint = Endpoint(self.server, self._context)
            try:
                await endpoint.start()
            except PortInUse as error:
                other = await asyncio.to_thread(
                    free_port, self.server.host, self.server.port, self._engine_ports
                )
                self.publish(ServerState.FAILED, error.message, other)
                raise
            await self._now_at(endpoint)

    def keep_trying(self) -> None:
        """Start as soon as the port is free."""
        self._trying = spawn(self._keep_trying(), name="wait for the port")

    async def move(self, server: ServerConfig) -> None:
        """Listen where `server` says; requests that are being answered at the old address are not touched.

        Raises PortInUse: then the old address stays.
        """
        if self._endpoint is None:
            self.server = server
            self._context.admit(server)
            await self.start()
            return
        async with self._one_at_a_time:
            if server.api_keys:
                self._context.take_keys(server)  # a key taken back must not wait for a free port
            if (server.host, server.port) != (self.server.host, self.server.port):
                await self._replace(self._endpoint, server)
            self.server = server
            self._context.admit(server)

    async def stop(self) -> None:
        """Close everything that is open."""
        tasks = [*self._retiring, *([self._trying] if self._trying else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._endpoint is not None:
            await self._endpoint.stop()
            await asyncio.to_thread(self._instance.unlink, missing_ok=True)

    def publish(self, state: ServerState, error: str | None = None, free: int | None = None) -> None:
        store = self._context.store
        store.update(server=replace(store.snapshot.server, state=state, error=error, free_port=free))

    async def _replace(self, old: Endpoint, server: ServerConfig) -> None:
        """Let the new one listen before the old one stops, except where both would want the same port."""
        # The old one keeps its keys: without any, what is still open at another address would be open to all.
        context = replace(self._context)
        context.admit(server)
        new = Endpoint(server, context)
        same_port = server.port == self.server.port
        if same_port:
            await old.pause()
        try:
            await new.start()
        except PortInUse:
            if same_port:
                await old.resume()
            raise
        self.server, self._context = server, context
        await self._now_at(new)
        retiring = spawn(old.retire(), name="end of the old endpoint")
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    async def _now_at(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        store = self._context.store
        store.update(server=replace(store.snapshot.server, host=self.server.host, port=endpoint.port))
        self.publish(ServerState.RUNNING)
        url = store.snapshot.server.url
        instance = json.dumps({"url": url, "pid": os.getpid()}).encode()
        await asyncio.to_thread(write_atomic, self._instance, instance)
        log.info("hal0 %s answers at %s/v1", __version__, url)

    async def _keep_trying(self) -> None:
        while self._endpoint is None:
            await asyncio.sleep(PORT_RETRY_SECONDS)
            try:
                await self.start()
            except PortInUse as error:
                log.info("%s", error.message)
