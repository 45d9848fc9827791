"""Which slot, and which model in it, a request is for. Pure: no I/O, no clock, no logging.

A named model is never replaced by another: what cannot be routed exactly is an error (seeds 000 to 003:
requests that silently went to `primary`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from router.config.problems import did_you_mean
from router.config.schema import Kind, SwitchPolicy
from router.errors import BadRequest, LocalOnly, ModelNotFound, ModelNotLoaded, WrongKind
from router.state import ModelStatus, SlotState, SlotStatus, Snapshot, UpstreamState, UpstreamStatus


class ResolutionPath(StrEnum):
    """Which rule decided; logged with every request. FALLBACK comes later, when the slot could not answer."""

    SLOT = "slot"
    SLOT_SCOPED = "slot_scoped"
    LOADED = "loaded"
    SWITCHABLE = "switchable"
    UPSTREAM = "upstream"
    DEFAULT = "default"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class Route:
    """`model` None: whatever the slot holds when the request's turn comes. With `upstream` a server elsewhere
    answers, with `model` as it calls it; `slot` is then the slot it serves, or empty."""

    slot: str
    model: str | None
    path: ResolutionPath
    upstream: str | None = None


def resolve(name: str | None, kind: Kind, snapshot: Snapshot) -> Route:
    """Route a request of `kind` that named `name` in its `model` field (None: it named nothing).

    What this computer has wins over an equal id elsewhere. Raises ModelNotFound, ModelNotLoaded, WrongKind,
    BadRequest (no default slot for the kind), LocalOnly (only a server elsewhere could answer).
    """
    if not name:
        return _default(kind, snapshot)
    if (slot := snapshot.slot(name)) is not None:
        _require_kind(slot.kind, kind, f'Slot "{name}"')
        return _to_slot(slot, ResolutionPath.SLOT, snapshot)
    if (scoped := _scoped(name, kind, snapshot)) is not None:
        return scoped
    model = snapshot.model(name)
    if model is None and (elsewhere := _elsewhere(name, snapshot)) is not None:
        return elsewhere
    if model is None:
        raise ModelNotFound(_not_found_sentence(name, snapshot), param="model")
    _require_kind(model.kind, kind, f'Model "{name}"')
    return _by_model(model, kind, snapshot)


def _default(kind: Kind, snapshot: Snapshot) -> Route:
    slot = next((s for s in snapshot.slots if s.kind is kind), None)
    if slot is None:
        raise BadRequest(f"The request names no model and there is no {kind} slot; name one.", param="model")
    return _to_slot(slot, ResolutionPath.DEFAULT, snapshot)


def _to_slot(slot: SlotStatus, path: ResolutionPath, snapshot: Snapshot) -> Route:
    """To whatever the slot holds, or to the server elsewhere that serves it."""
    if slot.upstream is None:
        return Route(slot.name, None, path)
    if snapshot.local_only:
        raise _local_only(f'Slot "{slot.name}"')
    upstream, _slash, model = slot.upstream.partition("/")
    return Route(slot.name, model, path, upstream)


def _elsewhere(name: str, snapshot: Snapshot) -> Route | None:
    """`upstream/model`, else a model that one lists: a well one first, then in the order of hal0.yaml."""
    route = _at_upstream(name, snapshot) or _listed(name, snapshot)
    if route is not None and snapshot.local_only:
        raise _local_only(f'Model "{name}"')
    return route


def _at_upstream(name: str, snapshot: Snapshot) -> Route | None:
    upstream_name, _slash, model = name.partition("/")
    upstream = next((u for u in snapshot.upstreams if u.name == upstream_name), None)
    if upstream is None or not model:
        return None
    if upstream.state is UpstreamState.OK and upstream.models and model not in upstream.models:
        raise ModelNotFound(
            f'Upstream "{upstream_name}" has no model "{model}"; see GET /v1/models for all ids.'
            f"{did_you_mean(model, upstream.models)}",
            param="model",
        )
    return Route("", model, ResolutionPath.UPSTREAM, upstream_name)


def _listed(name: str, snapshot: Snapshot) -> Route | None:
    listing = [upstream for upstream in snapshot.upstreams if name in upstream.models]
    best = min(listing, key=_unwell, default=None)
    return Route("", name, ResolutionPath.UPSTREAM, best.name) if best is not None else None


def _unwell(upstream: UpstreamStatus) -> int:
    return (UpstreamState.OK, UpstreamState.UNKNOWN, UpstreamState.DOWN).index(upstream.state)


def _scoped(name: str, kind: Kind, snapshot: Snapshot) -> Route | None:
    """`slot:model`; ids with colons of their own fall through unless the part before is a slot."""
    slot_name, colon, model_name = name.partition(":")
    slot = snapshot.slot(slot_name)
    if not colon or slot is None:
        return None
    _require_kind(slot.kind, kind, f'Slot "{slot_name}"')
    if slot.upstream is not None and model_name in (slot.upstream, slot.upstream.partition("/")[2]):
        return _to_slot(slot, ResolutionPath.SLOT_SCOPED, snapshot)
    model = snapshot.model(model_name)
    if model is None or model.id not in slot.choices:
        choices = ", ".join(slot.choices) or slot.upstream or "nothing"
        raise ModelNotFound(
            f'Slot "{slot_name}" cannot hold "{model_name}"; it may hold: {choices}.'
            f"{did_you_mean(model_name, slot.choices)}",
            param="model",
        )
    if model.id in slot.answers or model.id == slot.serving or _may_switch(slot):
        return Route(slot.name, model.id, ResolutionPath.SLOT_SCOPED)
    raise _not_loaded(model.id, f'slot "{slot_name}" is switched by hand')


def _by_model(model: ModelStatus, kind: Kind, snapshot: Snapshot) -> Route:
    """A live engine wins; then a slot on its way to the model; then one that may switch to it."""
    seats = [s for s in snapshot.slots if s.kind is kind and model.id in s.choices]
    holding = [s for s in seats if model.id in s.answers]
    if holding:
        best = max(holding, key=lambda s: (s.pinned, s.state is SlotState.READY))
        return Route(best.name, model.id, ResolutionPath.LOADED)
    coming = [s for s in seats if model.id == s.serving]
    switchable = [s for s in seats if _may_switch(s)]
    # Prefer a seat that would load it anyway, then an empty one, then the order of the configuration.
    for slot in [*coming, *sorted(switchable, key=lambda s: bool(s.loaded))]:
        return Route(slot.name, model.id, ResolutionPath.SWITCHABLE)
    why = "no slot switches to it on request" if seats else f"no {kind} slot may hold it"
    raise _not_loaded(model.id, why)


def _may_switch(slot: SlotStatus) -> bool:
    return slot.switch is SwitchPolicy.ON_REQUEST and not slot.pinned


def _require_kind(actual: Kind, wanted: Kind, subject: str) -> None:
    if actual is not wanted:
        raise WrongKind(f"{subject} is for {actual}, but this endpoint is for {wanted}.", param="model")


def _local_only(subject: str) -> LocalOnly:
    return LocalOnly(
        f"{subject} is answered by another server, and nothing may leave this computer (local_only); name "
        "another model, or allow it in the tray.",
        param="model",
    )


def _not_loaded(model: str, why: str) -> ModelNotLoaded:
    return ModelNotLoaded(
        f'Model "{model}" is not loaded and {why}; load it from the tray or with `hal0 switch`.', param="model"
    )


def _not_found_sentence(name: str, snapshot: Snapshot) -> str:
    slots = [s.name for s in snapshot.slots]
    hint = did_you_mean(name, [*slots, *(model.id for model in snapshot.models)])
    listed = ", ".join(slots) or "none"
    return f'There is no model or slot "{name}"; slots are: {listed}. See GET /v1/models for all ids.{hint}'
