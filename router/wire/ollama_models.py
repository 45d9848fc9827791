"""Slots and models as Ollama describes models. Pure: from the snapshot and the rows of /v1/models."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from router.state import ModelStatus, SlotState, SlotStatus, Snapshot
from router.wire.ollama_parts import timestamp

Row = Mapping[str, Any]
"""One of /v1/models: `id`, `created`, `owned_by`, `context_length`, `kind` (None where not known), `model` (who
serves), `status`; `capabilities` where they are known."""

ARCHITECTURE = "llama"
"""The snapshot does not say which; clients only build the key `<architecture>.context_length` with it."""
NEVER = "2999-12-31T23:59:59Z"
"""Ollama's models expire; hal0's stay until their slot is switched or its own idle time is over.
Not the year 9999: brought to a time zone further east it overflows Python's datetime."""
_CAPABILITIES = frozenset({"completion", "tools", "insert", "vision", "embedding", "thinking", "audio"})
"""Ollama's words (types/model/capability.go): clients may know no others."""


def tags(rows: Sequence[Row], snapshot: Snapshot) -> dict[str, Any]:
    """GET /api/tags: `{"models": [{"name", "model", "modified_at", "size", "digest", "details"}]}`; bytes."""
    return {"models": [{**_named(row, snapshot), "modified_at": _modified(row)} for row in rows]}


def running(rows: Sequence[Row], snapshot: Snapshot) -> dict[str, Any]:
    """GET /api/ps: as /api/tags, only what is ready on this computer, with what it uses."""
    loaded = [row for row in rows if row["status"]["value"] == "loaded" and row["owned_by"] == "hal0"]
    return {"models": [{**_named(row, snapshot), **_usage(row, snapshot)} for row in loaded]}


def shown(row: Row, snapshot: Snapshot) -> dict[str, Any]:
    """/api/show. Hermes reads the context length from `parameters`, Copilot from `model_info`."""
    context = row["context_length"]
    parameters = f"num_ctx {context}" if context else ""
    info: dict[str, Any] = {"general.architecture": ARCHITECTURE, "general.basename": row["model"] or row["id"]}
    if context:
        info[f"{ARCHITECTURE}.context_length"] = context
    return {
        "modelfile": f"FROM {row['id']}\n" + (f"PARAMETER {parameters}\n" if parameters else ""),
        "parameters": parameters,
        "template": "",
        "details": _details(row, _serving(row, snapshot)),
        "model_info": info,
        "capabilities": _capabilities(row),
        "modified_at": _modified(row),
    }


def _capabilities(row: Row) -> list[str]:
    """Empty where they are not known."""
    return [word for word in row.get("capabilities", ()) if word in _CAPABILITIES]


def _named(row: Row, snapshot: Snapshot) -> dict[str, Any]:
    model = _serving(row, snapshot)
    # Of the name, not of the file: reading gigabytes to list models helps nobody.
    digest = hashlib.sha256(str(row["model"] or row["id"]).encode()).hexdigest()
    size = (model.size_bytes if model else None) or 0
    return {
        "name": row["id"],
        "model": row["id"],
        "size": size,
        "digest": digest,
        "details": _details(row, model),
        "capabilities": _capabilities(row),
    }


def _details(row: Row, model: ModelStatus | None) -> dict[str, Any]:
    """`parent_model` of a slot is the model in it."""
    parent = row["model"] if row["model"] != row["id"] else None
    return {
        "parent_model": parent or "",
        "format": "gguf" if model and model.file else "",
        "family": ARCHITECTURE,
        "families": [ARCHITECTURE],
        "parameter_size": "",
        "quantization_level": (model.quantisation if model else None) or "",
    }


def _usage(row: Row, snapshot: Snapshot) -> dict[str, Any]:
    holding = _holding(row, snapshot)
    used = holding.memory if holding else None
    on_gpu = any(device.is_gpu for device in snapshot.memory)
    sizes = {"size": used} if used else {}
    vram = used or 0 if on_gpu else 0
    return {**sizes, "size_vram": vram, "context_length": row["context_length"], "expires_at": NEVER}


def _serving(row: Row, snapshot: Snapshot) -> ModelStatus | None:
    return snapshot.model(row["model"]) if row["model"] else None


def _holding(row: Row, snapshot: Snapshot) -> SlotStatus | None:
    ready = [slot for slot in snapshot.slots if slot.state is SlotState.READY]
    return snapshot.slot(row["id"]) or next((slot for slot in ready if row["id"] in slot.loaded), None)


def _modified(row: Row) -> str:
    return timestamp(row["created"] * 1_000_000_000)
