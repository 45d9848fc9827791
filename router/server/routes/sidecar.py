"""The small model API of hal0's predecessor, which its scripts and routers still call.

GET  /models/available   {"models": [{"id", "display_name", "kind", "aliases", "context_length", "size_bytes",
                          "problem", "loaded", "slots"}]}: tokens and bytes; `slots` may hold the model
GET  /models/status      {"slot", "active", "target", "state", "switching", "progress", "last_error", "slots"}:
                         the first chat slot (or `?slot=`); `active` is the model that answers now, else null;
                         `progress` and `slots` are those of /api/state
POST /models/switch      {"model" or "profile": id, "slot": name, "wait": true, "force": false} → {"slot": {}}:
                         as POST /api/slots/{name}/load, by default of the first chat slot
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from router.base.errors import BadRequest, SlotNotFound
from router.config.schema import Kind
from router.orders.kinds import Load
from router.orders.order import decode
from router.server.request.body import read_json
from router.server.request.context import CONTEXT
from router.server.request.within import check_slot, seen
from router.server.routes.orders import give
from router.state import ModelStatus, SlotState, SlotStatus, Snapshot
from router.wire.openai import parse_call
from router.wire.snapshot import slot_json

_FIELDS = ("id", "display_name", "kind", "aliases", "context_length", "size_bytes", "problem")


def add_routes(app: web.Application) -> None:
    app.router.add_get("/models/available", available)
    app.router.add_get("/models/status", status)
    app.router.add_post("/models/switch", switch)


async def available(request: web.Request) -> web.Response:
    snapshot = seen(request)
    return web.json_response({"models": [_model(model, snapshot) for model in snapshot.models]})


async def status(request: web.Request) -> web.Response:
    snapshot = seen(request)
    return web.json_response(_status(_slot(request.query.get("slot"), snapshot), snapshot))


async def switch(request: web.Request) -> web.Response:
    context = request.app[CONTEXT]
    body = parse_call(await read_json(request)).body
    name = body.get("slot")
    if name is not None and not isinstance(name, str):
        raise BadRequest("`slot` must be a slot's name.", param="slot")
    if name and context.store.snapshot.slot(name) is not None:
        check_slot(request, name)
    slot = _slot(name, seen(request))
    asked = {**body, "model": body.get("model") or body.get("profile")}
    return await give(context, decode(Load, {"slot": slot.name}, asked), wait=bool(body.get("wait", True)))


def _slot(name: str | None, snapshot: Snapshot) -> SlotStatus:
    """Return the named one, else the first chat slot."""
    found = (s for s in snapshot.slots if (s.name == name if name else s.kind is Kind.CHAT))
    if (slot := next(found, None)) is not None:
        return slot
    raise SlotNotFound(f'There is no slot "{name}"; see GET /api/state.' if name else "There is no chat slot.")


def _model(model: ModelStatus, snapshot: Snapshot) -> dict[str, Any]:
    slots = [slot.name for slot in snapshot.slots if model.id in slot.choices]
    loaded = any(model.id in slot.loaded for slot in snapshot.slots if slot.state is SlotState.READY)
    fields = {name: getattr(model, name) for name in _FIELDS}
    return {**fields, "loaded": loaded, "slots": slots}


def _status(slot: SlotStatus, snapshot: Snapshot) -> dict[str, Any]:
    document = slot_json(slot)
    return {
        "slot": slot.name,
        "active": slot.model if slot.state is SlotState.READY else None,
        "target": slot.target,
        "state": slot.state,
        "switching": slot.state.switching,
        "progress": document["progress"],
        "last_error": document["last_error"],
        "slots": [slot_json(other) for other in snapshot.slots],
    }
