"""OpenAI's generation endpoints, each also without `/v1`: clients differ in what they take for the base URL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from aiohttp import web

from router.catalog.model import Model
from router.config.schema import Kind
from router.server.request.body import read_body, read_json
from router.server.request.context import DEPLOYMENT
from router.server.request.generate import generate
from router.server.request.parsed_request import ParsedRequest
from router.wire.aggregate import ChatAggregate, CompletionAggregate, ResponsesAggregate
from router.wire.conversation_key import conversation_key
from router.wire.documented import as_taken
from router.wire.documented_chat import refuse_unheard
from router.wire.encode import (
    ChatStream,
    CompletionStream,
    Encoder,
    EventStream,
    JsonAnswer,
)
from router.wire.inputs import Inputs, read_documents, read_inputs
from router.wire.multipart import read_fields, with_field
from router.wire.openai import JsonCall, engine_body, parse_call
from router.wire.preamble import preceded
from router.wire.ranking import Ranking, returned
from router.wire.responses_stream import NumberedResponses
from router.wire.short_vectors import ShortVectors, read_dimensions

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_TEXT = "/v1/completions"
_WITH_USAGE: Mapping[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`stream`, `whole`: makers of the encoders for a streamed and a single answer. With `aggregate` the
    engine is asked to stream (by the fields `streaming`) also for a single answer, and that is put together
    here: only a dropped stream frees the engine at once when the client leaves. `inputs`: what of a body must
    be read as wholes."""

    path: str
    kind: Kind
    stream: Callable[[], Encoder] = EventStream
    whole: Callable[[], Encoder] = JsonAnswer
    aggregate: Callable[[], Encoder] | None = None
    streaming: Mapping[str, Any] = field(default_factory=lambda: _WITH_USAGE)
    loads: bool = True
    inputs: Callable[[Mapping[str, Any]], Inputs | None] | None = None


ENDPOINTS = (
    Endpoint("/v1/chat/completions", Kind.CHAT, ChatStream, aggregate=ChatAggregate),
    Endpoint("/v1/chat/completions/input_tokens", Kind.CHAT, JsonAnswer, loads=False),
    Endpoint(_TEXT, Kind.CHAT, CompletionStream, aggregate=CompletionAggregate),
    Endpoint(
        "/v1/responses",
        Kind.CHAT,
        NumberedResponses,
        aggregate=ResponsesAggregate,
        streaming={"stream": True},
    ),
    Endpoint("/v1/responses/input_tokens", Kind.CHAT, JsonAnswer, loads=False),
    Endpoint("/v1/embeddings", Kind.EMBEDDING, inputs=partial(read_inputs, field="input")),
    Endpoint("/v1/rerank", Kind.RERANK, inputs=read_documents),
    Endpoint("/v1/reranking", Kind.RERANK, inputs=read_documents),
    Endpoint("/v1/audio/speech", Kind.TTS, whole=Encoder),
    Endpoint("/v1/images/generations", Kind.IMAGE),
)
FORMS = {
    "/v1/audio/transcriptions": Kind.STT,
    "/v1/audio/translations": Kind.STT,
    "/v1/images/edits": Kind.IMAGE,
    "/v1/images/variations": Kind.IMAGE,
}


def add_routes(app: web.Application) -> None:
    for endpoint in ENDPOINTS:
        _add(app, endpoint.path, json_handler(endpoint))
    for path, kind in FORMS.items():
        _add(app, path, _form_handler(path, kind))


def _add(app: web.Application, path: str, handler: Handler) -> None:
    app.router.add_post(path, handler)
    app.router.add_post(path.removeprefix("/v1"), handler)


def json_handler(endpoint: Endpoint) -> Handler:
    """Make a handler for any endpoint that takes a JSON object with `model` and `stream`."""

    async def handle(request: web.Request) -> web.StreamResponse:
        call = parse_call(await read_json(request))
        if deployment := request.get(DEPLOYMENT):
            call = replace(call, model=deployment)
        return await generate(request, json_exchange(endpoint, call))

    return handle


def json_exchange(endpoint: Endpoint, call: JsonCall) -> ParsedRequest:
    aggregates = endpoint.aggregate is not None and not call.stream and _can_aggregate(call)
    if call.stream:
        encoder = endpoint.stream()
    else:
        encoder = endpoint.aggregate() if endpoint.aggregate and aggregates else endpoint.whole()
    adds = _added(endpoint.kind, call)
    encoder = adds or encoder
    extra = endpoint.streaming if aggregates else {}
    read = endpoint.inputs

    def begun(model: Model) -> JsonCall:
        if endpoint.path == _TEXT and model.command is None:
            refuse_unheard(call.body)
        return preceded(call, endpoint.path, model.system, model.opening)

    return ParsedRequest(
        endpoint.kind,
        call.model,
        endpoint.path,
        lambda lease: engine_body(
            as_taken(begun(lease.model), endpoint.path), lease.model.id, lease.model.rules, extra
        ),
        lambda model: engine_body(call, model, {}),
        encoder,
        loads=endpoint.loads,
        remote_encoder=endpoint.whole if aggregates or adds else None,
        inputs=None if read is None else lambda: read(call.body),
        cut_body=lambda lease, inputs: engine_body(
            call, lease.model.id, lease.model.rules, {inputs.field: inputs.value}
        ),
        streams=call.stream,
        takes_base64=call.body.get("encoding_format") == "base64",
        conversation=lambda: conversation_key(call.body),
    )


def _added(kind: Kind, call: JsonCall) -> Encoder | None:
    """Return the encoder that does what llama-server has passed over; servers elsewhere do it themselves."""
    if kind is Kind.EMBEDDING and (dimensions := read_dimensions(call.body)) is not None:
        return ShortVectors(dimensions)
    if kind is Kind.RERANK and (documents := returned(call.body)) is not None:
        return Ranking(documents)
    return None


def _can_aggregate(call: JsonCall) -> bool:
    """Return whether one answer is asked for: several in one stream cannot be told apart and put together."""
    return call.body.get("n") in (None, 1) and not isinstance(call.body.get("prompt"), list)


def _form_handler(path: str, kind: Kind) -> Handler:
    """Multipart: the body goes on byte for byte; only its `model` field is read."""

    async def handle(request: web.Request) -> web.StreamResponse:
        raw = await read_body(request)
        content_type = request.headers.get("Content-Type", "")
        fields = read_fields(content_type, raw, ("model", "response_format", "stream"))
        encoder: Encoder = JsonAnswer()
        if fields.get("stream") == "true":
            encoder = EventStream()
        elif fields.get("response_format", "json") not in ("json", "verbose_json", "b64_json", "url"):
            encoder = Encoder()
        parsed = ParsedRequest(
            kind,
            request.get(DEPLOYMENT) or fields.get("model"),
            path,
            lambda _lease: raw,
            lambda model: with_field(content_type, raw, "model", model),
            encoder,
            content_type,
            streams=fields.get("stream") == "true",
        )
        return await generate(request, parsed)

    return handle
