"""One generation request from end to end: resolve → ticket → lease → proxy, with the client kept alive.

Nothing is sent until the route is known to be possible. If the lease comes within HOLD_SECONDS, the engine's
own status and headers go to the client. Else the answer begins early, with signs of life until the engine
speaks; from then on a failure can only be told inside the answer.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from router.config.schema import Kind
from router.errors import (
    BadRequest,
    EngineFailed,
    EngineRefused,
    RouterError,
    SlotAborted,
    SlotLoading,
)
from router.lease import Lease, Ticket
from router.resolve import Route, resolve
from router.server.client import Client, Waiting
from router.server.context import CONTEXT, REQUEST_ID, Context
from router.server.decisions import Decision
from router.server.middleware import error_headers
from router.server.upstream import Answer, Head, UpstreamError
from router.state import SlotState, SlotStatus
from router.tasks import spawn
from router.wire.encode import JSON, Encoder

HOLD_SECONDS = 1.0
"""How long the headers are held, so that failures at once keep their status (CLIENTS.md)."""

_PASSED_BACK = ("Content-Type", "Content-Encoding", "Content-Disposition", "Cache-Control")
_SPEED = b'"predicted_per_second":'  # in the `timings` of llama-server's last event or document
_SPEED_VALUE = re.compile(_SPEED + rb"\s*([0-9.]+)")
_MAX_ERROR_BODY = 1024 * 1024
_WHOLE = 256 * 1024  # bytes of an answer that is collected first, to be sent with its head in one write


@dataclass(frozen=True, slots=True)
class Exchange:
    """A parsed request.

    Attributes:
        asked: what its `model` field said, None for nothing.
        path: of the engine, "" to ask it nothing: only the load was wanted.
        body: makes the engine's body once it is known who serves.
        content_type: of that body.
        loads: whether it may load or switch a model; metadata may not.
    """

    kind: Kind
    asked: str | None
    path: str
    body: Callable[[Lease], bytes]
    encoder: Encoder
    content_type: str = JSON
    loads: bool = True


async def generate(request: web.Request, exchange: Exchange) -> web.StreamResponse:
    """Serve it. Errors before the answer has begun are rendered in the client's dialect."""
    try:
        return await _serve(request, exchange)
    except RouterError as error:
        body = exchange.encoder.error(error)
        return web.json_response(body, status=error.status, headers=error_headers(error))


async def _serve(request: web.Request, exchange: Exchange) -> web.StreamResponse:
    context = request.app[CONTEXT]
    began = time.perf_counter()
    wait = _wait_seconds(request)
    route = resolve(exchange.asked, exchange.kind, context.store.snapshot)
    if not exchange.loads:
        _require_ready(context, route)
    decided = time.perf_counter()
    client = Client(request, exchange.encoder, _wants_events(request))
    async with context.commands.ticket(route.slot, route.model) as ticket:
        try:
            lease = await _lease(context, ticket, route, client, wait)
        except RouterError as error:
            return await client.fail(error)
        if lease.aborted:  # while the client was slow to take a sign of life
            return await client.fail(_aborted(lease))
        seconds = (decided - began, time.perf_counter() - decided)
        context.decisions.add(_decision(request, exchange, route, lease, seconds))
        if not exchange.path:
            return await _end(exchange.encoder, client)
        return await _proxy(context, lease, exchange, client)


def _wait_seconds(request: web.Request) -> float | None:
    text = request.headers.get("X-Hal0-Wait")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86400:
        raise BadRequest("X-Hal0-Wait must be a number of seconds: 0 to fail at once instead of waiting.")
    return seconds


def _wants_events(request: web.Request) -> bool:
    return request.headers.get("X-Hal0-Progress", "").strip().lower() == "events"


# -- waiting for the lease ---------------------------------------------------------------------------------


async def _lease(context: Context, ticket: Ticket, route: Route, client: Client, wait: float | None) -> Lease:
    """The lease; begins the answer if it takes longer than HOLD_SECONDS. Raises RouterError."""
    if ticket.outcome.done():
        return ticket.outcome.result()
    if wait is not None:
        return await _lease_within(context, ticket, route, wait)
    await asyncio.wait([ticket.outcome], timeout=HOLD_SECONDS)
    while not ticket.outcome.done():
        waiting = _waiting(context, route)
        await client.beat(waiting)
        await client.until_next_beat(context.store, ticket)
    return ticket.outcome.result()


