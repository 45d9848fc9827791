"""llama.cpp's own endpoints: native completions, tokens, and the properties probing clients read."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from router.base.errors import EngineFailed, ModelNotFound, PathNotFound, RouterError, SlotLoading
from router.base.names import shown
from router.catalog.capabilities import input_modalities
from router.config.schema import Kind
from router.resolve import meaning
from router.server.request.context import CONTEXT, Context
from router.server.request.within import seen
from router.server.routes.activity import own_metrics
from router.server.routes.openai import Endpoint, json_handler
from router.state import ModelStatus, SlotState, SlotStatus, Snapshot
from router.wire.encode import EventStream
from router.wire.http1 import Head
from router.wire.llamacpp import NativeAggregate

_STREAM = {"stream": True}
GENERATING = (
    Endpoint("/completion", Kind.CHAT, EventStream, aggregate=NativeAggregate, streaming=_STREAM),
    Endpoint("/infill", Kind.CHAT, EventStream, aggregate=NativeAggregate, streaming=_STREAM),
)
ABOUT_TOKENS = ("/tokenize", "/detokenize", "/apply-template")
READ_FROM_ENGINE = ("/slots", "/metrics", "/lora-adapters")
READ_SECONDS = 5.0
_SENSES = {"vision": "image", "video": "video", "audio": "audio"}


def add_routes(app: web.Application) -> None:
    for endpoint in GENERATING:
        app.router.add_post(endpoint.path, json_handler(endpoint))
    for path in ABOUT_TOKENS:
        app.router.add_post(path, json_handler(Endpoint(path, Kind.CHAT, loads=False)))
    for path in ("/props", "/v1/props"):
        app.router.add_get(path, props)
    for path in READ_FROM_ENGINE:
        app.router.add_get(path, from_engine)
    app.router.add_get("/version", version)


async def version(request: web.Request) -> web.Response:
    return web.json_response({"version": request.app[CONTEXT].store.snapshot.server.version})


async def props(request: web.Request) -> web.Response:
    """Return the engine's own properties when it runs, else what is known of the model it will load.

    Clients read the context length from `default_generation_settings.n_ctx`; it is always the state's.
    """
    context = request.app[CONTEXT]
    about = _about(request, seen(request))
    known: dict[str, Any] = {}
    if isinstance(about, SlotStatus) and about.state is SlotState.READY:
        known = await _ask_engine(context, about, "/props")
    settings = {**known.get("default_generation_settings", {}), "n_ctx": about.context_length}
    serving = about.serving if isinstance(about, SlotStatus) else about.id
    names = {"model_alias": serving, "default_generation_settings": settings}
    known.pop("model_path", None)  # a path of the person's own computer is nobody's business
    defaults = {"total_slots": about.parallel or 1, "chat_template": "", **_modalities(about)}
    return web.json_response({**defaults, **known, **names})


def _modalities(about: SlotStatus | ModelStatus) -> dict[str, Any]:
    """Return the modalities as llama-server does; nothing where they are not known."""
    taken = input_modalities(about.capabilities)
    senses = {name: word in taken for name, word in _SENSES.items()}
    return {"modalities": senses} if about.capabilities else {}


async def from_engine(request: web.Request) -> web.Response:
    """Pass on the answer of the engine of the slot `?model=` names, or the first chat slot. Loads nothing."""
    context = request.app[CONTEXT]
    if request.path == "/metrics" and not request.query.get("model"):
        return await own_metrics(context)
    slot = _about(request, seen(request))
    if isinstance(slot, ModelStatus):
        raise SlotLoading(
            f'Model "{slot.id}" is in no slot now, so no engine can tell {request.path}; load it first.',
            retry_after=2.0,
        )
    if slot.upstream is not None:
        raise PathNotFound(
            f'"{slot.name}" is answered by {slot.upstream}, which hal0 does not ask for {request.path}; '
            "ask that server itself."
        )
    if slot.state is not SlotState.READY:
        raise SlotLoading(
            f'Slot "{slot.name}" has no running engine to read {request.path} from; load its model first.',
            retry_after=2.0,
        )
    head, body = await _get(context, slot, request.path)
    content_type = head.headers.get("content-type", "text/plain")
    return web.Response(status=head.status, body=body, headers={"Content-Type": content_type})


def _about(request: web.Request, snapshot: Snapshot) -> SlotStatus | ModelStatus:
    """Return what a GET is about: a slot, by its name or by the model it holds, a model that is in none, or one
    of a server elsewhere; the first chat slot if not said."""
    asked = request.query.get("model")
    if not asked:
        chat = next((s for s in snapshot.slots if s.kind is Kind.CHAT), None)
        if chat is not None:
            return chat
        raise ModelNotFound("There is no chat slot; name a slot with ?model=.")
    meant = meaning(asked, snapshot)
    if meant is not None and meant.slot is not None:
        return meant.slot
    if meant is not None and meant.upstream is not None:
        return _elsewhere(*meant.upstream, snapshot)
    model = meant.model if meant is not None else None
    found = next((s for s in snapshot.slots if model and model.id in (*s.loaded, s.serving)), None) or model
    if found is None:
        raise ModelNotFound(f'No slot is called or holds "{shown(asked)}"; see GET /v1/models for all ids.')
    return found


def _elsewhere(upstream: str, model: str, snapshot: Snapshot) -> SlotStatus:
    """Return what is known of a server's model, as of a slot that it serves."""
    known = next((u for u in snapshot.upstreams if u.name == upstream), None)
    contexts = dict(zip(known.models, known.context_lengths, strict=False)) if known is not None else {}
    name = f"{upstream}/{model}"
    context = contexts.get(model)
    return SlotStatus(name, Kind.CHAT, SlotState.UNLOADED, model=model, context_length=context, upstream=name)


async def _ask_engine(context: Context, slot: SlotStatus, path: str) -> dict[str, Any]:
    """Return the engine's JSON, {} if it does not answer: metadata is never an error because of it."""
    try:
        head, body = await _get(context, slot, path)
        answer = json.loads(body) if head.status == 200 else {}
    except (RouterError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


async def _get(context: Context, slot: SlotStatus, path: str) -> tuple[Head, bytes]:
    """Ask an engine without a lease: reading must not keep a model from being unloaded. Raises EngineFailed."""
    engine = context.seats.engine_of(slot.name)
    if engine is None:
        raise EngineFailed(f'The engine of slot "{slot.name}" is gone; send the request again.')
    launch = engine.launch
    headers = {"Authorization": f"Bearer {launch.api_key}"} if launch.api_key else {}
    try:
        async with asyncio.timeout(READ_SECONDS):
            asking = context.engines.request("127.0.0.1", launch.port, "GET", path, headers)
            async with await asking as answer:
                return answer.head, await answer.read()
    except (OSError, TimeoutError) as error:
        raise EngineFailed(
            f'The engine of slot "{slot.name}" did not answer {path} ({error or "time-out"}); try again.'
        ) from error
