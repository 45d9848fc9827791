"""OpenAI's generation endpoints: parse, resolve, lease, proxy."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from router.config.schema import Kind
from router.resolve import Route, resolve
from router.server.context import CONTEXT
from router.server.proxy import forward
from router.wire.openai import engine_body, parse_call

log = logging.getLogger(__name__)

GENERATION = {
    "/v1/chat/completions": Kind.CHAT,
    "/v1/completions": Kind.CHAT,
    "/v1/embeddings": Kind.EMBEDDING,
}
"""Engine path -> the kind of slot that serves it."""


def add_routes(app: web.Application) -> None:
    """Each path also without `/v1`: clients differ in what they take for the base URL."""
    for path, kind in GENERATION.items():
        handler = _handler(path, kind)
        app.router.add_post(path, handler)
        app.router.add_post(path.removeprefix("/v1"), handler)


def _handler(path: str, kind: Kind) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def generate(request: web.Request) -> web.StreamResponse:
        context = request.app[CONTEXT]
        call = parse_call(await request.read())
        began = time.perf_counter()
        route = resolve(call.model, kind, context.store.snapshot)
        decided = time.perf_counter()
        async with context.commands.ticket(route.slot, route.model) as ticket:
            lease = await ticket.lease()
            _log_decision(call.model, route, lease.model.id, decided - began, time.perf_counter() - decided)
            body = engine_body(call, lease.model.id, lease.model.request)
            return await forward(request, context.engines, lease, path, body)

    return generate


def _log_decision(asked: str | None, route: Route, served: str, decide_s: float, waited_s: float) -> None:
    log.info(
        "dispatch.decision asked=%s resolution_path=%s slot=%s served=%s waited_ms=%.1f decide_ms=%.3f",
        asked,
        route.path,
        route.slot,
        served,
        waited_s * 1000,
        decide_s * 1000,
    )
