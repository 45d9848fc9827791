"""Having a llama-server fetched, and watching that: POST /api/engine/install."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from router.base.errors import RouterError
from router.orders.kinds import InstallEngine
from router.server.request.context import CONTEXT
from router.server.routes.orders import begin
from router.wire.errors import envelope

if TYPE_CHECKING:
    from router.engine.install.progress import InstallProgress

_BEAT_SECONDS = 5.0


def add_routes(app: web.Application) -> None:
    app.router.add_post(InstallEngine.endpoint.path, install_engine)


async def install_engine(request: web.Request) -> web.StreamResponse:
    """Server-sent events: `progress`, then `installed` or `error`. Who leaves before that cancels it."""
    loop = asyncio.get_running_loop()
    steps: asyncio.Queue[InstallProgress | None] = asyncio.Queue()

    def on_progress(progress: InstallProgress) -> None:
        loop.call_soon_threadsafe(steps.put_nowait, progress)

    installing = begin(request.app[CONTEXT], InstallEngine(on_progress))
    installing.add_done_callback(lambda _: steps.put_nowait(None))
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    try:
        await response.prepare(request)
        while (step := await _next(steps, response)) is not None:
            await response.write(_event("progress", asdict(step)))
        await response.write(await _end(installing))
    finally:
        installing.cancel()
    return response


async def _next(
    steps: asyncio.Queue[InstallProgress | None], response: web.StreamResponse
) -> InstallProgress | None:
    """Wait for the next step; a comment goes out where it takes long, as silence would look like a lost
    link."""
    while True:
        try:
            async with asyncio.timeout(_BEAT_SECONDS):
                return await steps.get()
        except TimeoutError:
            await response.write(b": still at it\n\n")


async def _end(installing: asyncio.Task[str]) -> bytes:
    try:
        return _event("installed", {"version": await installing})
    except RouterError as error:
        return _event("error", {"status": error.status, **envelope(error)})


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
