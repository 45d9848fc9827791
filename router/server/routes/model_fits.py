"""`GET /api/models`: every model, what it takes, and how that goes into the memory there is now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from router.memory.admit.model_fits import ModelFit, ModelFits, model_fits
from router.memory.forecast.needs import free_bytes, where_it_counts
from router.state import DeviceMemory, ModelStatus, SlotState, Snapshot


def models_json(snapshot: Snapshot) -> dict[str, Any]:
    """Bytes throughout. `fit` and `margin` are null while nothing is known; `margin` is what would be left, or
    for "short" what is missing. Both are of the slot where the model fits best; `slots` tells of each that may
    hold it, with `evict`, the slots that would make room, and `beside`, whether what the slot holds goes on
    meanwhile. `memory` is of the GPUs together, or without one of the RAM; `gpus` has each of several, and of a
    model the numbers of those where it would go, or is. `left_out` are files in the model folders that are no
    models, each with the reason."""
    fits = model_fits(snapshot)
    pools = where_it_counts(snapshot.memory)
    memory = {
        "is_gpu": any(device.is_gpu for device in pools),
        "total": sum(device.total for device in pools),
        "free": free_bytes(snapshot.memory),
        "headroom": snapshot.headroom,
    }
    return {
        "memory": memory,
        "gpus": _gpus(pools),
        "models": [_model(model, snapshot, fits) for model in snapshot.models],
        "left_out": [asdict(file) for file in snapshot.left_out],
    }


def _gpus(pools: Sequence[DeviceMemory]) -> list[dict[str, Any]]:
    if len(pools) < 2:
        return []
    return [{"name": device.name, "total": device.total, "free": device.free} for device in pools]


def _model(model: ModelStatus, snapshot: Snapshot, fits: ModelFits) -> dict[str, Any]:
    loaded = [s.name for s in snapshot.slots if s.state is SlotState.READY and model.id in s.loaded]
    slots = {s.name: _told(fits.of(s.name, model.id)) for s in snapshot.slots if model.id in s.choices}
    found = fits.best(model.id)
    return {
        **asdict(model),
        "loaded_in": loaded,
        "fit": found.fit,
        "margin": None if found.fit is None else found.margin,
        "gpus": found.gpus,
        "slots": slots,
    }


def _told(found: ModelFit) -> dict[str, Any]:
    margin = None if found.fit is None else found.margin
    told = {"fit": found.fit, "margin": margin, "evict": found.evict, "beside": found.beside}
    return {**told, "gpus": found.gpus} if found.gpus else told
