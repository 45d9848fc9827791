"""`GET /api/memory/history`: so that a page that is opened now shows the last hour, too."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from aiohttp import web

from router.server.request.context import CONTEXT
from router.state import Snapshot


def add_routes(app: web.Application) -> None:
    app.cleanup_ctx.append(_remember)
    app.router.add_get("/api/memory/history", history)


async def history(request: web.Request) -> web.Response:
    return web.json_response(request.app[CONTEXT].memory_history.told())


async def _remember(app: web.Application) -> AsyncIterator[None]:
    context = app[CONTEXT]
    seen = None

    def on_change(snapshot: Snapshot) -> None:
        nonlocal seen
        if snapshot.memory is not seen:
            seen = snapshot.memory
            context.memory_history.note(snapshot.memory, time.time())

    unsubscribe = context.store.subscribe(on_change)
    yield
    unsubscribe()
