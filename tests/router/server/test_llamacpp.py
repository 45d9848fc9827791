"""llama.cpp's own paths, asked about what a server elsewhere has."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from router.config.schema import UpstreamKind
from router.server.middleware import add_headers, gate
from router.server.request.context import CONTEXT, Context
from router.server.routes import llamacpp
from router.state import StateStore, UpstreamState, UpstreamStatus
from tests.engines.running import soon


async def test_properties_are_told_of_what_v1_models_lists_of_others() -> None:
    """404 "no slot is called so", of a name that /v1/models lists."""
    store, absent = StateStore(), Any
    there = UpstreamStatus(
        "lxc",
        UpstreamKind.OPENAI,
        "http://x",
        UpstreamState.OK,
        models=("org/m", "n"),
        context_lengths=(99, None),
    )
    store.update(upstreams=(there,))
    app = web.Application(middlewares=[gate])
    app[CONTEXT] = Context(store, absent, absent, absent, absent)  # type: ignore[arg-type]
    app.on_response_prepare.append(add_headers)
    llamacpp.add_routes(app)
    async with TestClient(TestServer(app)) as client:
        for name, context in (("lxc/org/m", 99), ("org%2Fm", 99), ("n", None)):
            answer = await soon(client.get(f"/props?model={name}"))
            assert answer.status == 200
            assert (await answer.json())["default_generation_settings"]["n_ctx"] == context
        answer = await soon(client.get("/slots?model=lxc/n"))
        body = await answer.json()
        assert answer.status == 404 and "ask that server itself" in body["error"]["message"]
        assert (await soon(client.get("/props?model=lxc/nope"))).status == 404
