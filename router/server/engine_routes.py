"""Whether a llama-server runs here, and fetching one: GET /api/engine, POST /api/engine/install."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from router.errors import PathNotFound, RouterError
from router.server.context import CONTEXT, Engines
from router.tasks import spawn
from router.wire.errors import envelope

if TYPE_CHECKING:
    from router.engine.install.progress import InstallProgress

_BEAT_SECONDS = 5.0


def add_routes(app: web.Application) -> None:
    app.router.add_get("/api/engine", engine_problem)
    app.router.add_post("/api/engine/install", install_engine)


async def engine_problem(request: web.Request) -> web.Response:
    """`problem` null: a llama-server can be run."""
    problem = await _engines(request).engine_problem()
    return web.json_response({"problem": asdict(problem) if problem else None})


async def install_engine(request: web.Request) -> web.StreamResponse:
    """Server-sent events: `progress`, then `installed` or `error`. Who leaves before that cancels it."""
    engines, loop = _engines(request), asyncio.get_running_loop()
    steps: asyncio.Queue[InstallProgress | None] = asyncio.Queue()

    def on_progress(progress: InstallProgress) -> None:
        loop.call_soon_threadsafe(steps.put_nowait, progress)

    installing = spawn(engines.install_engine(on_progress), name="install an engine for another computer")
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
    """The next step; a comment goes out where it takes long, as silence would look like a lost link."""
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


def _engines(request: web.Request) -> Engines:
    engines = request.app[CONTEXT].engines
    if engines is None:
        raise PathNotFound("This endpoint runs no engines.")
    return engines


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
