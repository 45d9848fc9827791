"""When memory is looked at, and which changes are worth a revision."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.base.tasks import spawn
from router.config.schema import Kind
from router.memory.measure import poll
from router.memory.measure.meter import Meter
from router.memory.measure.poll import RAM_STEP, STEP, MemoryPoll, settle
from router.memory.measure.pools import Pool
from router.state import DeviceMemory, SlotMemory, SlotState, SlotStatus, Snapshot, StateStore

MIB = 1 << 20
GIB = 1 << 30


class Source:
    """Says what it is told to, and remembers who asked and for whom."""

    def __init__(self, *pools: Pool) -> None:
        self.pools = pools
        self.asked: list[set[int]] = []
        self.threads: set[int] = set()
        self.meanwhile: Callable[[], object] = lambda: None

    def read(self, pids: Collection[int]) -> tuple[Pool, ...]:
        self.asked.append(set(pids))
        self.threads.add(threading.get_ident())
        self.meanwhile()
        return self.pools


class Bench:
    def __init__(self, *pools: Pool) -> None:
        self.source = Source(*pools)
        slot = SlotStatus("a", Kind.CHAT, SlotState.READY, pid=7)
        self.store = StateStore(Snapshot(slots=(slot, SlotStatus("b", Kind.CHAT))))
        self.beside: list[int] = []
        self.poll = MemoryPoll(self.store, Meter(self.source), self.publish, lambda: self.beside)
        self.published = 0

    def publish(self, devices: Sequence[DeviceMemory], slots: Mapping[str, SlotMemory]) -> None:
        """As the supervisor does it."""
        self.published += 1
        shown = []
        for slot in self.store.snapshot.slots:
            held = slots.get(slot.name, SlotMemory(()))
            shown.append(
                replace(
                    slot,
                    memory=sum(held.by_device) or None,
                    memory_by_device=held.by_device,
                    memory_estimated=held.estimated,
                )
            )
        self.store.update(memory=tuple(devices), slots=tuple(shown))

    def change(self, **changes: object) -> None:
        self.store.update_slot(replace(self.store.snapshot.slots[0], **changes))  # type: ignore[arg-type]


def gpu(name: str, used: int, held: Mapping[int, int | None], busy: int | None = None) -> Pool:
    return Pool(name, True, 24 * GIB, used, busy, held)


async def test_each_gpu_knows_what_the_slots_hold_of_it() -> None:
    bench = Bench(gpu("x", 9 * GIB, {7: 5 * GIB}), gpu("y", 3 * GIB, {7: 2 * GIB}, busy=60))
    await bench.poll.look()
    snapshot = bench.store.snapshot
    assert bench.source.asked == [{7}] and bench.source.threads != {threading.get_ident()}
    assert [(d.name, d.used_by_slots, d.free, d.utilisation) for d in snapshot.memory] == [
        ("x", 5 * GIB, 15 * GIB, None),
        ("y", 2 * GIB, 21 * GIB, 60),
    ]
    assert (snapshot.slots[0].memory, snapshot.slots[0].memory_by_device) == (7 * GIB, (5 * GIB, 2 * GIB))
    assert snapshot.slots[1].memory is None


async def test_what_the_driver_does_not_tell_is_marked_as_a_guess() -> None:
    bench = Bench(gpu("x", 2 * GIB, {}))
    await bench.poll.look()
    assert not bench.store.snapshot.memory[0].estimated
    bench.source.pools = (gpu("x", 6 * GIB, {7: None}),)
    await bench.poll.look()
    await bench.poll.look()
    slot, (device,) = bench.store.snapshot.slots[0], bench.store.snapshot.memory
    assert (device.estimated, device.used_by_slots) == (True, 4 * GIB)
    assert (slot.memory_estimated, slot.memory_by_device) == (True, (4 * GIB,))


async def test_an_engine_replaced_while_looking_is_not_given_the_old_ones_memory() -> None:
    bench = Bench(gpu("x", 9 * GIB, {7: 5 * GIB}))
    loop = asyncio.get_running_loop()

    def replaced() -> None:
        asyncio.run_coroutine_threadsafe(change(), loop).result(5)

    async def change() -> None:
        bench.change(pid=8)

    bench.source.meanwhile = replaced
    await bench.poll.look()
    assert bench.store.snapshot.slots[0].memory is None


async def test_an_engine_beside_the_one_that_is_shown_counts_as_ours() -> None:
    """While one loads beside another, or answers its last requests, a slot has two."""
    bench = Bench(gpu("x", 9 * GIB, {7: 5 * GIB, 8: 3 * GIB}), gpu("y", 2 * GIB, {8: GIB}))
    bench.beside = [7, 8]
    await bench.poll.look()
    snapshot = bench.store.snapshot
    assert bench.source.asked == [{7, 8}]
    assert [device.used_by_slots for device in snapshot.memory] == [8 * GIB, GIB]
    assert snapshot.slots[0].memory_by_device == (5 * GIB, 0), "what the slot's own engine holds"
    bench.beside = [7]
    bench.source.pools = (gpu("x", 6 * GIB, {7: 5 * GIB}), gpu("y", GIB, {}))
    await bench.poll.look()
    assert [device.used_by_slots for device in bench.store.snapshot.memory] == [5 * GIB, 0]


async def test_gone_devices_are_not_shown_any_more() -> None:
    bench = Bench(gpu("x", 9 * GIB, {7: 5 * GIB}))
    await bench.poll.look()
    bench.source.pools = ()
    await bench.poll.look()
    assert bench.store.snapshot.memory == () and not bench.store.snapshot.slots[0].memory


async def test_a_switch_is_watched_more_closely_and_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poll, "IDLE_SECONDS", 3600.0)
    monkeypatch.setattr(poll, "SWITCH_SECONDS", 0.001)
    bench = Bench(gpu("x", 9 * GIB, {}))
    running = spawn(bench.poll.run(), name="memory")

    async def looked(times: int) -> None:
        async with asyncio.timeout(20):
            while bench.published < times:
                await asyncio.sleep(0.001)

    await looked(1)
    bench.change(state=SlotState.LOADING)
    await looked(5)
    bench.change(state=SlotState.READY)
    after = bench.published
    await looked(after + 1)
    running.cancel()
    await asyncio.wait([running])
    assert len(bench.source.asked) >= 6


def test_small_changes_make_no_revision_and_large_ones_are_exact() -> None:
    shown = DeviceMemory("x", True, 8 * GIB, GIB, 500 * MIB, utilisation=40)
    slot = SlotStatus("a", Kind.CHAT, memory_by_device=(500 * MIB,))
    before = Snapshot(memory=(shown,), slots=(slot,))
    near = replace(shown, used=GIB + STEP - 1, utilisation=49)
    devices, slots = settle(before, [near], {"a": SlotMemory((500 * MIB - STEP + 1,))})
    assert devices == [shown] and slots == {"a": SlotMemory((500 * MIB,))}
    far = replace(shown, used=GIB + STEP, utilisation=50)
    devices, slots = settle(before, [far], {"a": SlotMemory((500 * MIB - STEP,))})
    assert devices == [replace(far, used_by_slots=500 * MIB - STEP)]
    assert slots == {"a": SlotMemory((500 * MIB - STEP,))}


def test_ram_may_move_more_before_it_is_worth_a_revision() -> None:
    shown = DeviceMemory("RAM", False, 8 * GIB, GIB)
    near, far = replace(shown, used=GIB + RAM_STEP - 1), replace(shown, used=GIB + RAM_STEP)
    assert settle(Snapshot(memory=(shown,)), [near], {})[0] == [shown]
    assert settle(Snapshot(memory=(shown,)), [far], {})[0] == [far]


def test_nothing_is_nothing_at_once_and_other_devices_are_not_compared() -> None:
    shown = DeviceMemory("x", True, 8 * GIB, 10 * MIB, utilisation=5)
    before = Snapshot(memory=(shown,))
    empty = replace(shown, used=0, utilisation=0)
    assert settle(before, [empty], {})[0] == [empty]
    other = replace(shown, name="y", used=11 * MIB)
    assert settle(before, [other], {})[0] == [other]


sizes = st.integers(0, 1 << 36)


@given(st.lists(st.tuples(sizes, sizes), min_size=1, max_size=6), st.lists(sizes, max_size=4))
def test_what_is_shown_is_never_a_step_away_from_what_is(
    looks: list[tuple[int, int]], extra: list[int]
) -> None:
    snapshot = Snapshot(slots=(SlotStatus("a", Kind.CHAT),))
    for used, held in looks:
        devices = [DeviceMemory(f"d{n}", True, 1 << 37, size) for n, size in enumerate([used, *extra])]
        slots = {"a": SlotMemory((held, *(0 for _ in extra)))}
        settled, kept = settle(snapshot, devices, slots)
        shown = replace(snapshot.slots[0], memory_by_device=kept["a"].by_device)
        snapshot = Snapshot(memory=tuple(settled), slots=(shown,))
        assert all(abs(d.used - now.used) < STEP for d, now in zip(settled, devices, strict=True))
        assert abs(kept["a"].by_device[0] - held) < STEP
        assert settled[0].used_by_slots == kept["a"].by_device[0]
