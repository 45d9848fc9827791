"""What was asked, over HTTP: `/api/activity`, and hal0's own figures at `/metrics`."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web

from router.activity.database import Query
from router.activity.listing import listing_json
from router.activity.metrics import CONTENT_TYPE, metrics_text
from router.activity.record import Body, record_json, timeline
from router.base.errors import BadRequest, RecordNotFound
from router.server.request.context import CONTEXT, Context
from router.server.request.within import slots_of

MOST: Final = 500
USUAL: Final = 100
_LARGEST_ID: Final = 1 << 62


def add_routes(app: web.Application) -> None:
    app.router.add_get("/api/activity", listing)
    app.router.add_delete("/api/activity", forget)
    app.router.add_get("/api/activity/{id}", one)


async def listing(request: web.Request) -> web.Response:
    """Answer as `router.activity.listing` says, newest first; a key for some slots is told of these alone."""
    found = await request.app[CONTEXT].activity.listing(_query(request))
    return web.json_response(listing_json(found))


async def one(request: web.Request) -> web.Response:
    """`{"request": {...}, "timeline": [{"what", "s"}], "body": {"request", "answer", "cut"} | null}`"""
    context = request.app[CONTEXT]
    number = _number("id", request.match_info["id"], _LARGEST_ID)
    found, within = await context.activity.one(number), slots_of(request)
    if found is None or (within is not None and found[0].slot not in within):
        raise RecordNotFound(f"No record has the id {number}; it may have been forgotten since.")
    record, body = found
    told = {"request": record_json(record), "timeline": timeline(record)}
    return web.json_response({**told, "body": None if body is None else _body(body, context)})


async def forget(request: web.Request) -> web.Response:
    """All that was kept; what is counted goes on. The answer is that of the empty list."""
    activity = request.app[CONTEXT].activity
    await activity.clear()
    return web.json_response(listing_json(await activity.listing(Query(before=0))))


async def own_metrics(context: Context) -> web.Response:
    activity, snapshot = context.activity, context.store.snapshot
    activity.settle()
    text = await asyncio.to_thread(metrics_text, snapshot, activity.tallies, activity.switches, activity.lost)
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})


def _body(body: Body, context: Context) -> dict[str, Any]:
    size = context.activity.config.body_size
    return {
        "request": body.request.decode(errors="replace"),
        "answer": body.answer.decode(errors="replace"),
        "cut": len(body.request) >= size or len(body.answer) >= size,
    }


def _query(request: web.Request) -> Query:
    given = request.query
    known = {"slot", "model", "client", "status", "failed", "since", "before", "limit"}
    if unknown := [name for name in given if name not in known]:
        raise BadRequest(f'There is no filter "{unknown[0][:40]}"; there are: {", ".join(sorted(known))}.')
    numbers = {name: _number(name, given[name], _LARGEST_ID) for name in ("since", "before") if name in given}
    status = _number("status", given["status"], 999) if "status" in given else None
    limit = _number("limit", given["limit"], MOST) if "limit" in given else USUAL
    return Query(
        slot=given.get("slot"),
        model=given.get("model"),
        client=given.get("client"),
        status=status,
        failed=_flag("failed", given.get("failed", "false")),
        since=numbers.get("since"),
        before=numbers.get("before"),
        limit=max(1, limit),
        within=slots_of(request),
    )


def _number(name: str, text: str, most: int) -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 19 else -1
    if not 0 <= number <= most:
        raise BadRequest(f"{name} must be a whole number from 0 to {most}.", param=name)
    return number


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false", "1", "0"):
        raise BadRequest(f"{name} must be true or false.", param=name)
    return text in ("true", "1")
