from __future__ import annotations

import threading

import pytest

from router.config.schema import Kind
from router.state import SlotStatus, Snapshot, StateStore


def test_a_change_makes_one_revision_and_no_change_makes_none() -> None:
    store = StateStore()
    seen: list[int] = []
    unsubscribe = store.subscribe(lambda s: seen.append(s.revision))
    slot = SlotStatus("primary", Kind.CHAT)
    store.update(slots=(slot,))
    store.update_slot(slot)
    store.update_slot(SlotStatus("primary", Kind.CHAT, queued=1))
    unsubscribe()
    store.update(slots=())
    assert seen == [1, 2] and store.snapshot.revision == 3


def test_an_observer_that_fails_does_not_hinder_the_others(caplog: pytest.LogCaptureFixture) -> None:
    store = StateStore()
    seen: list[Snapshot] = []

    def broken(_snapshot: Snapshot) -> None:
        raise ValueError("bug")

    store.subscribe(broken)
    store.subscribe(seen.append)
    store.update(slots=(SlotStatus("a", Kind.CHAT),))
    assert len(seen) == 1 and "state observer failed" in caplog.text


def test_only_one_thread_writes() -> None:
    store = StateStore()
    store.update(slots=(SlotStatus("a", Kind.CHAT),))
    errors: list[Exception] = []

    def write() -> None:
        try:
            store.update(slots=())
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert len(errors) == 1 and len(store.snapshot.slots) == 1
