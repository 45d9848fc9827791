"""Around every request: guard, CORS, and the one place where errors become answers."""

from __future__ import annotations

import itertools
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from router.base.errors import (
    BadRequest,
    ForbiddenOrigin,
    MethodNotAllowed,
    NotAllowed,
    PathNotFound,
    RouterError,
    Unauthorized,
)
from router.config.schema import ApiKeyConfig, Permission
from router.server import session
from router.server.guard import (
    Given,
    Key,
    check_host,
    check_key,
    check_origin,
    given_key,
    is_loopback,
    sends_key,
    without_dot,
)
from router.server.paths import OLLAMA_STORE, PATHS, Paths
from router.server.recorder import answered, begin, broken, has_left
from router.server.request.body import MAX_BODY, error_headers, too_large
from router.server.request.context import (
    BEGUN,
    CONTEXT,
    NAMED_KEY,
    OBSERVES,
    RECORDING,
    REQUEST_ID,
    TARGET,
    Context,
)
from router.server.request.faults import Fault, words_of
from router.server.scope import check_scope
from router.wire.anthropic import anthropic_error
from router.wire.errors import envelope
from router.wire.ollama_parts import ollama_error

log = logging.getLogger(__name__)

# The Origin of a page that may read the answer.
_PAGE = web.RequestKey("page", str)
# It is logged and sent back, so it may not pass for more than a name.
_REQUEST_ID = re.compile(r"[!-~]{1,64}")
_RUN = secrets.token_hex(4)
_numbers = itertools.count(1)
_OPEN_PATHS = frozenset({"/health", "/v1/health", "/", "/api/login", "/api/logout"})
_OPEN_FILES = "/page/"  # the page's own; what they show has to be asked for
# Read by POST: Ollama's clients ask for a model's details that way, without a key.
_READ_BY_POST = frozenset({"/api/show"})
_ANTHROPIC = ("/v1/messages/", "/messages/")
_OLLAMA_ASKS = ("tags", "show", "ps", "version", "chat", "generate", "embed", "embeddings")
_OLLAMA = OLLAMA_STORE.union(f"/api/{name}" for name in _OLLAMA_ASKS)


@web.middleware
async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name the request, and write down how it went."""
    request[REQUEST_ID] = _request_id(request.headers.get("X-Request-Id"))
    context = request.app[CONTEXT]
    recording = begin(request, context)
    if recording is None:
        return await _answer(request, handler, context)
    try:
        response = await _answer(request, handler, context)
    except BaseException as error:
        broken(request, context, recording, error)
        raise
    answered(context, recording, response)
    return response


def refused(error: RouterError, request: web.Request) -> web.StreamResponse:
    """Answer a request that aiohttp itself refused, before it came to `gate`."""
    request[REQUEST_ID] = _request_id(request.headers.get("X-Request-Id"))
    context = request.app[CONTEXT]
    recording, response = begin(request, context), _error_answer(error, request)
    if recording is not None:
        answered(context, recording, response)
    return response


async def _answer(request: web.Request, handler: Handler, context: Context) -> web.StreamResponse:
    """Refuse foreign pages and missing keys, answer preflights; render RouterError, aiohttp's own HTTP errors
    and bugs in the one envelope."""
    try:
        _guard(request, context)
        if request.method == "OPTIONS":
            return _options(request)
        return await handler(request)
    except RouterError as error:
        if isinstance(error, Unauthorized | ForbiddenOrigin | NotAllowed):
            what = f"{error.status} for {request.method} {request.path}: {error.message}"
            context.faults.note(Fault.REFUSED, request.remote, what)
        return _error_answer(error, request)
    except web.RequestPayloadError as error:
        reason = words_of(error)
        context.faults.note(Fault.BODY, request.remote, reason)
        return _error_answer(BadRequest(f"The request body cannot be read ({reason}); send it again."), request)
    except web.HTTPRequestEntityTooLarge:
        return _error_answer(too_large(), request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = _error_answer(_as_router_error(error, request), request)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except Exception as error:
        if isinstance(error, ConnectionError) and has_left(request):
            raise  # nobody is there to answer
        log.exception("bug while answering %s %s", request.method, request.rel_url.raw_path)
        return _error_answer(
            RouterError("hal0 met an unforeseen error; see hal0's log and report it."), request
        )


def _request_id(given: str | None) -> str:
    """Return the client's own id if it is no more than a name, else one that no other request of any hal0
    has."""
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given
    return f"{_RUN}{next(_numbers):08x}"


def _guard(request: web.Request, context: Context) -> None:
    """Raise RouterError for foreign pages, missing keys and bodies that are too large."""
    headers = request.headers
    keys, host, origin = context.api_keys, without_dot(headers.get("Host", "")), headers.get("Origin")
    given = (given_key(headers, keys) or _session(request, keys)) if keys else None
    key = given.how if given is not None else None
    if keys and _is_preflight(request) and sends_key(headers.get("Access-Control-Request-Headers", "")):
        key = Key.EXPLICIT  # it will come with the request itself, which is refused without
    if key is not Key.EXPLICIT:
        check_origin(origin, context.allowed_origins, host)
    if origin is not None:
        request[_PAGE] = origin
    if keys and key is None and _needs_key(request):
        check_key(headers, keys, request.query)
    if key is None or (key is Key.AMBIENT and origin is not None):
        for name in (host, without_dot(request.get(TARGET, ""))):
            if name:  # browsers always name one; a client that names none is a program
                check_host(name, context.allowed_hosts)
    if given is not None and (named := context.named_keys.get(given.key)) is not None:
        _limit(request, named)
    if request.path == "/":
        request[OBSERVES] = not keys or _observes(request, given, context)
    if (request.content_length or 0) > MAX_BODY:
        # aiohttp would find out only after reading that much.
        raise too_large()


def _observes(request: web.Request, given: Given | None, context: Context) -> bool:
    """Return whether the state is for whoever sent this: it comes with the page."""
    if given is None:
        return _is_local_metadata(request)
    named = context.named_keys.get(given.key)
    return named is None or named.allows(Permission.OBSERVE)


def _limit(request: web.Request, named: ApiKeyConfig) -> None:
    """Note whose key it is. Raises NotAllowed; what needs no key is nobody refused."""
    request[NAMED_KEY] = named
    if (recording := request.get(RECORDING)) is not None:
        recording.key = named.name
    if _needs_key(request):
        check_scope(named, request)


def _session(request: web.Request, keys: tuple[str, ...]) -> Given | None:
    """Find the key that this browser has shown before; only hal0's own page may use it."""
    cookie = request.cookies.get(session.COOKIE) if "Cookie" in request.headers else None
    if cookie is None or not session.is_own_page(request.headers):
        return None
    key = session.key_of(cookie, keys, time.time())
    return Given(key, Key.AMBIENT) if key is not None else None


