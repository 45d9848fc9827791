from __future__ import annotations

import threading
from dataclasses import replace

from pytestqt.qtbot import QtBot

from app.link.state_bridge import StateBridge
from router.state import Snapshot, StateStore
from tests.app.fake_service import StoreLink, first_snapshot


def publish(store: StateStore, times: int) -> None:
    """`times` changes as fast as they come, on a thread of their own (the store's one writer)."""

    def write() -> None:
        for number in range(times):
            primary = replace(store.snapshot.slots[0], in_flight=number + 1)
            store.update_slot(primary)

    writer = threading.Thread(target=write)
    writer.start()
    writer.join()


def test_a_flood_of_changes_arrives_as_the_newest_snapshot_once(qtbot: QtBot) -> None:
    link = StoreLink(first_snapshot())
    bridge = StateBridge(link)  # type: ignore[arg-type]
    seen: list[Snapshot] = []
    threads: list[int] = []
    bridge.changed.connect(seen.append)
    bridge.changed.connect(lambda _snapshot: threads.append(threading.get_ident()))
    with qtbot.waitSignal(bridge.changed, timeout=5000):
        publish(link.store, 5000)
    assert [snapshot.slots[0].in_flight for snapshot in seen] == [5000]
    assert threads == [threading.get_ident()]


def test_each_later_change_arrives_too(qtbot: QtBot) -> None:
    link = StoreLink(first_snapshot())
    bridge = StateBridge(link)  # type: ignore[arg-type]
    for in_flight in (1, 2, 3):
        with qtbot.waitSignal(bridge.changed, timeout=5000) as caught:
            link.store.update_slot(replace(link.store.snapshot.slots[0], in_flight=in_flight))
        assert caught.args[0].slots[0].in_flight == in_flight


def test_a_closed_bridge_is_silent(qtbot: QtBot) -> None:
    link = StoreLink(first_snapshot())
    bridge = StateBridge(link)  # type: ignore[arg-type]
    link.store.update_slot(replace(link.store.snapshot.slots[0], in_flight=1))
    bridge.close()
    with qtbot.assertNotEmitted(bridge.changed, wait=100):
        link.store.update_slot(replace(link.store.snapshot.slots[0], in_flight=2))
