from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.memory_model import Share, pools
from router.config.schema import Kind
from router.state import DeviceMemory, SlotStatus, Snapshot
from tests.app import scenes
from tests.app.scenes import GB


def test_each_slot_has_its_share_of_the_only_gpu() -> None:
    (pool,) = pools(scenes.ready())
    assert [(s.name, s.colour) for s in pool.shares] == [("primary", 0), ("coder", 1)]
    assert round(pool.others / GB, 1) == 3.1
    assert round(pool.free / GB, 1) == 4.8


def test_on_two_gpus_nobody_knows_which_slot_is_where() -> None:
    first, second = pools(scenes.two_gpus())
    assert first.shares == (Share("", int(20.0 * GB), None),)
    assert second.shares == (Share("", int(8.8 * GB), None),)


def test_what_no_slot_accounts_for_belongs_to_the_slots_together() -> None:
    slot = SlotStatus("a", Kind.CHAT, memory=3 * GB)
    device = DeviceMemory("GPU", True, 24 * GB, 10 * GB, 5 * GB)
    (pool,) = pools(Snapshot(slots=(slot,), memory=(device,)))
    assert pool.shares == (Share("a", 3 * GB, 0), Share("", 2 * GB, None))


sizes = st.integers(0, 1 << 40)


@given(
    st.lists(st.none() | sizes, max_size=12),
    st.lists(st.builds(DeviceMemory, st.text(), st.booleans(), sizes, sizes, sizes)),
)
def test_parts_always_add_up_to_the_whole(held: list[int | None], memory: list[DeviceMemory]) -> None:
    slots = tuple(SlotStatus(f"s{n}", Kind.CHAT, memory=size) for n, size in enumerate(held))
    for pool in pools(Snapshot(slots=slots, memory=tuple(memory))):
        parts = [*(share.size for share in pool.shares), pool.others, pool.free]
        assert sum(parts) == pool.total
        assert min(parts) >= 0
