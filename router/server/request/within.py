"""The state as a key sees it that may use only some slots, and where such a request may go."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from router.base.errors import ModelNotFound, ModelNotLoaded, NotAllowed
from router.config.schema import ApiKeyConfig, Kind
from router.resolve import ResolutionPath, Route, not_found, resolve
from router.server.request.context import CONTEXT, NAMED_KEY
from router.state import Snapshot

_BY_MODEL = (ResolutionPath.LOADED, ResolutionPath.SWITCHABLE)


def named_key(request: web.Request) -> ApiKeyConfig | None:
    """Return the key that the request came with, if that has a name."""
    # Asking a request for what it has not takes 1 µs, and most people have no such keys.
    return request.get(NAMED_KEY) if request.app[CONTEXT].named_keys else None


def slots_of(request: web.Request) -> tuple[str, ...] | None:
    """Return the only slots that the request's key is for; None: all of them."""
    key = named_key(request)
    return key.slots if key is not None else None


def seen(request: web.Request) -> Snapshot:
    """Return the state, or of it what the request's key may use."""
    return seen_by(named_key(request), request.app[CONTEXT].store.snapshot)


def seen_by(key: ApiKeyConfig | None, snapshot: Snapshot) -> Snapshot:
    """Return `snapshot` with the slots of `key` and the models they may hold, and no servers elsewhere."""
    if key is None or key.slots is None:
        return snapshot
    slots = tuple(slot for slot in snapshot.slots if slot.name in key.slots)
    held = {model for slot in slots for model in (*slot.choices, *slot.loaded)}
    models = tuple(model for model in snapshot.models if model.id in held)
    kept = tuple(kept for kept in snapshot.kept if kept.model in held)
    told = (tuple(name for name in one if name in key.slots) for one in snapshot.together)
    together = tuple(one for one in told if one)
    return replace(snapshot, slots=slots, models=models, upstreams=(), kept=kept, together=together)


def route_for(key: ApiKeyConfig | None, asked: str | None, kind: Kind, snapshot: Snapshot) -> Route:
    """Return the route of a request that came with `key`. Raises NotAllowed, and what `resolve` does.

    A name means the same to every key: where another slot is meant, no near one takes its place.
    """
    if key is None or key.slots is None:
        return resolve(asked, kind, snapshot)
    within = replace(snapshot, slots=tuple(slot for slot in snapshot.slots if slot.name in key.slots))
    if not asked:
        if not any(slot.kind is kind for slot in within.slots):
            raise only(key)
        return resolve(None, kind, within)
    try:
        meant = resolve(asked, kind, snapshot)
    except ModelNotFound:
        raise not_found(asked, seen_by(key, snapshot)) from None  # it names what there is
    if meant.slot in key.slots:
        return meant
    if meant.path not in _BY_MODEL:
        raise only(key)
    try:
        return resolve(meant.model, kind, within)
    except ModelNotLoaded:
        raise only(key) from None


def check_slot(request: web.Request, slot: str) -> None:
    """Raise NotAllowed if the request's key is not for the slot."""
    key = named_key(request)
    if key is not None and key.slots is not None and slot not in key.slots:
        raise only(key)


def only(key: ApiKeyConfig) -> NotAllowed:
    return NotAllowed(
        f'The key "{key.name}" is only for {", ".join(key.slots or ())}; name one of these, or add the slot to '
        "its entry of server.api_keys in hal0.yaml.",
        param="model",
    )
