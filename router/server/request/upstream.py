"""Requests that a server elsewhere answers: those that name one, and those whose slot cannot answer.

The client is kept alive meanwhile, as while a model loads.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager

from aiohttp import web

from router.base.errors import RouterError
from router.config.schema import Kind
from router.config.upstreams import split_target
from router.resolve import ResolutionPath
from router.server.request.client import Client, Waiting
from router.server.request.lease_wait import HOLD_SECONDS
from router.server.request.parsed_request import ParsedRequest
from router.server.request.relay import Relay
from router.server.request.routed_request import RoutedRequest
from router.state import SlotStatus, UpstreamState
from router.upstreams.answer import UpstreamAnswer
from router.upstreams.call import Call
from router.upstreams.places import place_of

log = logging.getLogger(__name__)

_COUNTED = (Kind.EMBEDDING, Kind.RERANK)


async def from_upstream(asked: RoutedRequest) -> web.StreamResponse:
    """Serve a request that was routed to a server elsewhere. Raises RouterError."""
    parsed, client, route = asked.parsed, asked.client, asked.route
    if not parsed.path:  # there is nothing to load
        return await client.end(parsed.encoder.finish())
    slot = asked.context.store.snapshot.slot(route.slot)
    if slot is None or not slot.fallback:  # there is no other who might
        client.served_by = f"{route.upstream}/{route.model}"
    targets = (route.upstream or "", *(slot.fallback if slot is not None else ()))
    with kept_alive(asked, route.model or route.slot, targets):
        answer = await asked.context.upstreams.answer(route, call_of(asked))
    own = answer.served_by.startswith(f"{route.upstream}/")
    path = route.path if own else ResolutionPath.FALLBACK
    asked.recording.served(answer.served_by, path, elsewhere=True)
    return await relay(answer, asked)


async def instead_of_slot(asked: RoutedRequest, error: RouterError) -> web.StreamResponse:
    """Have the slot's `fallback` answer, where the slot failed with `error`. Raises that where nobody may
    answer instead; else RouterError."""
    context, client, route = asked.context, asked.client, asked.route
    slot = context.store.snapshot.slot(route.slot)
    if slot is None or not _may_move(slot, asked.parsed, client):
        raise error
    with kept_alive(asked, route.model or slot.serving or slot.name, slot.fallback):
        answer = await context.upstreams.instead_of(slot, route.model, error, call_of(asked))
    reason = " ".join(error.message.split())  # engines quote what clients wrote
    log.info("slot %s cannot answer, %s does instead: %s", slot.name, answer.served_by, reason)
    context.seats.note_served_by(slot.name, answer.served_by)
    asked.recording.served(answer.served_by, ResolutionPath.FALLBACK, elsewhere=True)
    if (place := place_of(answer.served_by, slot)) is not None:
        note_home(asked, place)
    return await relay(answer, asked)


def note_home(asked: RoutedRequest, place: str) -> None:
    """Note that the conversation is answered at `place` of its slot."""
    slot = asked.context.store.snapshot.slot(asked.route.slot)
    if slot is not None and slot.move_on:  # nobody asks otherwise, and it is read for it
        asked.context.homes.note(slot.name, asked.parsed.conversation(), place)


def _may_move(slot: SlotStatus, parsed: ParsedRequest, client: Client) -> bool:
    """Another model's tokens are of no use; and an answer that has begun never moves."""
    return bool(slot.fallback) and parsed.loads and bool(parsed.path) and not client.answered


def call_of(asked: RoutedRequest) -> Call:
    parsed = asked.parsed
    inputs = parsed.inputs() if parsed.inputs is not None and parsed.kind in _COUNTED else None
    return Call(
        parsed.path,
        parsed.remote_body,
        parsed.content_type,
        streams=parsed.streams,
        headers=asked.request.headers,
        inputs=len(inputs.items) if inputs is not None else None,
        takes_base64=parsed.takes_base64,
    )


def kept_alive(asked: RoutedRequest, model: str, targets: Sequence[str]) -> AbstractContextManager[None]:
    """`targets`: who may answer; the first one that is being woken is waited for."""
    names = {split_target(target)[0] for target in targets}

    def waiting() -> Waiting:
        upstreams = asked.context.store.snapshot.upstreams
        wakes = any(one.name in names and one.state is UpstreamState.WAKING for one in upstreams)
        return Waiting("waking" if wakes else "answering", None, model)

    return asked.client.kept_alive(waiting, HOLD_SECONDS)


async def relay(answer: UpstreamAnswer, asked: RoutedRequest) -> web.StreamResponse:
    parsed, client = asked.parsed, asked.client
    encoder = parsed.remote_encoder() if parsed.remote_encoder else parsed.encoder
    async with answer:
        client.tell_served_by(answer.served_by)
        return await Relay(client, encoder, None, asked.recording.hears(), lambda: None).run(answer)
