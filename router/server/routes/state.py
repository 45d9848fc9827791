"""The state object over HTTP: as JSON, and as events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import asdict
from typing import Any

from aiohttp import web

from router.activity.live import Listener
from router.activity.record import record_json
from router.base.errors import BadRequest
from router.base.tasks import spawn
from router.remote.link import HEADER as HEARTBEAT_HEADER
from router.server.request.context import CONTEXT, Context
from router.server.request.within import seen, slots_of
from router.server.routes.change_signal import ChangeSignal
from router.server.routes.model_fits import models_json
from router.wire.snapshot import change_json, snapshot_json

HEARTBEAT_SECONDS = 15.0
LEAST_HEARTBEAT = 0.1
ACTIVITY_SECONDS = 0.1


def add_routes(app: web.Application) -> None:
    app.router.add_get("/api/state", state)
    app.router.add_get("/api/models", models)
    app.router.add_get("/api/events", events, allow_head=False)  # its head would never end
    app.router.add_get("/api/downloads", downloads)


async def state(request: web.Request) -> web.Response:
    return web.json_response(snapshot_json(seen(request)))


async def models(request: web.Request) -> web.Response:
    return web.json_response(models_json(seen(request)))


async def downloads(request: web.Request) -> web.Response:
    snapshot = request.app[CONTEXT].store.snapshot
    return web.json_response({"downloads": [asdict(download) for download in snapshot.downloads]})


async def events(request: web.Request) -> web.StreamResponse:
    """Server-sent events: one `snapshot`, then `change` with only what differs. Slow readers skip steps, and
    requests that come and go are told of now and then.

    `?heartbeat=5`: a comment at least so often, in seconds; the header of that name confirms it.
    `?activity=true`: also `activity`, the requests that ended since, at most every ACTIVITY_SECONDS.
    Where the keys have changed the stream ends: who may still read asks again.
    """
    context = request.app[CONTEXT]
    store, admitted = context.store, context.admitted
    heartbeat = _heartbeat(request.query.get("heartbeat"))
    headers = {HEARTBEAT_HEADER: f"{heartbeat:g}", "Cache-Control": "no-cache"}
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **headers})
    await response.prepare(request)
    changes = ChangeSignal(store)
    changed = changes.came
    telling = (
        spawn(_tell_activity(context, response, slots_of(request)), name="tell of requests")
        if wants_activity(request)
        else None
    )
    try:
        known, sent = store.snapshot, seen(request)
        await response.write(_event("snapshot", snapshot_json(sent)))
        while request.transport is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(heartbeat):
                    await changed.wait()
            if not changed.is_set():
                await response.write(b": still here\n\n")
            changed.clear()
            if context.admitted != admitted:
                break
            if store.snapshot is not known:
                known, now = store.snapshot, seen(request)
                await response.write(_event("change", change_json(sent, now)))
                sent = now
    finally:
        changes.close()
        if telling is not None:
            telling.cancel()
    return response


def wants_activity(request: web.Request) -> bool:
    return request.query.get("activity", "false") in ("true", "1")


async def _tell_activity(
    context: Context, response: web.StreamResponse, within: tuple[str, ...] | None
) -> None:
    """Send `{"requests": [...], "missed": 0, "forgotten": id}`, oldest first; whoever reads slowly misses some.
    Those up to the id `forgotten` are deleted. `within`: only of these slots."""
    listener = Listener(within)
    unsubscribe = context.activity.subscribe(listener.add)
    forget = context.activity.when_forgotten(listener.came.set)
    admitted = context.admitted
    try:
        with contextlib.suppress(ConnectionError):  # who left is noticed by the stream itself
            while True:
                await listener.came.wait()
                if context.admitted != admitted:
                    return
                records, missed = listener.take()
                told = {"requests": [record_json(record) for record in records], "missed": missed}
                told["forgotten"] = context.activity.forgotten
                await response.write(_event("activity", told))
                await asyncio.sleep(ACTIVITY_SECONDS)
    finally:
        unsubscribe()
        forget()


def _heartbeat(asked: str | None) -> float:
    """Return seconds between two signs of life."""
    try:
        seconds = float(asked) if asked is not None else HEARTBEAT_SECONDS
    except ValueError:
        raise BadRequest("heartbeat is a number of seconds.", param="heartbeat") from None
    return min(HEARTBEAT_SECONDS, max(LEAST_HEARTBEAT, seconds)) if seconds == seconds else HEARTBEAT_SECONDS


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
