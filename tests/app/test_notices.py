from __future__ import annotations

from dataclasses import replace

import pytest

from app.notices import Notice, announcements, notices, switch_notice
from router.state import ServerState, ServerStatus, SlotError, SlotState, Snapshot
from tests.app import scenes
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


def test_an_endpoint_that_opens_to_the_network_is_told_once() -> None:
    local, lan = scenes.ready(), scenes.lan()
    assert notices(local, lan) == [Notice("hal0", "The endpoint is open to other computers, at port 8080.")]
    assert notices(lan, lan) == []
    assert notices(lan, local) == []


@pytest.mark.parametrize(("seconds", "hidden"), [(11.0, False), (10.0, True), (2.0, True)])
def test_a_switch_that_was_short_or_seen_is_not_told(seconds: float, hidden: bool) -> None:
    assert switch_notice(first_snapshot(), "primary", QWEN, seconds, hidden=hidden) is None


def test_a_long_switch_that_nobody_watched_is_told_as_good_news() -> None:
    assert switch_notice(first_snapshot(), "primary", QWEN, 43.0, hidden=True) == Notice(
        "hal0 · primary", "primary now answers with Qwen3-30B Q4_K_M; the switch took 43 s.", good=True
    )


def test_phases_are_announced_and_percents_are_not() -> None:
    ready, at_45 = scenes.ready(), scenes.switching()
    assert announcements(ready, at_45) == ["coder: Loading Gemma-27B & vision"]
    coder = at_45.slots[1]
    assert coder.progress is not None
    later = replace(coder, progress=replace(coder.progress, fraction=0.5))
    assert announcements(at_45, replace(at_45, slots=(at_45.slots[0], later, at_45.slots[2]))) == []
    assert announcements(at_45, ready) == ["coder: Busy (2)"]


def test_a_failure_is_announced_with_its_reason() -> None:
    said = announcements(scenes.ready(), scenes.failed())
    assert said[0].startswith("primary: llama-server stopped while it loaded Gemma-27B")