async def _lease_within(context: Context, ticket: Ticket, route: Route, wait: float) -> Lease:
    """For callers that rather fail than wait; the load they began goes on."""
    await asyncio.wait([ticket.outcome], timeout=wait)
    if ticket.outcome.done():
        return ticket.outcome.result()
    if route not in context.waiting_for:  # who asks again and again must not fill the queue
        context.waiting_for.add(route)
        spawn(_begin_load(context, route), name=f"load for {route.slot}")
    raise _loading(context, route, "try again soon, or send no X-Hal0-Wait to wait")


def _require_ready(context: Context, route: Route) -> None:
    """Raise SlotLoading unless the engine runs: metadata never wakes or switches a model."""
    slot = context.store.snapshot.slot(route.slot)
    if slot is None or slot.state is not SlotState.READY or (route.model or slot.model) not in slot.loaded:
        raise _loading(context, route, "load it first, or send it a request that generates")


def _loading(context: Context, route: Route, advice: str) -> SlotLoading:
    waiting = _waiting(context, route)
    percent = "" if waiting.percent is None else f" {waiting.percent}%"
    return SlotLoading(
        f'Slot "{route.slot}" is not ready ({waiting.phase}{percent}); {advice}.',
        details={"slot": route.slot, "phase": waiting.phase, "percent": waiting.percent},
        retry_after=2.0,
    )


def _waiting(context: Context, route: Route) -> Waiting:
    slot = context.store.snapshot.slot(route.slot)
    assert slot is not None, "the ticket is for a slot"
    model = route.model or slot.serving or slot.name
    return Waiting(_phase(slot, route), _percent(slot), model)


def _phase(slot: SlotStatus, route: Route) -> str:
    other = route.model is not None and slot.target not in (None, route.model)
    return "queued" if other else str(slot.state)


def _percent(slot: SlotStatus) -> int | None:
    fraction = slot.progress.fraction if slot.progress else None
    return None if fraction is None else int(fraction * 100)


# -- the engine's side -------------------------------------------------------------------------------------


async def _proxy(context: Context, lease: Lease, exchange: Exchange, client: Client) -> web.StreamResponse:
    task = asyncio.current_task()
    assert task is not None, "a handler runs in a task"
    lease.on_abort = task.cancel
    try:
        answer = await _open(context, lease, exchange, client)
        async with answer:
            return await _relay(context, answer, lease, exchange.encoder, client)
    except asyncio.CancelledError:
        if not lease.aborted:
            raise  # the client left, or hal0 is quitting
        task.uncancel()
        return await client.fail(_aborted(lease))
    except (UpstreamError, TimeoutError, OSError) as error:
        lease.on_abort = None  # it has ended already; a cancellation here would end it in silence
        if client.left:
            raise
        return await client.fail(await _lost(lease, error))
    except RouterError as error:
        return await client.fail(error)
    finally:
        lease.on_abort = None


async def _open(context: Context, lease: Lease, exchange: Exchange, client: Client) -> Answer:
    """Send the request. A client that has been sent signs of life goes on getting them meanwhile."""
    launch = lease.process.launch
    headers = {"Content-Type": exchange.content_type}
    if launch.api_key:
        headers["Authorization"] = f"Bearer {launch.api_key}"
    body = exchange.body(lease)
    asking = context.upstreams.request("127.0.0.1", launch.port, "POST", exchange.path, headers, body)
    if client.response is None:
        return await asking
    with client.kept_alive(Waiting("answering", None, lease.model.id)):
        return await asking


