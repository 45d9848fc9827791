"""What one hal0 tells of itself, another reads: whole, as changes, and from a newer version."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.config.schema import Kind, SwitchPolicy, UpstreamKind
from router.state import (
    DeviceMemory,
    DownloadState,
    DownloadStatus,
    ModelStatus,
    Progress,
    ServerState,
    ServerStatus,
    SlotError,
    SlotState,
    SlotStatus,
    Snapshot,
    UpdateStatus,
    UpstreamState,
    UpstreamStatus,
)
from router.wire.snapshot import change_json, snapshot_json
from router.wire.snapshot_read import SchemaMismatch, apply_change, parse_snapshot

NAMES = ("primary", "embed", "coder", "tts")
words = st.text(max_size=8)
numbers = st.integers(0, 1 << 40)
seconds = st.floats(0, 2e9, allow_nan=False)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def several(strategy: st.SearchStrategy[Any], size: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=size).map(tuple)


def named(make: Any, names: tuple[str, ...] = NAMES) -> st.SearchStrategy[tuple[Any, ...]]:
    """Some of these, each name once, in any order."""
    chosen = st.lists(st.sampled_from(names), unique=True)
    return chosen.flatmap(lambda found: st.tuples(*(make(name) for name in found)))


def slots(name: str) -> st.SearchStrategy[SlotStatus]:
    began = st.floats(0, 99).map(lambda seconds: time.time() - seconds)
    progress = st.builds(Progress, st.sampled_from(SlotState), maybe(st.floats(0, 1)), began)
    return st.builds(
        SlotStatus,
        st.just(name),
        st.sampled_from(Kind),
        st.sampled_from(SlotState),
        model=maybe(words),
        target=maybe(words),
        loaded=several(words),
        choices=several(words),
        progress=maybe(progress),
        in_flight=numbers,
        context_length=maybe(numbers),
        memory_by_device=several(numbers),
        memory_estimated=st.booleans(),
        idle_since=maybe(seconds),
        last_error=maybe(st.builds(SlotError, words, words, maybe(words), seconds)),
        switch=st.sampled_from(SwitchPolicy),
        priority=st.integers(-5, 5),
        evicting=several(words),
        apart=several(words),
        upstream=maybe(words),
    )


models = st.builds(
    ModelStatus,
    words,
    words,
    st.sampled_from(Kind),
    several(words),
    maybe(numbers),
    needs_by_device=several(numbers),
    listed=st.booleans(),
    metadata=st.dictionaries(words, words | several(numbers).map(list), max_size=2),
)
devices = st.builds(
    DeviceMemory, words, st.booleans(), numbers, numbers, utilisation=maybe(st.integers(0, 100))
)
servers = st.builds(
    ServerStatus, st.sampled_from(ServerState), words, st.integers(1, 65535), words, maybe(words), maybe(words)
)


downloads = st.builds(
    DownloadStatus,
    words,
    st.sampled_from(DownloadState),
    maybe(words),
    maybe(words),
    numbers,
    numbers,
    speed=maybe(seconds),
    seconds_left=maybe(seconds),
    error=maybe(words),
)


def upstreams(name: str, depth: int) -> st.SearchStrategy[UpstreamStatus]:
    remote = snapshots(depth - 1) if depth else st.none()
    return st.builds(
        UpstreamStatus,
        st.just(name),
        st.sampled_from(UpstreamKind),
        words,
        st.sampled_from(UpstreamState),
        several(words),
        maybe(words),
        maybe(remote),
    )


def snapshots(depth: int = 1) -> st.SearchStrategy[Snapshot]:
    return st.builds(
        Snapshot,
        revision=numbers,
        server=servers,
        slots=named(slots),
        models=several(models, 2),
        memory=several(devices, 2),
        headroom=numbers,
        upstreams=named(lambda name: upstreams(name, depth), ("lxc", "bigpc")),
        local_only=st.booleans(),
        downloads=several(downloads, 2),
        updates=several(st.builds(UpdateStatus, words, words, words), 2),
        together=several(several(words), 2),
        awake=st.booleans(),
    )


def timeless(snapshot: Snapshot) -> Snapshot:
    """Without when switches began: that is told in hundredths of a second."""

    def slot(status: SlotStatus) -> SlotStatus:
        progress = status.progress
        return status if progress is None else replace(status, progress=replace(progress, began_at=0.0))

    def upstream(status: UpstreamStatus) -> UpstreamStatus:
        return status if status.remote is None else replace(status, remote=timeless(status.remote))

    return replace(
        snapshot,
        slots=tuple(slot(s) for s in snapshot.slots),
        upstreams=tuple(upstream(u) for u in snapshot.upstreams),
    )


def sent(told: Any) -> Any:
    return json.loads(json.dumps(told))


@settings(deadline=None)
@given(snapshots())
def test_what_is_told_is_read(snapshot: Snapshot) -> None:
    read = parse_snapshot(sent(snapshot_json(snapshot)))
    assert timeless(read) == timeless(snapshot)
    assert timeless(parse_snapshot(sent(snapshot_json(read)))) == timeless(snapshot), "it is told on"
    for told, slot in zip(read.slots, snapshot.slots, strict=True):
        if slot.progress is not None and told.progress is not None:
            assert abs(told.progress.began_at - slot.progress.began_at) < 1


@settings(deadline=None)
@given(snapshots(), snapshots())
def test_a_change_leads_from_any_snapshot_to_any_other(old: Snapshot, new: Snapshot) -> None:
    assert timeless(apply_change(old, sent(change_json(old, new)))) == timeless(new)


def test_a_small_change_of_another_hal0_is_told_small() -> None:
    """Its models may be hundreds, and its progress comes ten times a second."""
    slot = SlotStatus("primary", Kind.CHAT)
    remote = Snapshot(slots=(slot,), models=(ModelStatus("a", "A", Kind.CHAT),) * 100)
    bigpc = UpstreamStatus("bigpc", UpstreamKind.HAL0, "http://bigpc:8080", remote=remote)
    old = Snapshot(upstreams=(bigpc,))
    later = replace(remote, slots=(replace(slot, in_flight=1),))
    new = replace(old, upstreams=(replace(bigpc, remote=later),))
    change = change_json(old, new)
    assert len(json.dumps(change)) < 1500
    assert apply_change(old, sent(change)) == new


def test_a_switch_that_goes_on_keeps_when_it_began() -> None:
    """A clock that is learnt from it would start over otherwise (app.views.switch)."""
    progress = Progress(SlotState.LOADING, 0.1, 1000.0)
    slot = SlotStatus("primary", Kind.CHAT, SlotState.LOADING, progress=progress)
    body = sent(snapshot_json(Snapshot(slots=(slot,))))["slots"][0]
    body["progress"] = {"phase": "loading", "fraction": 0.2, "elapsed_s": 5.0}
    late = apply_change(Snapshot(slots=(slot,)), {"slots": [body]}, now=1006.5)
    assert late.slots[0].progress == replace(progress, fraction=0.2)
    body["progress"]["elapsed_s"] = 0.5
    another = apply_change(Snapshot(slots=(slot,)), {"slots": [body]}, now=1010.0)
    assert another.slots[0].progress == Progress(SlotState.LOADING, 0.2, 1009.5)


def newer() -> dict[str, Any]:
    """A snapshot as a later version might tell it."""
    told: dict[str, Any] = sent(
        snapshot_json(
            Snapshot(
                slots=(SlotStatus("primary", Kind.CHAT), SlotStatus("film", Kind.IMAGE)),
                models=(ModelStatus("a", "A", Kind.CHAT), ModelStatus("f", "F", Kind.IMAGE)),
                upstreams=(UpstreamStatus("x", UpstreamKind.OPENAI, "http://x"),),
            )
        )
    )
    told["weather"] = {"rain": True}
    told["server"] |= {"state": "hibernating", "mood": "good"}
    told["slots"][0] |= {"state": "defragmenting", "target": "a", "switch": "by_vote", "colour": "red"}
    told["slots"][0]["progress"] = {"phase": "defragmenting", "fraction": 0.5, "elapsed_s": 2, "watts": 3}
    told["slots"][1]["kind"] = told["models"][1]["kind"] = "video"
    told["upstreams"][0] |= {"kind": "cloud", "state": "paused"}
    told["downloads"] = [{"reference": "org/repo:Q4_0", "state": "seeding", "peers": 3}]
    return told


def test_a_newer_version_is_understood_as_far_as_possible() -> None:
    read = parse_snapshot(newer(), now=100.0)
    (slot,), (model,), (upstream,) = read.slots, read.models, read.upstreams
    assert (slot.name, slot.state, slot.switch) == ("primary", SlotState.LOADING, SwitchPolicy.ON_REQUEST)
    assert slot.progress == Progress(SlotState.LOADING, 0.5, 98.0)
    assert model.id == "a"
    assert read.server.state is ServerState.RUNNING
    assert (upstream.kind, upstream.state) == (UpstreamKind.OPENAI, UpstreamState.UNKNOWN)
    assert read.downloads == (DownloadStatus("org/repo:Q4_0", DownloadState.QUEUED),)


def test_an_older_version_that_lacks_fields_is_understood() -> None:
    read = parse_snapshot({"revision": 3, "slots": [{"name": "primary", "kind": "chat"}]})
    assert read == Snapshot(revision=3, slots=(SlotStatus("primary", Kind.CHAT),))


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ([], "the whole"),
        ({"revision": "7"}, "revision"),
        ({"revision": True}, "revision"),
        ({"slots": {}}, "slots"),
        ({"slots": ["primary"]}, r"slots\[0\]"),
        ({"slots": [{"kind": "chat"}]}, r"slots\[0\]\.name"),
        ({"slots": [{"name": "p", "kind": 1}]}, r"slots\[0\]\.kind"),
        ({"slots": [{"name": "p", "kind": "chat", "state": None}]}, r"slots\[0\]\.state"),
        ({"slots": [{"name": "p", "kind": "chat", "progress": 0.5}]}, r"slots\[0\]\.progress"),
        ({"slots": [{"name": "p", "kind": "chat", "progress": {"phase": 3}}]}, r"phase"),
        (
            {"slots": [{"name": "p", "kind": "chat", "progress": {"phase": "x", "elapsed_s": "1"}}]},
            r"elapsed_s",
        ),
        ({"slots": [{"name": "p", "kind": "chat", "progress": {"phase": "x", "fraction": "1"}}]}, r"fraction"),
        ({"memory": [{"name": "RAM", "is_gpu": 0, "total": 1, "used": 1}]}, r"memory\[0\]\.is_gpu"),
        (
            {"upstreams": [{"name": "x", "kind": "hal0", "base_url": "u", "remote": []}]},
            r"upstreams\[0\]\.remote",
        ),
    ],
)
def test_what_is_no_snapshot_is_refused_by_place(told: Any, place: str) -> None:
    with pytest.raises(SchemaMismatch, match=place):
        parse_snapshot(told)


@pytest.mark.parametrize("change", [7, {"removed": "primary"}, {"order": [1]}, {"upstreams": {}}, {"slots": 1}])
def test_what_is_no_change_is_refused(change: Any) -> None:
    with pytest.raises(SchemaMismatch):
        apply_change(Snapshot(), change)
