"""Around every request: guard, CORS, and the one place where errors become answers."""

from __future__ import annotations

import itertools
import logging
import math
import re
import secrets

from aiohttp import web
from aiohttp.typedefs import Handler

from router.errors import (
    BadRequest,
    BodyTooLarge,
    ForbiddenOrigin,
    MethodNotAllowed,
    PathNotFound,
    RouterError,
)
from router.server.context import CONTEXT, REQUEST_ID
from router.server.guard import check_host, check_key, check_origin, is_loopback
from router.wire.anthropic import anthropic_error
from router.wire.errors import envelope
from router.wire.ollama_parts import ollama_error

log = logging.getLogger(__name__)

MAX_BODY = 256 * 1024 * 1024
"""Bytes of the largest request body: several photographs in base64."""

# The answer to a request, from the moment its head is made.
_BEGUN = web.RequestKey("begun", web.StreamResponse)
# It is logged and sent back, so it may not pass for more than a name.
_REQUEST_ID = re.compile(r"[!-~]{1,64}")
_RUN = secrets.token_hex(4)
_numbers = itertools.count(1)
_OPEN_PATHS = frozenset({"/health", "/v1/health", "/"})
# Read by POST: Ollama's clients ask for a model's details that way, without a key.
_READ_BY_POST = frozenset({"/api/show"})
_ANTHROPIC = [p + m for p in ("", "/v1") for m in ("/messages", "/messages/count_tokens")]
_OLLAMA = ["/api/" + m for m in ["tags", "show", "ps", "version", "chat", "generate", "embed", "embeddings"]]
_DIALECTS = {**dict.fromkeys(_ANTHROPIC, anthropic_error), **dict.fromkeys(_OLLAMA, ollama_error)}


@web.middleware
async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name the request, refuse foreign pages and missing keys, answer preflights; render RouterError, aiohttp's
    own HTTP errors and bugs in the one envelope."""
    request[REQUEST_ID] = _request_id(request.headers.get("X-Request-Id"))
    try:
        _guard(request)
        if request.method == "OPTIONS":
            return web.Response(status=204)
        return await handler(request)
    except RouterError as error:
        return _told(error, request)
    except web.RequestPayloadError as error:
        return _told(BadRequest(f"The request body cannot be read ({error}); send it again."), request)
    except web.HTTPRequestEntityTooLarge:
        return error_response(_too_large(), request.path)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = error_response(_as_router_error(error, request), request.path)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except ConnectionError:
        raise  # the client left; nobody is there to answer
    except Exception:
        log.exception("bug while answering %s %s", request.method, request.rel_url.raw_path)
        return _told(RouterError("hal0 met an unforeseen error; see the router's log and report it."), request)


def _request_id(given: str | None) -> str:
    """The client's own, if it is no more than a name; else one that no other request of any hal0 has."""
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given
    return f"{_RUN}{next(_numbers):08x}"


def _guard(request: web.Request) -> None:
    """Raise RouterError for foreign pages, missing keys and bodies that are too large."""
    headers = request.headers
    check_host(headers.get("Host"))
    check_origin(headers.get("Origin"))
    keys = request.app[CONTEXT].api_keys
    if (
        keys
        and request.method != "OPTIONS"
        and request.path not in _OPEN_PATHS
        and not _is_local_metadata(request)
    ):
        check_key(headers, keys)
    if (request.content_length or 0) > MAX_BODY:
        # aiohttp would find out only after reading that much.
        raise _too_large()


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Name the request, and let an allowed page read the answer (signal on_response_prepare)."""
    request[_BEGUN] = response
    if (request_id := request.get(REQUEST_ID)) is not None:
        response.headers["X-Request-Id"] = request_id
    origin = request.headers.get("Origin")
    if origin is None:
        return
    try:
        check_origin(origin)
    except ForbiddenOrigin:
        return
    response.headers.update(_cors(origin, request.headers.get("Access-Control-Request-Headers")))


def _told(error: RouterError, request: web.Request) -> web.StreamResponse:
    """The error as the answer. In one that has begun a second head would be taken for its content: there only
    the connection's end can tell."""
    begun: web.StreamResponse | None = request.get(_BEGUN)
    if begun is None:
        return error_response(error, request.path)
    if request.transport is not None:
        request.transport.abort()
    return begun


def error_response(error: RouterError, path: str) -> web.Response:
    """In the words of the dialect that `path` belongs to."""
    body = _DIALECTS.get(path, envelope)(error)
    return web.json_response(body, status=error.status, headers=error_headers(error))


def error_headers(error: RouterError) -> dict[str, str]:
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def _is_local_metadata(request: web.Request) -> bool:
    """Probing clients send no key (CLIENTS.md); what they read is no secret on this computer."""
    reads = request.method in ("GET", "HEAD") or request.path in _READ_BY_POST
    # A proxy on this computer speaks for others.
    proxied = "Forwarded" in request.headers or "X-Forwarded-For" in request.headers
    return reads and not proxied and is_loopback(request.remote)


def _cors(origin: str, asked: str | None) -> dict[str, str]:
    """`asked`: the headers a preflight names; OpenAI's SDK for browsers has its own (x-stainless-*)."""
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": asked or "authorization, content-type, x-api-key",
        "Access-Control-Max-Age": "600",
        "Vary": "Origin",
    }


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"The request body is over {MAX_BODY // 2**20} MiB; send less.")


def _as_router_error(error: web.HTTPException, request: web.Request) -> RouterError:
    if error.status == 404:
        return PathNotFound(f"There is nothing at {request.path}; the OpenAI API is under /v1.")
    if error.status == 405:
        allowed = error.headers.get("Allow", "").replace(",", " or ")
        advice = f"; use {allowed}" if allowed else ""
        return MethodNotAllowed(f"{request.method} is not possible at {request.path}{advice}.")
    return BadRequest(f"{error.reason} ({error.status}).")
