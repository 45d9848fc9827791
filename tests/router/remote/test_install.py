"""Fetching a llama-server for the other computer, watched from here: its own routes over a real socket.

The install itself is a stand-in that goes step by step: the real one is tests/router/engine/test_install_*.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from router.base.errors import InstallFailed, UpstreamFailed
from router.base.tasks import spawn
from router.engine.find import EngineProblem
from router.engine.install.progress import InstallProgress, OnProgress
from router.orders.kinds import CheckEngine, InstallEngine
from router.orders.order import Order
from router.remote.hal0 import RemoteHal0
from router.server.request.context import CONTEXT
from router.server.routes import engine_install as engine_routes
from tests.engines.running import soon, until
from tests.router.remote.test_hal0 import following, something
from tests.router.server.conftest import Served

STEPS = [InstallProgress("Looking"), InstallProgress("Downloading llama-b1.tar.gz", 30, 60)]


class SteppedEngines:
    """Goes through STEPS, waits for `go_on`, and then ends well or with `error`."""

    def __init__(self) -> None:
        self.problem: EngineProblem | None = EngineProblem("No llama-server was found.", True)
        self.error: Exception | None = None
        self.go_on = asyncio.Event()
        self.cancelled = False

    async def carry_out(self, order: Order[Any]) -> Any:
        match order:
            case CheckEngine():
                return self.problem
            case InstallEngine(on_progress):
                return await self._install(on_progress)

    async def _install(self, on_progress: OnProgress) -> str:
        for step in STEPS:
            await asyncio.to_thread(on_progress, step)
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if self.error is not None:
            raise self.error
        self.problem = None
        return "b1"


@pytest.fixture
async def there() -> AsyncIterator[tuple[Served, SteppedEngines, RemoteHal0]]:
    served, engines = Served((), "127.0.0.1"), SteppedEngines()
    app: web.Application = served.server.app
    app[CONTEXT].orders = engines
    engine_routes.add_routes(app)
    await served.server.start_server(shutdown_timeout=0.1)
    remote = RemoteHal0(str(served.server.make_url("/")))
    await until(lambda: remote.connected, "contact")
    yield served, engines, remote
    await remote.close()
    await served.session.close()
    await soon(served.supervisor.close())
    await served.server.close()


There = tuple[Served, SteppedEngines, RemoteHal0]


async def test_an_install_is_seen_step_by_step(there: There) -> None:
    _served, engines, remote = there
    assert await remote.carry_out(CheckEngine()) == engines.problem
    steps: list[InstallProgress] = []
    installing = spawn(remote.carry_out(InstallEngine(steps.append)), name="install")
    await until(lambda: steps == STEPS, "the steps")
    engines.go_on.set()
    assert await soon(installing) == "b1"
    assert await remote.carry_out(CheckEngine()) is None


async def test_its_failure_is_the_error_it_was_there(there: There) -> None:
    _served, engines, remote = there
    engines.error = InstallFailed("No source had one; each said why.")
    engines.go_on.set()
    with pytest.raises(InstallFailed, match="each said why"):
        await soon(remote.carry_out(InstallEngine(lambda _step: None)))


async def test_cancelling_here_ends_it_there(there: There) -> None:
    _served, engines, remote = there
    steps: list[InstallProgress] = []
    installing = spawn(remote.carry_out(InstallEngine(steps.append)), name="install")
    await until(lambda: steps == STEPS, "the steps")
    installing.cancel()
    await until(lambda: engines.cancelled, "the end there")


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with something(answer) as url, following(url, "secret") as remote:
        with pytest.raises(UpstreamFailed, match="is not hal0"):
            await soon(remote.carry_out(InstallEngine(lambda _step: None)))
    assert "/elsewhere" not in asked
