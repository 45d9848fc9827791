"""A stream of the state hears of a switch at once, and of requests now and then."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from router.config.schema import Kind
from router.server.routes.change_signal import ChangeSignal, only_requests
from router.state import DeviceMemory, SlotState, SlotStatus, Snapshot, StateStore

SLOT = SlotStatus("primary", Kind.CHAT, SlotState.READY, "alpha", loaded=("alpha",))
OTHER = SlotStatus("coder", Kind.CHAT)
BEFORE = Snapshot(slots=(SLOT, OTHER))
NEVER, WAIT_SECONDS = 3600.0, 30.0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"in_flight": 3}, True),
        ({"queued": 1, "idle_since": 5.0, "tokens_per_second": 9.0}, True),
        ({"served_by": "cloud"}, True),
        ({"state": SlotState.DRAINING, "in_flight": 1}, False),
        ({"target": "beta"}, False),
        ({"draining": 1}, False),
        ({"memory": 7}, False),
    ],
)
def test_what_each_request_changes_is_told_from_the_rest(change: dict[str, Any], expected: bool) -> None:
    after = replace(BEFORE, revision=9, slots=(replace(SLOT, **change), OTHER))
    assert only_requests(BEFORE, after) is expected


def test_all_else_is_no_request() -> None:
    for after in (
        replace(BEFORE, slots=(SLOT,)),
        replace(BEFORE, memory=(DeviceMemory("RAM", False, 9, 1, 0),)),
        replace(BEFORE, local_only=True),
    ):
        assert not only_requests(BEFORE, after)


async def test_requests_wait_and_a_switch_does_not() -> None:
    store = StateStore(BEFORE)
    signal = ChangeSignal(store, NEVER)
    for count in range(1, 50):
        store.update_slot(replace(SLOT, in_flight=count % 3))
        await asyncio.sleep(0)
    assert not signal.came.is_set()
    store.update_slot(replace(SLOT, state=SlotState.DRAINING))
    assert signal.came.is_set()
    signal.close()


async def test_requests_are_told_in_the_end() -> None:
    store = StateStore(BEFORE)
    signal = ChangeSignal(store, 0.001)
    for count in (1, 2):
        store.update_slot(replace(SLOT, in_flight=count))
        async with asyncio.timeout(WAIT_SECONDS):
            await signal.came.wait()
        signal.came.clear()
    signal.close()
    store.update_slot(replace(SLOT, state=SlotState.FAILED))
    assert not signal.came.is_set(), "nobody listens"
