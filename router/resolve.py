"""Which slot, and which model in it, a request is for. Pure: no I/O, no clock, no logging.

A named model is never replaced by another: what cannot be routed exactly is an error (seeds 000 to 003:
requests that silently went to `primary`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from router.config.schema import Kind, SwitchPolicy
from router.errors import BadRequest, ModelNotFound, ModelNotLoaded, WrongKind
from router.state import ModelStatus, SlotState, SlotStatus, Snapshot


class ResolutionPath(StrEnum):
    """Which rule decided; logged with every request."""

    SLOT = "slot"
    SLOT_SCOPED = "slot_scoped"
    LOADED = "loaded"
    SWITCHABLE = "switchable"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Route:
    """`model` None: whatever the slot holds when the request's turn comes."""

    slot: str
    model: str | None
    path: ResolutionPath


def resolve(name: str | None, kind: Kind, snapshot: Snapshot) -> Route:
    """Route a request of `kind` that named `name` in its `model` field (None: it named nothing).

    Raises ModelNotFound, ModelNotLoaded, WrongKind, BadRequest (no default slot for the kind).
    """
    if not name:
        return _default(kind, snapshot)
    if (slot := snapshot.slot(name)) is not None:
        _require_kind(slot.kind, kind, f'Slot "{name}"')
        return Route(slot.name, None, ResolutionPath.SLOT)
    if (scoped := _scoped(name, kind, snapshot)) is not None:
        return scoped
    model = snapshot.model(name)
    if model is None:
        raise ModelNotFound(_not_found_sentence(name, snapshot), param="model")
    _require_kind(model.kind, kind, f'Model "{name}"')
    return _by_model(model, kind, snapshot)


def _default(kind: Kind, snapshot: Snapshot) -> Route:
    slot = next((s for s in snapshot.slots if s.kind is kind), None)
    if slot is None:
        raise BadRequest(f"The request names no model and there is no {kind} slot; name one.", param="model")
    return Route(slot.name, None, ResolutionPath.DEFAULT)


def _scoped(name: str, kind: Kind, snapshot: Snapshot) -> Route | None:
    """`slot:model`; ids with colons of their own fall through unless the part before is a slot."""
    slot_name, colon, model_name = name.partition(":")
    slot = snapshot.slot(slot_name)
    if not colon or slot is None:
        return None
    _require_kind(slot.kind, kind, f'Slot "{slot_name}"')
    model = snapshot.model(model_name)
    if model is None or model.id not in slot.choices:
        choices = ", ".join(slot.choices) or "nothing"
        raise ModelNotFound(
            f'Slot "{slot_name}" cannot hold "{model_name}"; it may hold: {choices}.', param="model"
        )
    if model.id in slot.loaded or model.id == slot.serving or _may_switch(slot):
        return Route(slot.name, model.id, ResolutionPath.SLOT_SCOPED)
    raise _not_loaded(model.id, f'slot "{slot_name}" is switched by hand')


def _by_model(model: ModelStatus, kind: Kind, snapshot: Snapshot) -> Route:
    """A live engine wins; then a slot on its way to the model; then one that may switch to it."""
    seats = [s for s in snapshot.slots if s.kind is kind and model.id in s.choices]
    holding = [s for s in seats if model.id in s.loaded and s.state is SlotState.READY]
    if holding:
        best = max(holding, key=lambda s: s.pinned)
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


def _not_loaded(model: str, why: str) -> ModelNotLoaded:
    return ModelNotLoaded(
        f'Model "{model}" is not loaded and {why}; load it from the tray or with `hal0 switch`.', param="model"
    )


def _not_found_sentence(name: str, snapshot: Snapshot) -> str:
    slots = ", ".join(s.name for s in snapshot.slots)
    return f'There is no model or slot "{name}"; slots are: {slots or "none"}. See GET /v1/models for all ids.'
