"""Ollama's API, for clients that speak nothing else. Lists and descriptions never wake a model."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from router.base.errors import BadRequest
from router.config.schema import Kind
from router.resolve import meaning
from router.server.request.body import read_json
from router.server.request.context import CONTEXT
from router.server.request.generate import generate
from router.server.request.parsed_request import ParsedRequest
from router.server.request.within import named_key, route_for, seen
from router.server.routes.metadata import listed_rows, row_of
from router.slots.lease import Lease
from router.wire.conversation_key import conversation_key
from router.wire.inputs import Inputs, read_inputs
from router.wire.ollama import OllamaCall, chat_call, embed_call, embeddings_call, generate_call
from router.wire.ollama_answer import Document, Lines
from router.wire.ollama_models import running, shown, tags
from router.wire.ollama_parts import message_part, response_part
from router.wire.ollama_vectors import Embeddings, OneEmbedding
from router.wire.openai import JsonCall, engine_body, parse_call
from router.wire.preamble import preceded

ASKED = ("/api/chat", "/api/generate", "/api/embed", "/api/embeddings")
"""What a model is to answer."""

VERSION = "0.12.6"
"""The Ollama whose API this is. Copilot refuses those before 0.6.4; hal0's own version is at /version."""


def add_routes(app: web.Application) -> None:
    gets = {"/api/tags": list_tags, "/api/ps": list_running, "/api/version": version, "/api/show": show}
    posts = {
        "/api/show": show,
        "/api/chat": chat,
        "/api/generate": complete,
        "/api/embed": embed,
        "/api/embeddings": embeddings,
    }
    for path, handler in gets.items():
        app.router.add_get(path, handler)
    for path, handler in posts.items():
        app.router.add_post(path, handler)


# -- about models ------------------------------------------------------------------------------------------


async def version(_request: web.Request) -> web.StreamResponse:
    return web.json_response({"version": VERSION})


async def list_tags(request: web.Request) -> web.StreamResponse:
    snapshot = seen(request)
    return web.json_response(tags(listed_rows(snapshot), snapshot))


async def list_running(request: web.Request) -> web.StreamResponse:
    snapshot = seen(request)
    return web.json_response(running(listed_rows(snapshot), snapshot))


async def show(request: web.Request) -> web.StreamResponse:
    """`model` or `name`: in the body of a POST, in the query of a GET; clients differ."""
    given: Any = (
        request.query if request.method != "POST" else parse_call(await read_json(request) or b"{}").body
    )
    name = given.get("model") or given.get("name") or ""
    if not isinstance(name, str):
        raise BadRequest("`name` must be a string: a slot's name or a model's id.", param="name")
    snapshot = seen(request)
    return web.json_response(shown(row_of(name, snapshot), snapshot))


# -- generating --------------------------------------------------------------------------------------------


async def chat(request: web.Request) -> web.StreamResponse:
    return await _answer(request, chat_call(parse_call(await read_json(request))), message_part)


async def complete(request: web.Request) -> web.StreamResponse:
    return await _answer(request, generate_call(parse_call(await read_json(request))), response_part)


async def embed(request: web.Request) -> web.StreamResponse:
    call = embed_call(parse_call(await read_json(request)))
    name = _name(request, call, Kind.EMBEDDING)
    encoder = Embeddings(_called(request, name), call.dimensions, inputs=call.inputs)
    return await _exchange(request, call, name, Kind.EMBEDDING, encoder)


async def embeddings(request: web.Request) -> web.StreamResponse:
    call = embeddings_call(parse_call(await read_json(request)))
    name = _name(request, call, Kind.EMBEDDING)
    return await _exchange(request, call, name, Kind.EMBEDDING, OneEmbedding(_called(request, name)))


async def _answer(request: web.Request, call: OllamaCall, part: Any) -> web.StreamResponse:
    name = _name(request, call, Kind.CHAT)
    reason = "unload" if call.unloads else "load" if call.body is None else None
    encoder = (Lines if call.stream else Document)(call.dialect, part, _called(request, name), done=reason)
    return await _exchange(request, call, name, Kind.CHAT, encoder)


def _name(request: web.Request, call: OllamaCall, kind: Kind) -> str:
    """Return the name of the model that is asked."""
    return call.model or route_for(named_key(request), None, kind, request.app[CONTEXT].store.snapshot).slot


def _called(request: web.Request, name: str) -> str:
    """Return what hal0 calls `name`; `name` itself where that is nobody, which the answer will say."""
    meant = meaning(name, seen(request))
    return meant.name if meant is not None else name


async def _exchange(
    request: web.Request,
    call: OllamaCall,
    name: str,
    kind: Kind,
    encoder: Lines | Document | Embeddings | OneEmbedding,
) -> web.StreamResponse:
    if call.unloads:
        # Said, not done: others may be using the slot. A person unloads from the tray or /api/slots.
        row_of(name, seen(request))
        return web.Response(body=encoder.finish(), headers={"Content-Type": encoder.content_type or ""})
    asked = JsonCall(call.body or {}, name, True)

    def body(lease: Lease) -> bytes:
        encoder.served_by(lease.model.id)
        begun = preceded(asked, call.path, lease.model.system, lease.model.opening)
        return engine_body(begun, lease.model.id, lease.model.rules)

    def remote_body(model: str) -> bytes:
        encoder.served_by(model)
        return engine_body(asked, model, {})

    def cut_body(lease: Lease, inputs: Inputs) -> bytes:
        return engine_body(asked, lease.model.id, lease.model.rules, {inputs.field: inputs.value})

    parsed = ParsedRequest(
        kind,
        name,
        call.path,
        body,
        remote_body,
        encoder,
        inputs=lambda: (
            read_inputs(asked.body, "input", cuts=call.truncates) if kind is Kind.EMBEDDING else None
        ),
        cut_body=cut_body,
        streams=bool(asked.body.get("stream")),
        takes_base64=False,
        conversation=lambda: conversation_key(asked.body),
    )
    return await generate(request, parsed)
