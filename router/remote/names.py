"""Pure: slots of other hal0s by name. `bigpc/primary` is the slot `primary` of the upstream `bigpc`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from router.config.schema import UpstreamKind
from router.state import SlotStatus, Snapshot, UpstreamStatus


@dataclass(frozen=True, slots=True)
class HostedSlot:
    """A slot, named as it is called from here, with the snapshot that knows its models and memory."""

    snapshot: Snapshot
    slot: SlotStatus


def full_name(upstream: str, slot: str) -> str:
    return f"{upstream}/{slot}"


def others(snapshot: Snapshot) -> tuple[UpstreamStatus, ...]:
    """Return the other hal0s, whether or not there is contact."""
    return tuple(u for u in snapshot.upstreams if u.kind is UpstreamKind.HAL0)


def slots_of(upstream: UpstreamStatus) -> Iterator[HostedSlot]:
    """Return the slots of another hal0; none while there is no contact."""
    if upstream.remote is not None:
        for slot in upstream.remote.slots:
            yield HostedSlot(upstream.remote, replace(slot, name=full_name(upstream.name, slot.name)))


def all_slots(snapshot: Snapshot) -> Iterator[HostedSlot]:
    """Return this hal0's slots, then those of each other."""
    for slot in snapshot.slots:
        yield HostedSlot(snapshot, slot)
    for upstream in others(snapshot):
        yield from slots_of(upstream)


def find_slot(snapshot: Snapshot, name: str) -> HostedSlot | None:
    """Return the slot of that name, here (no slash in it) or elsewhere."""
    upstream, slash, _ = name.partition("/")
    if not slash:
        found = snapshot.slot(name)
        return None if found is None else HostedSlot(snapshot, found)
    there = next((u for u in others(snapshot) if u.name == upstream), None)
    return next((p for p in slots_of(there) if p.slot.name == name), None) if there is not None else None
