"""What clients ask before they chat: the model list, health, and a page that says where they are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from aiohttp import web

from router.base.errors import ModelNotFound
from router.base.names import shown
from router.catalog.capabilities import input_modalities
from router.config.schema import Kind
from router.resolve import Meaning, meaning
from router.server.request.context import CONTEXT
from router.server.request.within import seen
from router.server.routes import page
from router.state import ModelStatus, SlotState, SlotStatus, Snapshot, UpstreamState, UpstreamStatus

_CREATED = int(time.time())


def add_routes(app: web.Application) -> None:
    app.router.add_get("/", front)
    app.router.add_get("/v1", index)
    app.router.add_get("/health", health)
    app.router.add_get("/v1/health", health)
    for prefix in ("", "/v1"):
        app.router.add_get(prefix + "/models", list_models)
        app.router.add_get(prefix + "/models/{id:.+}", one_model)


async def front(request: web.Request) -> web.Response:
    """Give browsers the page and programs the index."""
    return await page.front(request) if page.is_wanted(request) else await index(request)


async def index(request: web.Request) -> web.Response:
    """Return something helpful for a person or client that tries the bare address."""
    snapshot = seen(request)
    base = f"{snapshot.server.url}/v1"
    return web.json_response(
        {
            "name": "hal0",
            "version": snapshot.server.version,
            "openai_base_url": base,
            "slots": {slot.name: slot.serving for slot in snapshot.slots},
            "help": f"Point an OpenAI client at {base} and use a slot's name as the model. "
            "State: /api/state. Models: /v1/models.",
        },
        headers={"Vary": "Accept"},
    )


async def health(_request: web.Request) -> web.Response:
    """Report health: hal0 itself is well if it answers; slots are in /api/state."""
    return web.json_response({"status": "ok"})


async def list_models(request: web.Request) -> web.Response:
    """List what was last seen: what servers elsewhere have is looked at for the next time."""
    context = request.app[CONTEXT]
    context.upstreams.look()
    return web.json_response({"object": "list", "data": listed_rows(seen(request))})


async def one_model(request: web.Request) -> web.Response:
    wanted = request.match_info["id"]
    return web.json_response(row_of(wanted, seen(request)))


def row_of(asked: str, snapshot: Snapshot) -> dict[str, Any]:
    """Return the row of /v1/models that `asked` is about, as a request would be routed; "" is the first chat
    slot (a 404 makes Hermes guess 256k tokens). Raises ModelNotFound."""
    if asked:
        meant = meaning(asked, snapshot)
    else:
        meant = next((Meaning(slot) for slot in snapshot.slots if slot.kind is Kind.CHAT), None)
    row = next((row for row in model_rows(snapshot) if meant is not None and row["id"] == meant.name), None)
    if row is not None:
        return row
    what = f'There is no model or slot "{shown(asked)}"' if asked else "There is no chat slot"
    raise ModelNotFound(f"{what}; see GET /v1/models for all ids.", param="model")


def listed_rows(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return the rows that clients are told of; the others are there for those that know their names."""
    unlisted = {model.id for model in snapshot.models if not model.listed}
    return [row for row in model_rows(snapshot) if row["id"] not in unlisted]


def model_rows(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return the row of each name: slots first (their names are stable), then models, then those of servers
    elsewhere as `upstream/model`, if those may be asked; each id once."""
    rows = {slot.name: _slot_row(slot) for slot in snapshot.slots}
    for model in snapshot.models:
        if model.id not in rows:
            rows[model.id] = _model_row(model, snapshot)
    for upstream in () if snapshot.local_only else snapshot.upstreams:
        for row in _upstream_rows(upstream):
            if snapshot.model(row["id"]) is None:  # what is here wins
                rows.setdefault(row["id"], row)
    return list(rows.values())


def _slot_row(slot: SlotStatus) -> dict[str, Any]:
    row = _row(slot.name, slot.context_length, _status(slot), kind=slot.kind, model=slot.serving)
    return row | _abilities(slot.capabilities)


def _model_row(model: ModelStatus, snapshot: Snapshot) -> dict[str, Any]:
    holding = next((s for s in snapshot.slots if model.id in s.loaded), None)
    coming = next((s for s in snapshot.slots if s.state.switching and s.target == model.id), None)
    context = holding.context_length if holding and holding.state is SlotState.READY else None
    slot = holding or coming
    status = _status(slot) if slot else "unloaded"
    row = _row(model.id, context or model.context_length, status, kind=model.kind, model=model.id)
    if model.aliases:
        row["aliases"] = list(model.aliases)
    if model.metadata:
        row["metadata"] = dict(model.metadata)
    return row | _abilities(model.capabilities)


def _abilities(capabilities: tuple[str, ...]) -> dict[str, Any]:
    """Word capabilities as Ollama does, and as llama-server does (and OpenRouter, which has the same fields);
    nothing where they are not known."""
    if not capabilities:
        return {}
    architecture = {"input_modalities": input_modalities(capabilities), "output_modalities": ["text"]}
    return {"capabilities": list(capabilities), "architecture": architecture}


def _upstream_rows(upstream: UpstreamStatus) -> Iterator[dict[str, Any]]:
    status = {UpstreamState.OK: "loaded", UpstreamState.DOWN: "failed"}.get(upstream.state, "unloaded")
    for model, context in zip_longest(upstream.models, upstream.context_lengths[: len(upstream.models)]):
        row = _row(f"{upstream.name}/{model}", context, status, kind=None, model=model)
        yield {**row, "owned_by": upstream.name}


def _row(id_: str, context: int | None, status: str, **more: Any) -> dict[str, Any]:
    row = {"id": id_, "object": "model", "created": _CREATED, "owned_by": "hal0"}
    return {**row, "context_length": context, "status": {"value": status}, **more}


def _status(slot: SlotStatus) -> str:
    """llama-server's router mode uses the same words."""
    if slot.state.switching:
        return "loading"
    return {SlotState.READY: "loaded", SlotState.FAILED: "failed"}.get(slot.state, "unloaded")
