"""Requests that a server elsewhere answers: those that name one, and those whose slot cannot answer.

The client is kept alive meanwhile, as while a model loads.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager

from aiohttp import web

from router.base.errors import RouterError
from router.resolve import ResolutionPath
from router.server.request.awaiting import HOLD_SECONDS
from router.server.request.client import Client, Waiting
from router.server.request.exchange import Exchange
from router.server.request.relay import Relay
from router.server.request.routed import Routed
from router.state import SlotStatus
from router.upstreams.answer import UpstreamAnswer
from router.upstreams.call import Call

log = logging.getLogger(__name__)


async def from_upstream(asked: Routed) -> web.StreamResponse:
    """Serve a request that was routed to a server elsewhere. Raises RouterError."""
    exchange, client, route = asked.exchange, asked.client, asked.route
    if not exchange.path:  # there is nothing to load
        return await client.end(exchange.encoder.finish())
    registry = asked.context.upstreams
    assert registry is not None, "it told of the upstream"
    slot = asked.context.store.snapshot.slot(route.slot)
    if slot is None or not slot.fallback:  # there is no other who might
        client.served_by = f"{route.upstream}/{route.model}"
    with _alive(client, route.model or route.slot):
        answer = await registry.answer(route, _call(asked))
    own = answer.served_by.startswith(f"{route.upstream}/")
    path = route.path if own else ResolutionPath.FALLBACK
    asked.recording.served(answer.served_by, path, elsewhere=True)
    return await _relay(answer, asked)


async def instead_of_slot(asked: Routed, error: RouterError) -> web.StreamResponse:
    """Have the slot's `fallback` answer, where the slot failed with `error`. Raises that where nobody may
    answer instead; else RouterError."""
    context, client, route = asked.context, asked.client, asked.route
    slot = context.store.snapshot.slot(route.slot)
    if slot is None or context.upstreams is None or not _may_move(slot, asked.exchange, client):
        raise error
    with _alive(client, route.model or slot.serving or slot.name):
        answer = await context.upstreams.instead_of(slot, route.model, error, _call(asked))
    reason = " ".join(error.message.split())  # engines quote what clients wrote
    log.info("slot %s cannot answer, %s does instead: %s", slot.name, answer.served_by, reason)
    context.seats.note_served_by(slot.name, answer.served_by)
    asked.recording.served(answer.served_by, ResolutionPath.FALLBACK, elsewhere=True)
    return await _relay(answer, asked)


def _may_move(slot: SlotStatus, exchange: Exchange, client: Client) -> bool:
    """Another model's tokens are of no use; and an answer that has begun never moves."""
    return bool(slot.fallback) and exchange.loads and bool(exchange.path) and not client.answered


def _call(asked: Routed) -> Call:
    exchange = asked.exchange
    return Call(
        exchange.path,
        exchange.remote_body,
        exchange.content_type,
        streams=exchange.streams,
        headers=asked.request.headers,
    )


def _alive(client: Client, model: str) -> AbstractContextManager[None]:
    return client.kept_alive(Waiting("answering", None, model), HOLD_SECONDS)


async def _relay(answer: UpstreamAnswer, asked: Routed) -> web.StreamResponse:
    exchange, client = asked.exchange, asked.client
    encoder = exchange.remote_encoder() if exchange.remote_encoder else exchange.encoder
    async with answer:
        client.tell_served_by(answer.served_by)
        return await Relay(client, encoder, None, asked.recording.hears(), lambda: None).run(answer)
