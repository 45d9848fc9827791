"""Which requests are recorded, and the one record of each, however it ends.

Those that a model is to answer, in every dialect; and what is sent to a path that there is not. Not what is
only read, nor what hal0 itself is told: a page that looks every second would leave nothing else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from aiohttp import web

from router.activity.record import Outcome
from router.activity.recording import Recording
from router.activity.tallies import UNKNOWN
from router.server.request.context import BEGUN, RECORDING, REQUEST_ID, Context
from router.server.routes import anthropic, llamacpp, ollama, openai

CLIENT_LEFT: Final = 499
"""The status of a request whose client left before anything was sent (nginx's)."""

STOPPED: Final = 503


def _dialects() -> Mapping[str, str]:
    """Of each path, in all its spellings."""
    openai_paths = [*(endpoint.path for endpoint in openai.ENDPOINTS), *openai.FORMS]
    anthropic_paths = [anthropic.MESSAGES.path, anthropic.COUNT_TOKENS.path]
    own = [*(endpoint.path for endpoint in llamacpp.GENERATING), *llamacpp.ABOUT_TOKENS]
    named = {
        "openai": openai_paths,
        "anthropic": anthropic_paths,
        "llama.cpp": own,
        "ollama": list(ollama.ASKED),
    }
    found = {path: dialect for dialect, paths in named.items() for path in paths}
    return MappingProxyType(found | {path.removeprefix("/v1"): dialect for path, dialect in found.items()})


DIALECTS: Final = _dialects()


def begin(request: web.Request, context: Context) -> Recording | None:
    """None for a request that is not recorded."""
    route = request.match_info.route
    try:
        known = context.recorded[route]
    except KeyError:
        known = _found(request)
        if route.resource is not None:  # those of paths that there are not are made anew for each request
            context.recorded[route] = known
    if known is None:
        return None
    context.activity.begin()
    recording = request[RECORDING] = Recording(
        request[REQUEST_ID],
        request.remote or "",
        request.headers.get("User-Agent", ""),
        known[1],
        known[0],
        context.activity.body_size,
    )
    return recording


def _found(request: web.Request) -> tuple[str, str] | None:
    """Its dialect and path."""
    if request.method != "POST":
        return None
    resource = request.match_info.route.resource
    if resource is None:
        return UNKNOWN, request.path
    dialect = DIALECTS.get(resource.canonical)
    return None if dialect is None else (dialect, resource.canonical)


def answered(context: Context, recording: Recording, response: web.StreamResponse) -> None:
    """Note that the request is over: it has an answer, or an error in its place."""
    if not recording.bytes_out and isinstance(response, web.Response) and isinstance(response.body, bytes):
        recording.bytes_out = len(response.body)
    recording.ended = time.perf_counter()
    recording.status = response.status
    context.activity.end(recording)


def broken(request: web.Request, context: Context, recording: Recording, error: BaseException) -> None:
    """Note that the request is over: `error` ended it, and nobody is told."""
    begun = request.get(BEGUN)
    status, recording.broke = _why(request, error, context)
    recording.ended = time.perf_counter()
    recording.status = status if begun is None else begun.status
    context.activity.end(recording)


def _why(request: web.Request, error: BaseException, context: Context) -> tuple[int, Outcome]:
    if context.stopping:
        return STOPPED, Outcome.STOPPED
    if has_left(request) or isinstance(error, ConnectionError):
        return CLIENT_LEFT, Outcome.LEFT
    if isinstance(error, asyncio.CancelledError):
        return STOPPED, Outcome.STOPPED
    return 500, Outcome.BROKEN


def has_left(request: web.Request) -> bool:
    """Whether nobody is there to answer."""
    return request.transport is None or request.transport.is_closing()
