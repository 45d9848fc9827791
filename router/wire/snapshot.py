"""The snapshot as JSON (GET /api/state), and what changed between two (GET /api/events)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from router.state import SlotStatus, Snapshot

_PARTS: Mapping[str, Callable[[Snapshot], Any]] = {
    "server": lambda s: {**asdict(s.server), "url": s.server.url},
    "models": lambda s: [asdict(model) for model in s.models],
    "memory": lambda s: [asdict(device) for device in s.memory],
}


def snapshot_json(snapshot: Snapshot) -> dict[str, Any]:
    """Sizes are bytes, times Unix seconds, durations seconds, fractions 0..1 or null where not known."""
    parts = {name: told(snapshot) for name, told in _PARTS.items()}
    return {"revision": snapshot.revision, **parts, "slots": [slot_json(slot) for slot in snapshot.slots]}


def slot_json(slot: SlotStatus) -> dict[str, Any]:
    body = asdict(slot)
    if slot.progress is not None:
        body["progress"] = {
            "phase": slot.progress.phase,
            "fraction": slot.progress.fraction,
            "elapsed_s": round(slot.progress.elapsed(time.time()), 2),
        }
    return body


def change_json(old: Snapshot, new: Snapshot) -> dict[str, Any]:
    """Only the parts that differ; of `slots`, only those slots. A slot that left is in `removed`."""
    change: dict[str, Any] = {"revision": new.revision}
    for part, told in _PARTS.items():
        if getattr(old, part) != getattr(new, part):
            change[part] = told(new)  # hundreds of models cost milliseconds
    before = {slot.name: slot for slot in old.slots}
    changed = [slot_json(slot) for slot in new.slots if before.pop(slot.name, None) != slot]
    if changed:
        change["slots"] = changed
    if before:
        change["removed"] = list(before)
    return change
