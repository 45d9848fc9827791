"""Requests for a slot that another of its places answers, so that the client need not wait.

Only where the slot's name was asked for: who names a model gets that one.
"""

from __future__ import annotations

import logging

from aiohttp import web

from router.base.errors import NoRoute, UpstreamFailed
from router.resolve import ResolutionPath
from router.server.request.lease_wait import load_meanwhile
from router.server.request.routed_request import RoutedRequest
from router.server.request.upstream import call_of, kept_alive, note_home, relay
from router.state import SlotStatus
from router.upstreams.places import HERE, decide

log = logging.getLogger(__name__)


async def from_another_place(asked: RoutedRequest) -> web.StreamResponse | None:
    """Serve it elsewhere if that is decided; None where the slot itself is to answer. Raises RouterError."""
    context, parsed, route = asked.context, asked.parsed, asked.route
    snapshot = context.store.snapshot
    slot = snapshot.slot(route.slot)
    if slot is None or not _may_move(slot, asked) or snapshot.local_only:
        return None
    decision = decide(slot, snapshot.upstreams, context.homes.of(slot.name, parsed.conversation()))
    if decision.place == HERE or decision.path is None:
        return None
    if decision.path is ResolutionPath.MOVED_LOADING:
        load_meanwhile(context, route)
    try:
        with kept_alive(asked, slot.serving or slot.name, (decision.place,)):
            answer = await context.upstreams.instead_now(slot, decision.place, call_of(asked))
    except (NoRoute, UpstreamFailed) as error:
        log.info("slot %s: %s was to answer (%s): %s", slot.name, decision.place, decision.path, error.message)
        return None
    log.info("slot %s: %s answers (%s)", slot.name, answer.served_by, decision.path)
    context.seats.note_served_by(slot.name, answer.served_by)
    asked.recording.served(answer.served_by, decision.path, elsewhere=True)
    note_home(asked, decision.place)
    return await relay(answer, asked)


def _may_move(slot: SlotStatus, asked: RoutedRequest) -> bool:
    parsed = asked.parsed
    named_model = asked.route.model is not None
    return bool(slot.move_on and slot.fallback and parsed.loads and parsed.path) and not named_model