async def _relay(
    context: Context, answer: Answer, lease: Lease, encoder: Encoder, client: Client
) -> web.StreamResponse:
    """The engine's bytes to the client. Raises RouterError for what can still be told."""
    head = answer.head
    if head.status >= 400:
        raise await _refused(answer)
    rename = _Rename(lease) if lease.engine_model != lease.model.id else None
    if client.response is None and not encoder.translates:
        length = int(head.headers.get("content-length") or 0)
        if 0 < length <= _WHOLE:
            body = await answer.read()
            _note_speed(context, lease, body)
            body = rename.feed(body) + rename.finish() if rename else body
            return await client.whole(head.status, _headers(head), encoder.feed(body) + encoder.finish())
        await client.begin(head.status, _headers(head), length if length and rename is None else None)
    async for piece in answer.chunks():
        _note_speed(context, lease, piece)
        if out := encoder.feed(rename.feed(piece) if rename else piece):
            if client.response is None:
                await client.begin(200, _own_headers(encoder))
            await client.relay(out)
    lease.on_abort = None  # the engine has said all; an error behind the end would be no HTTP
    return await _end(encoder, client, encoder.feed(rename.finish()) if rename else b"")


async def _end(encoder: Encoder, client: Client, last: bytes = b"") -> web.StreamResponse:
    last += encoder.finish()
    response = client.response
    if response is None:
        return await client.whole(200, _own_headers(encoder), last)
    if last:
        await response.write(last)
    await response.write_eof()
    return response


def _note_speed(context: Context, lease: Lease, piece: bytes) -> None:
    if _SPEED in piece and (match := _SPEED_VALUE.search(piece)):
        context.commands.note_speed(lease.slot, float(match[1]))


def _headers(head: Head) -> dict[str, str]:
    """All else (Server, CORS, hop-by-hop) is the engine's own business."""
    return {name: head.headers[name.lower()] for name in _PASSED_BACK if name.lower() in head.headers}


def _own_headers(encoder: Encoder) -> dict[str, str]:
    return {"Content-Type": encoder.content_type or JSON}


class _Rename:
    """Names the model that serves where the engine names the one it was launched with."""

    def __init__(self, lease: Lease) -> None:
        # As llama-server writes JSON: letters beyond ASCII are not escaped.
        self._old = b'"model":' + json.dumps(lease.engine_model, ensure_ascii=False).encode()
        self._new = b'"model":' + json.dumps(lease.model.id, ensure_ascii=False).encode()
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """Whole lines only: the name may be cut between two pieces."""
        whole, newline, self._rest = (self._rest + piece).rpartition(b"\n")
        return (whole + newline).replace(self._old, self._new)

    def finish(self) -> bytes:
        return self._rest.replace(self._old, self._new)


async def _refused(answer: Answer) -> RouterError:
    """The engine's own error, with its status."""
    raw = b""
    async for piece in answer.chunks():
        raw += piece
        if len(raw) > _MAX_ERROR_BODY:
            break
    try:
        body = json.loads(raw)
    except ValueError:
        body = {"error": {"message": raw.decode(errors="replace")[:500].strip()}}
    return EngineRefused.from_body(answer.head.status, body if isinstance(body, dict) else {})


async def _lost(lease: Lease, error: Exception) -> RouterError:
    """Why the engine stopped answering: in its own words, if it has died."""
    exited = lease.process.exited
    await asyncio.wait([exited], timeout=1.0)
    if exited.done():
        return lease.process.failure()
    return EngineFailed(
        f'The engine of slot "{lease.slot}" ({lease.model.id}) stopped answering '
        f"({error or type(error).__name__}); see `hal0 logs {lease.slot}`, then send the request again."
    )


def _aborted(lease: Lease) -> RouterError:
    return SlotAborted(
        f'Slot "{lease.slot}" was switched or unloaded while this request ran longer than its drain_timeout; '
        "send it again."
    )


async def _begin_load(context: Context, route: Route) -> None:
    """Wait in the place of a caller that did not want to, so that the load begins."""
    try:
        async with context.commands.ticket(route.slot, route.model) as ticket:
            await ticket.lease()
    finally:
        context.waiting_for.discard(route)


def _decision(
    request: web.Request, exchange: Exchange, route: Route, lease: Lease, seconds: tuple[float, float]
) -> Decision:
    decide_s, waited_s = seconds
    return Decision(
        time.time(),
        request.get(REQUEST_ID, "-"),
        exchange.asked,
        route.path,
        route.slot,
        lease.model.id,
        waited_s * 1000,
        decide_s * 1000,
    )
