"""A person's orders over HTTP: each class of `router.orders.kinds` is one route."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

from aiohttp import web

from router.base.errors import BadRequest, PathNotFound
from router.base.tasks import spawn
from router.orders.kinds import ORDERS, Download, SlotOrder
from router.orders.order import READ_SECONDS, Order, R, decode
from router.remote.names import find_slot
from router.server.request.body import read_json
from router.server.request.context import CONTEXT, Context
from router.state import DownloadOrder
from router.wire.snapshot import slot_json, snapshot_json


def add_routes(app: web.Application) -> None:
    for kind in ORDERS:
        endpoint, handler = kind.endpoint, partial(take, kind)
        if endpoint.method == "GET":
            # HEAD asks for the same work, which is not to be done on another server for nothing.
            here = endpoint.seconds is not None and endpoint.seconds <= READ_SECONDS
            app.router.add_get(endpoint.path, handler, allow_head=here)
        else:
            app.router.add_post(endpoint.path, handler)
    app.router.add_post("/api/downloads", take_download)
    app.router.add_post(Download.endpoint.path, take_download)


async def take(kind: type[Order[Any]], request: web.Request) -> web.Response:
    """Carry out the order of a request. A body with `"wait": false` is answered at once, with 202."""
    if request.method in ("GET", "HEAD"):
        order = decode(kind, request.match_info, request.query)
        return answer(request.app[CONTEXT], order, await request.app[CONTEXT].orders.carry_out(order))
    body = await json_object(request)
    order = decode(kind, request.match_info, body)
    return await give(request.app[CONTEXT], order, wait=bool(body.get("wait", True)))


async def give(context: Context, order: Order[Any], *, wait: bool = True) -> web.Response:
    """Answer when the order is carried out; without `wait` as soon as it is begun."""
    running = begin(context, order)
    if wait:
        return answer(context, order, await asyncio.shield(running))
    await asyncio.sleep(0)  # let it begin, so that the answer shows it
    if running.done():
        return answer(context, order, running.result())
    return answer(context, order, None, 202)


async def take_download(request: web.Request) -> web.Response:
    """Body: `{"reference": "org/repo:Q4_K_M"}`. What starts or goes on is answered with 202."""
    step = _step(request.match_info.get("step", DownloadOrder.START))
    order = decode(Download, {"step": step}, await json_object(request))
    done = await asyncio.shield(begin(request.app[CONTEXT], order))
    goes_on = step in (DownloadOrder.START, DownloadOrder.RESUME)
    return answer(request.app[CONTEXT], order, done, 202 if goes_on else 200)


def begin(context: Context, order: Order[R]) -> asyncio.Task[R]:
    """Begin an order that can be shielded from its caller: a closed terminal must not stop a switch."""
    return spawn(context.orders.carry_out(order), name=str(order))


def answer(context: Context, order: Order[R], result: R, status: int = 200) -> web.Response:
    """Return what the order returned, else the slot it was for, else everything."""
    snapshot = context.store.snapshot
    if order.outcome is not None:
        return web.json_response(order.outcome.tell(result), status=status)
    if isinstance(order, SlotOrder):
        # Another hal0 may have been lost meanwhile, and a slot may have left.
        hosted = find_slot(snapshot, order.slot)
        return web.json_response({"slot": slot_json(hosted.slot) if hosted else None}, status=status)
    return web.json_response(snapshot_json(snapshot), status=status)


def _step(word: str) -> DownloadOrder:
    try:
        return DownloadOrder(word)
    except ValueError:
        raise PathNotFound(f"A download can be told to {', '.join(DownloadOrder)}, not to {word}.") from None


async def json_object(request: web.Request) -> dict[str, Any]:
    """Return the body; {} if there is none. Raises BadRequest."""
    raw = await read_json(request)
    try:
        body = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The request body is not valid JSON ({error}).") from error
    if not isinstance(body, dict):
        raise BadRequest("The request body must be a JSON object.")
    return body
