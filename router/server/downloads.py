"""Fetching models from Hugging Face: /api/downloads, /api/downloads/{pause,resume,remove}, /api/hub/plan."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from functools import partial

from aiohttp import web

from router.errors import BadRequest, PathNotFound
from router.server.context import CONTEXT, Fetching
from router.server.control import detached, json_object
from router.state import DownloadOrder
from router.wire.offer import offer_json

_EXAMPLE = "org/repo:Q4_K_M"


def add_routes(app: web.Application) -> None:
    app.router.add_get("/api/downloads", downloads)
    app.router.add_get("/api/hub/plan", plan, allow_head=False)  # it asks another server
    app.router.add_post("/api/downloads", partial(carry_out, order=DownloadOrder.START))
    for order in (DownloadOrder.PAUSE, DownloadOrder.RESUME, DownloadOrder.REMOVE):
        app.router.add_post(f"/api/downloads/{order.value}", partial(carry_out, order=order))


async def downloads(request: web.Request) -> web.Response:
    snapshot = request.app[CONTEXT].store.snapshot
    return web.json_response({"downloads": [asdict(download) for download in snapshot.downloads]})


async def plan(request: web.Request) -> web.Response:
    """What `?ref=org/repo` offers: sizes, and whether each would fit. Fetches nothing but a file's header."""
    reference = request.query.get("ref", "")
    if not reference:
        raise BadRequest(f"Say which repository: /api/hub/plan?ref={_EXAMPLE}.", param="ref")
    return web.json_response(offer_json(await _fetching(request).offer(reference)))


async def carry_out(request: web.Request, order: DownloadOrder) -> web.Response:
    """Body: `{"reference": "org/repo:Q4_K_M"}`. A download that starts or goes on is answered with 202; it goes
    on when the caller leaves."""
    reference = (await json_object(request)).get("reference")
    if not isinstance(reference, str) or not reference:
        raise BadRequest(f'Say which model: {{"reference": "{_EXAMPLE}"}}.', param="reference")
    command = partial(_fetching(request).order, order, reference)
    download = await asyncio.shield(detached(command, f"{order} {reference}"))
    goes_on = order in (DownloadOrder.START, DownloadOrder.RESUME)
    return web.json_response(
        {"download": asdict(download) if download else None}, status=202 if goes_on else 200
    )


def _fetching(request: web.Request) -> Fetching:
    found = request.app[CONTEXT].downloads
    if found is None:
        raise PathNotFound("This endpoint fetches no models.")
    return found
