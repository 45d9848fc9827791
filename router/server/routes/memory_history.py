"""`GET /api/memory/history`: so that a page that is opened now shows the last hour, too."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from aiohttp import web

from router.remote.names import all_slots
from router.server.request.context import CONTEXT
from router.server.request.within import slots_of
from router.state import Snapshot


def add_routes(app: web.Application) -> None:
    app.cleanup_ctx.append(_remember)
    app.router.add_get("/api/memory/history", history)


async def history(request: web.Request) -> web.Response:
    return web.json_response(request.app[CONTEXT].memory_history.told(slots_of(request)))


async def _remember(app: web.Application) -> AsyncIterator[None]:
    context = app[CONTEXT]
    seen: tuple[object, ...] = ()

    def on_change(snapshot: Snapshot) -> None:
        nonlocal seen
        # Of most changes, which are requests, this is all: what is the same object is not compared.
        told = (snapshot.memory, snapshot.upstreams, *[slot.memory for slot in snapshot.slots])
        if told != seen:
            seen = told
            held = {hosted.slot.name: hosted.slot.memory or 0 for hosted in all_slots(snapshot)}
            context.memory_history.note(snapshot.memory, time.time(), held)

    unsubscribe = context.store.subscribe(on_change)
    yield
    unsubscribe()
