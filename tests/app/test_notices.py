from __future__ import annotations

from dataclasses import replace

from app.notices import Notice, notices
from router.state import ServerState, ServerStatus, SlotError, SlotState, Snapshot
from tests.app.fake_service import QWEN, first_snapshot

CRASH = SlotError("engine.failed", "llama-server died (signal 9).", QWEN, 5.0)


def failed(snapshot: Snapshot) -> Snapshot:
    primary, *others = snapshot.slots
    return replace(snapshot, slots=(replace(primary, state=SlotState.FAILED, last_error=CRASH), *others))


def test_an_engine_that_dies_while_ready_is_told_once() -> None:
    before, after = first_snapshot(), failed(first_snapshot())
    assert notices(before, after) == [
        Notice("hal0 · primary", "The engine of primary stopped: llama-server died (signal 9).")
    ]
    assert notices(after, after) == []


def test_a_switch_that_fails_is_left_to_the_command_that_asked() -> None:
    loading = first_snapshot()
    primary, *others = loading.slots
    loading = replace(loading, slots=(replace(primary, state=SlotState.LOADING), *others))
    assert notices(loading, failed(loading)) == []


def test_a_lost_endpoint_is_told() -> None:
    down = ServerStatus(ServerState.FAILED, error="Port 8080 is in use.")
    assert notices(first_snapshot(), replace(first_snapshot(), server=down)) == [
        Notice("hal0", "Port 8080 is in use.")
    ]
