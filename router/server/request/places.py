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
from router.upstreams.answer import UpstreamAnswer
from router.upstreams.places import HERE, decide

log = logging.getLogger(__name__)


async def from_another_place(asked: RoutedRequest) -> web.StreamResponse | None:
    """Serve it elsewhere if that is decided; None where the slot itself is to answer. Raises RouterError."""
    context, route = asked.context, asked.route
    failed: set[str] = set()
    while True:
        snapshot = context.store.snapshot
        slot = snapshot.slot(route.slot)
        if slot is None or not _may_move(slot, asked) or snapshot.local_only:
            return None
        home = context.homes.of(slot.name, asked.parsed.conversation())
        decision = decide(slot, snapshot.upstreams, home, failed)
        if decision.place == HERE or decision.path is None:
            return None
        if decision.path is ResolutionPath.MOVED_LOADING:
            load_meanwhile(context, route)
        if (answer := await _from(decision.place, decision.path, slot, asked)) is not None:
            return await relay(answer, asked)
        failed.add(decision.place)


async def _from(
    place: str, path: ResolutionPath, slot: SlotStatus, asked: RoutedRequest
) -> UpstreamAnswer | None:
    """Return the place's answer once that has begun; None if it has none."""
    context = asked.context
    try:
        with kept_alive(asked, slot.serving or slot.name, (place,)):
            answer = await context.upstreams.instead_now(slot, place, call_of(asked))
    except (NoRoute, UpstreamFailed) as error:
        log.info("slot %s: %s was to answer (%s): %s", slot.name, place, path, error.message)
        return None
    log.info("slot %s: %s answers (%s)", slot.name, answer.served_by, path)
    context.seats.note_served_by(slot.name, answer.served_by)
    asked.recording.served(answer.served_by, path, elsewhere=True)
    note_home(asked, place)
    return answer


def _may_move(slot: SlotStatus, asked: RoutedRequest) -> bool:
    parsed = asked.parsed
    named_model = asked.route.model is not None
    return bool(slot.move_on and slot.fallback and parsed.loads and parsed.path) and not named_model
