"""The control API: the state object as JSON and as events, and a person's commands."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from aiohttp import web

from router.config.change import REMOVE, ConfigChange
from router.config.problems import did_you_mean
from router.errors import BadRequest, ModelNotFound, PathNotFound, SlotNotFound
from router.files import tail
from router.names import shown, speakable
from router.remote.link import HEADER as HEARTBEAT_HEADER
from router.remote.names import all_places, find_slot
from router.resolve import model_called
from router.server.body import read_json
from router.server.context import CONTEXT, Context, Settings
from router.server.model_fits import models_json
from router.tasks import spawn
from router.wire.config import config_json
from router.wire.snapshot import change_json, slot_json, snapshot_json

T = TypeVar("T")
HEARTBEAT_SECONDS = 15.0
LEAST_HEARTBEAT = 0.1


def add_routes(app: web.Application) -> None:
    app.router.add_get("/api/state", state)
    app.router.add_get("/api/models", models)
    app.router.add_get("/api/events", events, allow_head=False)  # its head would never end
    app.router.add_get("/api/log", router_log)
    app.router.add_get("/api/slots/{slot}/logs", logs)
    app.router.add_get("/api/slots/{slot}/command", engine_command)
    app.router.add_post("/api/slots/{slot}/load", load)
    app.router.add_post("/api/slots/{slot}/unload", unload)
    app.router.add_post("/api/slots/{slot}/restart", restart)
    app.router.add_post("/api/slots/{slot}/{order:cancel|cut|wait}", turn)
    app.router.add_post("/api/unload", unload_all)
    app.router.add_get("/api/config", read_config)
    app.router.add_post("/api/config", edit_config)
    app.router.add_post("/api/reload", reload)


async def state(request: web.Request) -> web.Response:
    return web.json_response(snapshot_json(request.app[CONTEXT].store.snapshot))


async def models(request: web.Request) -> web.Response:
    return web.json_response(models_json(request.app[CONTEXT].store.snapshot))


async def logs(request: web.Request) -> web.Response:
    context = request.app[CONTEXT]
    return web.json_response({"lines": await context.orders.logs(request.match_info["slot"])})


async def router_log(request: web.Request) -> web.Response:
    """hal0's own last lines; secrets are never in them."""
    file = request.app[CONTEXT].log_file
    if file is None:
        raise PathNotFound("This endpoint writes no log.")
    return web.json_response({"lines": await asyncio.to_thread(tail, file)})


async def engine_command(request: web.Request) -> web.Response:
    """The exact command line of the slot's engine; [] while none runs."""
    command = await request.app[CONTEXT].orders.engine_command(request.match_info["slot"])
    return web.json_response({"command": [speakable(part) for part in command]})


async def events(request: web.Request) -> web.StreamResponse:
    """Server-sent events: one `snapshot`, then `change` with only what differs. Slow readers skip steps.

    `?heartbeat=5`: a comment at least so often, in seconds; the header of that name confirms it.
    """
    store = request.app[CONTEXT].store
    heartbeat = _heartbeat(request.query.get("heartbeat"))
    changed = asyncio.Event()
    headers = {HEARTBEAT_HEADER: f"{heartbeat:g}", "Cache-Control": "no-cache"}
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **headers})
    await response.prepare(request)
    unsubscribe = store.subscribe(lambda _snapshot: changed.set())
    try:
        sent = store.snapshot
        await response.write(_event("snapshot", snapshot_json(sent)))
        while request.transport is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(heartbeat):
                    await changed.wait()
            if not changed.is_set():
                await response.write(b": still here\n\n")
            changed.clear()
            if store.snapshot is not sent:
                await response.write(_event("change", change_json(sent, store.snapshot)))
                sent = store.snapshot
    finally:
        unsubscribe()
    return response


async def load(request: web.Request) -> web.Response:
    """Body: `{"model": id, "wait": true, "force": false}`. Answers when the model is ready; with `wait` false,
    at once. With `force` even if its memory is not there."""
    slot = request.match_info["slot"]
    return await load_into(request.app[CONTEXT], slot, await json_object(request))


