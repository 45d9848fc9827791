"""The snapshot as JSON (GET /api/state), and what changed between two (GET /api/events).

`router.wire.snapshot_read` is the way back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from router.state import SlotStatus, Snapshot, UpstreamStatus

_PARTS: Mapping[str, Callable[[Snapshot], Any]] = {
    "server": lambda s: {**asdict(s.server), "url": s.server.url},
    "models": lambda s: [asdict(model) for model in s.models],
    "left_out": lambda s: [asdict(file) for file in s.left_out],
    "memory": lambda s: [asdict(device) for device in s.memory],
    "headroom": lambda s: s.headroom,
    "local_only": lambda s: s.local_only,
    "downloads": lambda s: [asdict(download) for download in s.downloads],
    "updates": lambda s: [asdict(update) for update in s.updates],
    "kept": lambda s: [asdict(kept) for kept in s.kept],
    "together": lambda s: s.together,
    "awake": lambda s: s.awake,
}


def snapshot_json(snapshot: Snapshot) -> dict[str, Any]:
    """Return sizes are bytes, times Unix seconds, durations seconds, fractions 0..1 or null where not known."""
    parts = {name: encode(snapshot) for name, encode in _PARTS.items()}
    return {
        "revision": snapshot.revision,
        **parts,
        "slots": [slot_json(slot) for slot in snapshot.slots],
        "upstreams": [_upstream_json(upstream) for upstream in snapshot.upstreams],
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
    """Return only the parts that differ; of `slots`, only those slots. A slot that left is in `removed`;
    `order` names all slots where those that stayed have changed places, or one came between.

    Of `upstreams` all are told, if one differs; what another hal0 says of itself as `remote` where it became
    known or was lost, and as a change of its own in `remote_change` where both are known.
    """
    change: dict[str, Any] = {"revision": new.revision}
    for part, encode in _PARTS.items():
        if getattr(old, part) != getattr(new, part):
            change[part] = encode(new)  # hundreds of models cost milliseconds
    before = {slot.name: slot for slot in old.slots}
    gone = [name for name in before if new.slot(name) is None]
    changed = [slot for slot in new.slots if before.get(slot.name) != slot]
    if changed:
        change["slots"] = [slot_json(slot) for slot in changed]
    if gone:
        change["removed"] = gone
    # Where one follows the changes without it, those that came stand behind those that stayed.
    stayed = [name for name in before if name not in gone]
    names = [slot.name for slot in new.slots]
    if names != stayed + [slot.name for slot in changed if slot.name not in before]:
        change["order"] = names
    if old.upstreams != new.upstreams:
        known = {upstream.name: upstream for upstream in old.upstreams}
        change["upstreams"] = [_upstream_change(known.get(u.name), u) for u in new.upstreams]
    return change


def _upstream_json(upstream: UpstreamStatus) -> dict[str, Any]:
    remote = upstream.remote
    document = asdict(replace(upstream, remote=None))
    return document | {"remote": snapshot_json(remote) if remote is not None else None}


def _upstream_change(old: UpstreamStatus | None, new: UpstreamStatus) -> dict[str, Any]:
    if old is None or old.remote is None or new.remote is None:
        return _upstream_json(new)
    document = asdict(replace(new, remote=None))
    del document["remote"]
    return document | {"remote_change": change_json(old.remote, new.remote)}
