"""The snapshot as JSON (GET /api/state), and what changed between two (GET /api/events)."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from router.state import SlotStatus, Snapshot


def snapshot_json(snapshot: Snapshot) -> dict[str, Any]:
    """Sizes are bytes, times Unix seconds, durations seconds, fractions 0..1 or null where not known."""
    return {
        "revision": snapshot.revision,
        "server": {**asdict(snapshot.server), "url": snapshot.server.url},
        "slots": [slot_json(slot) for slot in snapshot.slots],
        "models": [asdict(model) for model in snapshot.models],
        "memory": [asdict(device) for device in snapshot.memory],
    }


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
    full = snapshot_json(new)
    change: dict[str, Any] = {"revision": new.revision}
    for part in ("server", "models", "memory"):
        if getattr(old, part) != getattr(new, part):
            change[part] = full[part]
    before = {slot.name: slot for slot in old.slots}
    changed = [slot_json(slot) for slot in new.slots if before.pop(slot.name, None) != slot]
    if changed:
        change["slots"] = changed
    if before:
        change["removed"] = list(before)
    return change
