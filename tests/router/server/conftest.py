"""`serve`: hal0's middlewares, metadata and control API on a real socket, over a launcher without processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector, web
from aiohttp.test_utils import TestServer

from router.base.errors import WaitTimeout
from router.catalog.model import Model
from router.config.schema import Kind, LimitsConfig, SlotConfig
from router.dispatch import Dispatcher
from router.readahead.ahead import ReadAhead
from router.remote.follow import Remotes
from router.server.middleware import add_headers, gate
from router.server.request.context import CONTEXT, Context
from router.server.routes import metadata
from router.server.routes import orders as orders_routes
from router.server.routes import state as control
from router.slots.supervisor import Supervisor
from router.state import ModelStatus, Observer, StateStore
from router.upstreams.registry import UpstreamRegistry
from tests.engines.running import soon
from tests.router.fake_gate import FakeGate
from tests.router.fake_launcher import FakeLauncher

MODELS = {id_: Model(id_, Kind.CHAT, display_name=id_, command=f"{id_} {{port}}") for id_ in ("alpha", "beta")}
MAX_BODY = 1000


class CountingStore(StateStore):
    """Knows how many observers it has."""

    def __init__(self) -> None:
        super().__init__()
        self.observers = 0

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        self.observers += 1
        unsubscribe = super().subscribe(observer)

        def leave() -> None:
            self.observers -= 1
            unsubscribe()

        return leave


class Served:
    """A running endpoint and a client for it."""

    def __init__(self, api_keys: tuple[str, ...], host: str) -> None:
        self.store = CountingStore()
        self.launcher = FakeLauncher()
        self.gate = FakeGate()
        self.supervisor = Supervisor(self.store, self.launcher, gate=self.gate)
        self.supervisor.add_slot(SlotConfig("primary"), LimitsConfig(), MODELS, "alpha")
        alpha = ModelStatus("alpha", "Alpha", Kind.CHAT, aliases=("first",))
        self.store.update(models=(alpha, ModelStatus("beta", "Beta", Kind.CHAT)))
        # No engine is talked to here, and only orders for slots are given.
        absent: Any = None
        no_others, parts = Remotes(absent), [absent] * 5
        ahead = ReadAhead(self.store, dict, lambda: False)
        self.orders = Dispatcher(self.store, self.supervisor, no_others, *parts, ahead, *[absent] * 6)
        context = Context(
            self.store, self.supervisor, self.orders, absent, UpstreamRegistry(self.store), api_keys=api_keys
        )
        app = web.Application(middlewares=[gate], client_max_size=MAX_BODY)
        app[CONTEXT] = context
        app.on_response_prepare.append(add_headers)
        metadata.add_routes(app)
        control.add_routes(app)
        orders_routes.add_routes(app)
        app.router.add_get("/test/bug", _bug)
        app.router.add_get("/test/busy", _busy)
        app.router.add_get("/test/late", _late)
        app.router.add_post("/v1/chat/completions", _echo)
        self.server = TestServer(app, host=host)  # it cancels handlers as Endpoint does
        self.session = ClientSession(connector=TCPConnector(force_close=True))

    async def ask(
        self, method: str, path: str, url: str | None = None, **kw: Any
    ) -> tuple[int, Any, dict[str, str]]:
        """(status, body, headers); the body is JSON unless the answer says otherwise."""
        target = (url or str(self.server.make_url("/"))).rstrip("/") + path
        async with self.session.request(method, target, **kw) as answer:
            json_body = answer.content_type == "application/json" and method != "HEAD"
            body = await answer.json() if json_body else await answer.text()
            return answer.status, body, dict(answer.headers)

    async def code(self, method: str, path: str, **kw: Any) -> tuple[int, str | None]:
        """(status, error code) of the answer."""
        status, body, _ = await self.ask(method, path, **kw)
        return status, body["error"]["code"] if isinstance(body, dict) and "error" in body else None


async def _bug(_request: web.Request) -> web.Response:
    raise ZeroDivisionError("a secret detail")


async def _late(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"so far so good")
    raise ZeroDivisionError("a secret detail")


async def _busy(_request: web.Request) -> web.Response:
    raise WaitTimeout("Busy; try again later.", retry_after=2.2)


async def _echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`serve(api_keys=(), host="127.0.0.1")`."""
    all_served: list[Served] = []

    async def start(api_keys: tuple[str, ...] = (), host: str = "127.0.0.1") -> Served:
        served = Served(api_keys, host)
        all_served.append(served)
        await served.server.start_server()
        return served

    yield start
    for served in all_served:
        await served.session.close()
        served.launcher.automatic = {"check", "launch", "ready", "stop"}
        await soon(served.supervisor.close())
        await served.server.close()
