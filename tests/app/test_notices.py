from __future__ import annotations

from dataclasses import replace

import pytest

from app.views.notices import Notice, announcements, exposure, notices, switch_notice, update_news
from router.state import DownloadState, ServerState, ServerStatus, SlotError, SlotState, Snapshot
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


def test_so_is_one_whose_phases_nobody_saw() -> None:
    before = first_snapshot()
    primary, *others = before.slots
    error = replace(CRASH, model="another")
    after = replace(before, slots=(replace(primary, last_error=error), *others))
    assert primary.state is SlotState.READY
    assert notices(before, after) == []


def test_a_lost_endpoint_is_told() -> None:
    down = ServerStatus(ServerState.FAILED, error="Port 8080 is in use.")
    assert notices(first_snapshot(), replace(first_snapshot(), server=down)) == [
        Notice("hal0", "Port 8080 is in use.")
    ]


def test_an_endpoint_that_opens_to_the_network_is_told_once_also_over_starts() -> None:
    local, lan = scenes.ready(), scenes.lan()
    news = Notice("hal0", "The endpoint is open to other computers, at port 8080.")
    assert exposure(lan, False) == (True, news)
    assert exposure(lan, True) == (True, None)
    assert exposure(local, True) == (False, None)
    starting = replace(lan, server=replace(lan.server, state=ServerState.STARTING))
    assert exposure(starting, True) == (True, None)
    assert exposure(starting, False) == (False, None)


def test_a_download_that_ended_is_told_and_one_a_person_paused_is_not() -> None:
    coming = scenes.one_download()
    (download,) = coming.downloads

    def now(state: DownloadState, error: str | None = None) -> Snapshot:
        return replace(coming, downloads=(replace(download, state=state, error=error),))

    name = download.reference
    assert notices(coming, now(DownloadState.DONE)) == [
        Notice("hal0", f"{name} is downloaded and ready to load.", good=True)
    ]
    assert notices(coming, now(DownloadState.FAILED, "The disk is full.")) == [
        Notice("hal0", f"{name} was not fetched: The disk is full.")
    ]
    assert notices(coming, now(DownloadState.PAUSED)) == notices(coming, coming) == []
    assert notices(replace(coming, downloads=()), now(DownloadState.DONE)) == [], "it was there before"


def test_a_newer_version_is_told_once_and_never_while_a_slot_is_busy() -> None:
    idle = replace(scenes.update(), slots=(scenes.PRIMARY,))
    flag = "update_told:llama-server:b12345"
    news = Notice("hal0", "llama-server b12345 is available; you have 0.7.0 (build 11669).", good=True)
    assert update_news(idle, set()) == {flag: news}
    assert update_news(idle, {flag}) == {}
    busy = replace(idle, slots=(replace(scenes.PRIMARY, in_flight=1),))
    assert update_news(busy, set()) == {}
    assert update_news(scenes.ready(), set()) == {}


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
