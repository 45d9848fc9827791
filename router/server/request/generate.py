"""One generation request from end to end: resolve → ticket → lease → proxy, with the client kept alive.

Nothing is sent until the route is known to be possible. If the lease comes within HOLD_SECONDS, the engine's
own status and headers go to the client. Else the answer begins early, with signs of life until the engine
speaks; from then on a failure can only be told inside the answer. Until somebody's answer has begun, a server
elsewhere may answer what the slot could not (`router.server.request.upstream`).
"""

from __future__ import annotations

from aiohttp import web

from router.base.errors import RouterError
from router.server.request.body import error_headers
from router.server.request.client import Client
from router.server.request.context import CONTEXT, RECORDING
from router.server.request.lease_wait import lease_of, require_ready, wait_seconds
from router.server.request.parsed_request import ParsedRequest
from router.server.request.places import from_another_place
from router.server.request.proxy import aborted, proxy
from router.server.request.routed_request import RoutedRequest
from router.server.request.upstream import from_upstream, instead_of_slot, note_home
from router.server.request.within import named_key, route_for
from router.upstreams.call import HOPS
from router.upstreams.places import HERE
from router.wire.encode import JSON

_WHOLE = (None, JSON)
"""What is told at once, not in a stream."""


async def generate(request: web.Request, parsed: ParsedRequest) -> web.StreamResponse:
    """Serve it. Errors before the answer has begun are rendered in the client's dialect."""
    try:
        return await _serve(request, parsed)
    except RouterError as error:
        request[RECORDING].failed(error)
        status = error_status(error, parsed.path, from_hal0=HOPS in request.headers)
        body = parsed.encoder.error(error)
        return web.json_response(body, status=status, headers=error_headers(error))


def error_status(error: RouterError, path: str, *, from_hal0: bool = False) -> int:
    """Return the error for the client: Codex asks for a response again, five times, after every status but 400
    and 401 (measured with 0.169). Another hal0 goes by the real one to find who answers instead."""
    final = path == "/v1/responses" and not error.mends and error.status != 401
    return 400 if final and not from_hal0 else error.status


async def _serve(request: web.Request, parsed: ParsedRequest) -> web.StreamResponse:
    context, recording = request.app[CONTEXT], request[RECORDING]
    recording.asked = parsed.asked or ""
    recording.stream = parsed.encoder.content_type not in _WHOLE
    wait = wait_seconds(request)
    route = route_for(named_key(request), parsed.asked, parsed.kind, context.store.snapshot)
    recording.routed(route.slot)
    if not parsed.loads and route.upstream is None:
        require_ready(context, route)
    client = Client(request, parsed.encoder)
    asked = RoutedRequest(context, request, parsed, client, route, recording)
    try:
        if route.upstream is not None:
            return await from_upstream(asked)
        if wait is None and (answered := await from_another_place(asked)) is not None:
            return answered
        try:
            return await _from_slot(asked, wait)
        except RouterError as error:
            if wait is not None:  # who will not wait has plans of its own
                raise
            return await instead_of_slot(asked, error)
    except RouterError as error:
        recording.failed(error, late=client.response is not None and client.response.prepared)
        return await client.fail(error)
    finally:
        recording.bytes_out = client.sent


async def _from_slot(asked: RoutedRequest, wait: float | None) -> web.StreamResponse:
    context, parsed, client, route = asked.context, asked.parsed, asked.client, asked.route
    before = context.store.snapshot
    async with context.seats.ticket(route.slot, route.model) as ticket:
        if not ticket.outcome.done():
            asked.recording.waits(before.slot(route.slot), route.model)
        lease = await lease_of(context, ticket, route, client, wait)
        if lease.aborted:  # while the client was slow to take a sign of life
            raise aborted(lease)
        asked.recording.served(lease.model.id, route.path)
        if not parsed.path:
            return await client.end(parsed.encoder.finish())
        note_home(asked, HERE)
        return await proxy(context, lease, parsed, client, asked.recording)
