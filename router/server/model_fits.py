"""`GET /api/models`: every model, what it takes, and how that goes into the memory that is free now. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from router.memory.needs import fit, free_bytes, held_bytes, where_it_counts
from router.state import ModelStatus, SlotState, Snapshot


def models_json(snapshot: Snapshot) -> dict[str, Any]:
    """Bytes throughout. `fit` and `margin` are null while nothing is known; `margin` is what would be left, or
    for "short" what is missing. `memory` is of the GPUs together, or without one of the RAM."""
    pools = where_it_counts(snapshot.memory)
    memory = {
        "is_gpu": any(device.is_gpu for device in pools),
        "total": sum(device.total for device in pools),
        "free": free_bytes(snapshot.memory),
    }
    return {"memory": memory, "models": [_model(model, snapshot) for model in snapshot.models]}


def _model(model: ModelStatus, snapshot: Snapshot) -> dict[str, Any]:
    slots = [s for s in snapshot.slots if s.state is SlotState.READY and model.id in s.loaded]
    body = {**asdict(model), "loaded_in": [slot.name for slot in slots], "fit": None, "margin": None}
    if model.needs is not None and snapshot.memory:
        # What a model holds already it need not find.
        held = sum(held_bytes(slot, snapshot.memory) for slot in slots)
        found = fit(model.needs, free_bytes(snapshot.memory) + held)
        body |= {"fit": found.fits, "margin": found.margin}
    return body
