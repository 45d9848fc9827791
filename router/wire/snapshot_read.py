"""The way back from `router.wire.snapshot`: what another hal0 tells of itself → `Snapshot`.

Strict about types; a newer version's fields are left out, and its words become the nearest this one knows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any, TypeVar

from router.config.schema import SwitchPolicy, UpstreamKind
from router.state import (
    DownloadState,
    ModelStatus,
    Progress,
    ServerState,
    SlotState,
    SlotStatus,
    Snapshot,
    UpstreamState,
    UpstreamStatus,
)
from router.wire.json_dataclass import Reader, SchemaMismatch, read, word

__all__ = ["SchemaMismatch", "apply_change", "parse_snapshot"]

T = TypeVar("T")
SAME_SWITCH_SECONDS = 2.0
"""When a switch began is told in seconds passed: two answers differ by how long they were on their way."""

_SIMPLE = (
    "revision",
    "server",
    "models",
    "left_out",
    "memory",
    "headroom",
    "local_only",
    "downloads",
    "updates",
    "kept",
    "together",
    "awake",
)


def parse_snapshot(document: Any, now: float | None = None) -> Snapshot:
    """Read the snapshot that `snapshot_json` wrote at Unix time `now`. Raises SchemaMismatch."""
    return read(Snapshot, document, instead=_readers(time.time() if now is None else now))


def apply_change(snapshot: Snapshot, change: Any, now: float | None = None) -> Snapshot:
    """Return the snapshot after the change that `change_json` wrote at Unix time `now`. Raises
    SchemaMismatch."""
    if not isinstance(change, dict):
        raise SchemaMismatch(f"a change is no object ({type(change).__name__})")
    now = time.time() if now is None else now
    parts = {name: change[name] for name in (*_SIMPLE, "slots") if name in change}
    parsed = read(Snapshot, parts, instead=_readers(now))
    new: dict[str, Any] = {name: getattr(parsed, name) for name in parts if name != "slots"}
    if {"slots", "removed", "order"} & set(change):
        new["slots"] = _slots(snapshot, parsed.slots, _names(change, "removed"), _names(change, "order"))
    if "upstreams" in change:
        new["upstreams"] = _upstreams(snapshot, change["upstreams"], now)
    return replace(snapshot, **new)


def _slots(
    old: Snapshot, parsed: tuple[SlotStatus, ...], removed: tuple[str, ...], order: tuple[str, ...]
) -> tuple[SlotStatus, ...]:
    slots = {slot.name: slot for slot in old.slots if slot.name not in removed}
    slots |= {slot.name: _same_switch(slots.get(slot.name), slot) for slot in parsed}
    first = [name for name in order if name in slots]
    return tuple(slots[name] for name in dict.fromkeys((*first, *slots)))


def _same_switch(old: SlotStatus | None, new: SlotStatus) -> SlotStatus:
    """Keep when a switch that goes on began, however long this answer took."""
    if old is None or old.progress is None or new.progress is None:
        return new
    if abs(old.progress.began_at - new.progress.began_at) > SAME_SWITCH_SECONDS:
        return new
    return replace(new, progress=replace(new.progress, began_at=old.progress.began_at))


def _upstreams(old: Snapshot, document: Any, now: float) -> tuple[UpstreamStatus, ...]:
    known = {upstream.name: upstream for upstream in old.upstreams}
    wrapped = read(Snapshot, {"upstreams": document}, instead=_readers(now)).upstreams
    found = []
    for upstream, raw in zip(wrapped, document, strict=True):
        remote, before = upstream.remote, known.get(upstream.name)
        if "remote_change" in raw and before is not None and before.remote is not None:
            remote = apply_change(before.remote, raw["remote_change"], now)
        found.append(replace(upstream, remote=remote))
    return tuple(found)


def _names(change: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = change.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SchemaMismatch(f"{key} is no list of names")
    return tuple(names)


def _readers(now: float) -> Mapping[Any, Reader]:
    readers: dict[Any, Reader] = {
        ServerState: _or(ServerState, ServerState.RUNNING),
        SwitchPolicy: _or(SwitchPolicy, SwitchPolicy.ON_REQUEST),
        UpstreamKind: _or(UpstreamKind, UpstreamKind.OPENAI),
        UpstreamState: _or(UpstreamState, UpstreamState.UNKNOWN),
        DownloadState: _or(DownloadState, DownloadState.QUEUED),
        Progress: lambda value, place: _progress(value, place, now),
    }
    readers[tuple[ModelStatus, ...]] = lambda value, place: _known(
        value, place, lambda item, where: read(ModelStatus, item, where, readers)
    )
    readers[tuple[SlotStatus, ...]] = lambda value, place: _known(
        value, place, lambda item, where: read(SlotStatus, _with_known_state(item), where, readers)
    )
    return readers


def _known(value: Any, place: str, reader: Callable[[Any, str], T]) -> tuple[T, ...]:
    """Return slots and models of a kind that this version does not know are left out: it can do nothing with
    them."""
    if not isinstance(value, list):
        raise SchemaMismatch(f"{place} is no list")
    found = []
    for number, item in enumerate(value):
        try:
            found.append(reader(item, f"{place}[{number}]"))
        except SchemaMismatch as error:
            if not error.unknown_word:
                raise
    return tuple(found)


def _or(kind: type[Enum], default: Enum) -> Reader:
    def reader(value: Any, place: str) -> Any:
        try:
            return word(kind, value, place)
        except SchemaMismatch as error:
            if not error.unknown_word:
                raise
            return default

    return reader


def _with_known_state(document: Any) -> Any:
    """Take a state that this version does not know for loading where there is a target, else for unloaded."""
    state = document.get("state") if isinstance(document, dict) else None
    if not isinstance(state, str) or state in set(SlotState):
        return document
    return document | {"state": SlotState.LOADING if document.get("target") else SlotState.UNLOADED}


def _progress(value: Any, place: str, now: float) -> Progress:
    if not isinstance(value, dict):
        raise SchemaMismatch(f"{place} is no object")
    elapsed = value.get("elapsed_s", 0.0)
    if isinstance(elapsed, bool) or not isinstance(elapsed, (int, float)):
        raise SchemaMismatch(f"{place}.elapsed_s is no number")
    phase = _or(SlotState, SlotState.LOADING)(value.get("phase"), f"{place}.phase")
    fraction = value.get("fraction")
    if fraction is not None and (isinstance(fraction, bool) or not isinstance(fraction, (int, float))):
        raise SchemaMismatch(f"{place}.fraction is no number")
    return Progress(phase, None if fraction is None else float(fraction), now - elapsed)
