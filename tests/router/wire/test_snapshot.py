"""The state object as JSON, whole and as differences."""

from __future__ import annotations

import json
import time
from dataclasses import replace

from router.config.schema import Kind
from router.state import (
    DeviceMemory,
    ModelStatus,
    Progress,
    ServerState,
    ServerStatus,
    SlotError,
    SlotState,
    SlotStatus,
    Snapshot,
)
from router.wire.snapshot import change_json, slot_json, snapshot_json

PRIMARY = SlotStatus("primary", Kind.CHAT, choices=("a", "b"))
EMBED = SlotStatus("embed", Kind.EMBEDDING)
BASE = Snapshot(
    revision=7,
    slots=(PRIMARY, EMBED),
    models=(ModelStatus("a", "A", Kind.CHAT, aliases=("x",)),),
    memory=(DeviceMemory("RAM", False, 100, 40),),
)


def test_a_snapshot_is_json_with_words_for_states() -> None:
    state = json.loads(json.dumps(snapshot_json(BASE)))
    assert set(state) == {
        "revision", "server", "slots", "models", "memory", "headroom", "upstreams", "local_only",
        "downloads", "updates", "left_out", "kept", "awake", "together",
    }  # fmt: skip
    assert [slot["state"] for slot in state["slots"]] == ["unloaded", "unloaded"]
    assert state["models"][0]["kind"] == "chat" and state["models"][0]["aliases"] == ["x"]
    assert state["server"]["url"] == "http://127.0.0.1:8080"


def test_progress_is_told_as_elapsed_seconds() -> None:
    progress = Progress(SlotState.LOADING, 0.5, time.time() - 3)
    told = slot_json(replace(PRIMARY, state=SlotState.LOADING, progress=progress))["progress"]
    assert set(told) == {"phase", "fraction", "elapsed_s"}
    assert (told["phase"], told["fraction"]) == ("loading", 0.5) and 3 <= told["elapsed_s"] < 60
    future = replace(progress, began_at=time.time() + 99)  # the clock was set back
    assert slot_json(replace(PRIMARY, progress=future))["progress"]["elapsed_s"] == 0


def test_an_error_is_told_in_full() -> None:
    failed = replace(PRIMARY, last_error=SlotError("engine.failed", "It died.", "a", 12.5, ("ctx-size=4096",)))
    assert slot_json(failed)["last_error"] == {
        "code": "engine.failed",
        "message": "It died.",
        "model": "a",
        "at": 12.5,
        "remedy": ("ctx-size=4096",),
        "past": False,
    }


def test_a_change_has_only_what_differs() -> None:
    assert change_json(BASE, replace(BASE, revision=8)) == {"revision": 8}
    ready = replace(PRIMARY, state=SlotState.READY)
    change = change_json(BASE, replace(BASE, revision=9, slots=(ready, EMBED)))
    assert set(change) == {"revision", "slots"} and [s["name"] for s in change["slots"]] == ["primary"]
    server = ServerStatus(state=ServerState.RUNNING)
    assert set(change_json(BASE, replace(BASE, server=server, memory=()))) == {"revision", "server", "memory"}


def test_slots_that_came_and_left() -> None:
    rerank = SlotStatus("rerank", Kind.RERANK)
    change = change_json(BASE, replace(BASE, slots=(PRIMARY, rerank)))
    assert [s["name"] for s in change["slots"]] == ["rerank"] and change["removed"] == ["embed"]


def test_changes_lead_from_one_snapshot_to_the_other() -> None:
    new = replace(BASE, revision=8, slots=(replace(EMBED, in_flight=2), SlotStatus("stt", Kind.STT)), models=())
    state = snapshot_json(BASE)
    change = change_json(BASE, new)
    slots = {slot["name"]: slot for slot in state["slots"]}
    slots |= {slot["name"]: slot for slot in change.pop("slots")}
    for name in change.pop("removed"):
        del slots[name]
    followed = {**state, **change, "slots": list(slots.values())}
    assert followed == snapshot_json(new)