async def load_into(context: Context, slot: str, body: Mapping[str, Any]) -> web.Response:
    """What `load` does, for whoever knows the slot another way."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise BadRequest('Say which model to load: {"model": "<id>"}.', param="model")
    place = find_slot(context.store.snapshot, slot)
    snapshot = place.snapshot if place else context.store.snapshot
    known = model_called(model, snapshot)
    if known is None:
        hint = did_you_mean(model, [there.id for there in snapshot.models])
        said = f'There is no model "{shown(model)}"; see GET /v1/models for all ids.{hint}'
        raise ModelNotFound(said, param="model")
    force = body.get("force", False)
    if not isinstance(force, bool):
        raise BadRequest("`force` must be true or false.", param="force")
    return await _command(context, slot, partial(context.orders.load, slot, known.id, force), body)


async def unload(request: web.Request) -> web.Response:
    context, slot = request.app[CONTEXT], request.match_info["slot"]
    command = partial(context.orders.unload, slot)
    return await _command(context, slot, command, await json_object(request))


async def restart(request: web.Request) -> web.Response:
    context, slot = request.app[CONTEXT], request.match_info["slot"]
    command = partial(context.orders.restart, slot)
    return await _command(context, slot, command, await json_object(request))


async def turn(request: web.Request) -> web.Response:
    """`cancel` gives up the switch under way; `cut` ends the requests it waits for, `wait` gives them all
    the time they need. Without a switch, or requests that are waited for, nothing happens."""
    context, slot = request.app[CONTEXT], request.match_info["slot"]
    orders = {"cancel": context.orders.cancel, "cut": context.orders.cut, "wait": context.orders.wait}
    await orders[request.match_info["order"]](slot)
    return _slot_response(context, slot, 200)


async def unload_all(request: web.Request) -> web.Response:
    context = request.app[CONTEXT]
    await asyncio.shield(detached(context.commands.unload_all, "unload all"))
    return web.json_response(snapshot_json(context.store.snapshot))


async def read_config(request: web.Request) -> web.Response:
    """hal0.yaml as it lies on the disk, its keys hidden."""
    return await _config_response(_settings(request))


async def edit_config(request: web.Request) -> web.Response:
    """Body: `{"changes": [{"path": [...], "value": ...}, {"path": [...], "remove": true}]}`."""
    settings = _settings(request)
    changes = parse_changes((await json_object(request)).get("changes"))
    await asyncio.shield(detached(partial(settings.edit_config, changes), "edit hal0.yaml"))
    return await _config_response(settings)


async def reload(request: web.Request) -> web.Response:
    """Answers when hal0.yaml is in effect; engines that must restart may still be at it."""
    await asyncio.shield(detached(_settings(request).reload, "reload hal0.yaml"))
    return web.json_response(snapshot_json(request.app[CONTEXT].store.snapshot))


def parse_changes(written: Any) -> list[ConfigChange]:
    """The changes of a request. Raises BadRequest."""
    if not isinstance(written, list) or not written:
        raise BadRequest('Say what to change: {"changes": [{"path": [...], "value": ...}]}.', param="changes")
    return [_parse_change(item) for item in written]


def _parse_change(item: Any) -> ConfigChange:
    path = item.get("path") if isinstance(item, dict) else None
    names = path if isinstance(path, list) and all(isinstance(n, str) and n for n in path) else []
    if not names or ("value" in item) is (item.get("remove") is True):
        raise BadRequest(
            'Each change needs "path", a list of names, and either "value" or "remove": true.', param="changes"
        )
    return ConfigChange(tuple(names), item.get("value", REMOVE))


def _settings(request: web.Request) -> Settings:
    settings = request.app[CONTEXT].settings
    if settings is None:
        raise PathNotFound("This endpoint has no configuration file.")
    return settings


async def _config_response(settings: Settings) -> web.Response:
    document = await settings.read_config()
    file = {"file": speakable(str(document.file)), "exists": document.exists, "text": document.text}
    return web.json_response({**file, "config": config_json(document.config)})


async def _command(
    context: Context, slot: str, command: Callable[[], Awaitable[None]], body: Mapping[str, Any]
) -> web.Response:
    """The command goes on when the caller leaves: a closed terminal must not stop a switch."""
    if find_slot(context.store.snapshot, slot) is None:
        there = [place.slot.name for place in all_places(context.store.snapshot)]
        names, hint = ", ".join(there) or "none", did_you_mean(slot, there)
        raise SlotNotFound(f'There is no slot "{slot}"; there are: {names}.{hint}')
    running = detached(command, f"command for {slot}")
    if body.get("wait", True):
        await asyncio.shield(running)
        return _slot_response(context, slot, 200)
    await asyncio.sleep(0)  # let it begin, so that the answer shows it
    return _slot_response(context, slot, 202)


def detached(command: Callable[[], Awaitable[T]], name: str) -> asyncio.Task[T]:
    """`command` as a task that goes on when the caller leaves, if that shields it."""

    async def run() -> T:
        return await command()

    return spawn(run(), name=name)


def _slot_response(context: Context, slot: str, status: int) -> web.Response:
    place = find_slot(context.store.snapshot, slot)
    # Another hal0 may have been lost meanwhile, and a slot may have left.
    return web.json_response({"slot": slot_json(place.slot) if place else None}, status=status)


def _heartbeat(asked: str | None) -> float:
    """Seconds between two signs of life."""
    try:
        seconds = float(asked) if asked is not None else HEARTBEAT_SECONDS
    except ValueError:
        raise BadRequest("heartbeat is a number of seconds.", param="heartbeat") from None
    return min(HEARTBEAT_SECONDS, max(LEAST_HEARTBEAT, seconds)) if seconds == seconds else HEARTBEAT_SECONDS


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body; {} if there is none. Raises BadRequest."""
    raw = await read_json(request)
    try:
        body = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The request body is not valid JSON ({error}).") from error
    if not isinstance(body, dict):
        raise BadRequest("The request body must be a JSON object.")
    return body


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