def _needs_key(request: web.Request) -> bool:
    path = request.path
    open_to_all = request.method == "OPTIONS" or path in _OPEN_PATHS or path.startswith(_OPEN_FILES)
    return not open_to_all and not _is_local_metadata(request)


def _is_preflight(request: web.Request) -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def _options(request: web.Request) -> web.Response:
    """Raise what a path that is not there does, except for a preflight: its page could read no reason."""
    refusal = request.match_info.http_exception
    if refusal is not None and refusal.status == 404 and not _is_preflight(request) and request.path != "*":
        raise refusal
    allowed = refusal.headers.get("Allow", "") if refusal is not None else ""
    return web.Response(status=204, headers={"Allow": allowed} if allowed else None)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Name the request, and let an allowed page read the answer (signal on_response_prepare)."""
    request[BEGUN] = response
    if (request_id := request.get(REQUEST_ID)) is not None:
        response.headers["X-Request-Id"] = request_id
    if "Origin" in request.headers and (origin := request.get(_PAGE)) is not None:
        response.headers.update(_cors(origin, request.headers))


def _error_answer(error: RouterError, request: web.Request) -> web.StreamResponse:
    """Answer with the error. In one that has begun a second head would be taken for its content: there only
    the connection's end can tell."""
    begun: web.StreamResponse | None = request.get(BEGUN)
    if (recording := request.get(RECORDING)) is not None:
        recording.failed(error, late=begun is not None)
    if begun is None:
        return error_response(error, request.path)
    if request.transport is not None:
        request.transport.abort()
    return begun


def error_response(error: RouterError, path: str) -> web.Response:
    """Answer with an error in the dialect that `path` belongs to."""
    body = _teller(path)(error)
    return web.json_response(body, status=error.status, headers=error_headers(error))


def _teller(path: str) -> Callable[[RouterError], dict[str, Any]]:
    """Return the dialect's way to tell an error, also of paths below its own that there are not."""
    if f"{path}/".startswith(_ANTHROPIC):
        return anthropic_error
    return ollama_error if path in _OLLAMA or path.startswith("/api/blobs/") else envelope


def _is_local_metadata(request: web.Request) -> bool:
    """Return whether a request may come without a key: probing clients send none, Hermes among them, and what
    they read is no secret on this computer."""
    reads = request.method in ("GET", "HEAD") or request.path in _READ_BY_POST
    # A proxy on this computer speaks for others.
    proxied = "Forwarded" in request.headers or "X-Forwarded-For" in request.headers
    # What others asked of this computer is none of their business.
    private = request.path.startswith("/api/activity") or "activity" in request.query
    return reads and not proxied and not private and is_loopback(request.remote)


def _cors(origin: str, asked: Mapping[str, str]) -> dict[str, str]:
    """`asked`: the headers; OpenAI's SDK for browsers has its own (x-stainless-*)."""
    headers = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET, HEAD, POST, DELETE, OPTIONS",
        "Access-Control-Allow-Headers": asked.get("Access-Control-Request-Headers")
        or "authorization, content-type, x-api-key",
        "Access-Control-Expose-Headers": "X-Request-Id, X-Hal0-Served-By, Retry-After, X-Should-Retry",
        "Access-Control-Max-Age": "600",
        "Vary": "Origin",
    }
    if asked.get("Access-Control-Request-Private-Network") == "true":
        headers["Access-Control-Allow-Private-Network"] = "true"
    return headers


def _as_router_error(error: web.HTTPException, request: web.Request) -> RouterError:
    if error.status == 404:
        paths = request.app.get(PATHS) or Paths(())
        return PathNotFound(f"There is nothing at {request.path[:200]}; {paths.advice(request.path)}")
    if error.status == 405:
        allowed = error.headers.get("Allow", "").replace(",", " or ")
        advice = f"; use {allowed}" if allowed else ""
        return MethodNotAllowed(f"{request.method} is not possible at {request.path}{advice}.")
    return BadRequest(f"{error.reason} ({error.status}).")
