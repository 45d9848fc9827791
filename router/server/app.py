"""Puts the application together and listens."""

from __future__ import annotations

import asyncio
import errno
import logging

import psutil
from aiohttp import web
from aiohttp.typedefs import Handler

from router.base.errors import PortInUse
from router.config.schema import ServerConfig
from router.engine.ports import is_listener
from router.server.edge import Runner
from router.server.middleware import add_headers, gate
from router.server.paths import PATHS, Paths
from router.server.request.body import MAX_BODY
from router.server.request.context import CONTEXT, Context
from router.server.routes import (
    activity,
    anthropic,
    llamacpp,
    login,
    memory_history,
    metadata,
    ollama,
    openai,
    orders,
    page,
    sidecar,
)
from router.server.routes import engine_install as engine_routes
from router.server.routes import state as control

log = logging.getLogger(__name__)


def make_app(context: Context) -> web.Application:
    app = web.Application(middlewares=[gate], client_max_size=MAX_BODY)
    app[CONTEXT] = context
    app.on_response_prepare.append(add_headers)
    app.on_cleanup.append(_write_decisions)
    openai.add_routes(app)
    anthropic.add_routes(app)
    llamacpp.add_routes(app)
    ollama.add_routes(app)
    sidecar.add_routes(app)  # before metadata, whose /models/{id} would swallow /models/status
    metadata.add_routes(app)
    app[PATHS] = Paths(route.canonical for route in app.router.resources() if "{" not in route.canonical)
    control.add_routes(app)
    orders.add_routes(app)
    engine_routes.add_routes(app)
    activity.add_routes(app)
    login.add_routes(app)
    memory_history.add_routes(app)
    page.add_routes(app)
    return app


async def _write_decisions(app: web.Application) -> None:
    app[CONTEXT].activity.settle()
    app[CONTEXT].decisions.flush()


class Endpoint:
    """The listening endpoint. `port` is the real one, also when 0 was asked for."""

    def __init__(self, config: ServerConfig, context: Context) -> None:
        self.port = config.port
        self._config = config
        self._retiring = False
        self._in_flight = 0
        self._idle = asyncio.Event()
        app = make_app(context)
        app.middlewares.insert(0, self._count)
        app.on_response_prepare.append(self._say_goodbye)
        self._faults = context.faults
        self._context = context
        self._runner = Runner(
            app, context.faults, app[PATHS].meant, handler_cancellation=True, shutdown_timeout=2.0
        )

    async def start(self) -> None:
        """Listen. Raises PortInUse, naming who holds the port where that can be known."""
        await self._runner.setup()
        try:
            await self.resume()
        except OSError as error:
            await self._runner.cleanup()
            raise _bind_error(error, self._config) from error
        self.port = self._runner.addresses[0][1]

    async def pause(self) -> None:
        """Take no more connections; those that are open go on."""
        for site in list(self._runner.sites):
            await site.stop()

    async def resume(self) -> None:
        """Listen (again). Raises OSError."""
        await web.TCPSite(self._runner, self._config.host, self._config.port).start()

    async def retire(self) -> None:
        """Stop listening, wait until every request has been answered, then close all connections.

        They stay usable meanwhile: aiohttp's own way to end idle ones (`Server.pre_shutdown`) leaves them open
        and deaf until the last request is over.
        """
        self._retiring = True
        try:
            await self.pause()
            while self._in_flight:
                self._idle.clear()
                await self._idle.wait()
        finally:
            await self.stop()

    @web.middleware
    async def _count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._in_flight += 1
        try:
            return await handler(request)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def _say_goodbye(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Tell the client that is answered now to come back by another connection."""
        if self._retiring:
            response.force_close()
            response.headers["Connection"] = "close"  # the header was decided on before this signal

    async def stop(self) -> None:
        """Stop listening and end every open connection."""
        self._context.stopping = True
        await self._runner.cleanup()
        self._faults.close()


def _bind_error(error: OSError, config: ServerConfig) -> PortInUse:
    place = f"{config.host}:{config.port}"
    if error.errno == errno.EADDRINUSE:
        return PortInUse(
            f"{place} is already used by {_holder(config.port)}; stop that program, "
            "or choose another server.port in hal0.yaml."
        )
    reason = error.strerror or str(error)
    return PortInUse(
        f"hal0 cannot listen on {place}: {reason}; change server.host or server.port in hal0.yaml."
    )


def _holder(port: int) -> str:
    try:
        listeners = [c for c in psutil.net_connections("tcp") if is_listener(c, port)]
        if listeners and (pid := listeners[0].pid):
            return f"{psutil.Process(pid).name()} (process {pid})"
    except psutil.Error as error:
        log.debug("cannot tell who holds port %d: %s", port, error)
    return "another program"
