"""From a ticket to its lease, with the client kept alive or answered at once, as it asked."""

from __future__ import annotations

import asyncio

from aiohttp import web

from router.base.errors import BadRequest, SlotLoading
from router.base.tasks import spawn
from router.resolve import Route
from router.server.request.client import Client, Waiting
from router.server.request.context import Context
from router.slots.lease import Lease, Ticket
from router.state import SlotState, SlotStatus

HOLD_SECONDS = 1.0
"""How long the headers are held, so that failures at once keep their status. No client gives up as soon."""


def wait_seconds(request: web.Request) -> float | None:
    """Return what the request says of how long it may wait; None: as long as it takes. Raises BadRequest."""
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


async def lease_of(context: Context, ticket: Ticket, route: Route, client: Client, wait: float | None) -> Lease:
    """Wait for the lease; begin the answer if it takes longer than HOLD_SECONDS. Raises RouterError."""
    if ticket.outcome.done():
        return ticket.outcome.result()
    if wait is not None:
        return await _lease_within(context, ticket, route, wait)
    await asyncio.wait([ticket.outcome], timeout=HOLD_SECONDS)
    while not ticket.outcome.done():
        await client.beat(_waiting(context, route))
        await client.until_next_beat(context.store, ticket)
    return ticket.outcome.result()


def require_ready(context: Context, route: Route) -> None:
    """Raise SlotLoading unless the engine runs: metadata never wakes or switches a model."""
    slot = context.store.snapshot.slot(route.slot)
    # A request for the slot itself follows a switch; one that names what answers meanwhile does not.
    wanted = route.model or (slot.serving if slot is not None else None)
    if slot is None or wanted not in slot.answers:
        raise _loading(context, route, "load it first, or send it a request that generates")


async def _lease_within(context: Context, ticket: Ticket, route: Route, wait: float) -> Lease:
    """Wait no longer than `wait` for the lease; a load that was begun goes on."""
    await asyncio.wait([ticket.outcome], timeout=wait)
    if ticket.outcome.done():
        return ticket.outcome.result()
    load_meanwhile(context, route)
    raise _loading(context, route, "try again soon, or send no X-Hal0-Wait to wait")


def load_meanwhile(context: Context, route: Route) -> None:
    """Begin the load that `route` needs, for nobody that waits."""
    if route not in context.waiting_for:  # who asks again and again must not fill the queue
        context.waiting_for.add(route)
        spawn(_begin_load(context, route), name=f"load for {route.slot}")


async def _begin_load(context: Context, route: Route) -> None:
    """Wait in the place of a caller that did not want to, so that the load begins."""
    try:
        async with context.seats.ticket(route.slot, route.model) as ticket:
            await ticket.lease()
    finally:
        context.waiting_for.discard(route)


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
    # A ready one is waited for because of its model's limit.
    return "queued" if other or slot.state is SlotState.READY else str(slot.state)


def _percent(slot: SlotStatus) -> int | None:
    fraction = slot.progress.fraction if slot.progress else None
    return None if fraction is None else int(fraction * 100)
