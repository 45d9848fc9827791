from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.views.memory import Share, pools
from app.window.memory_bar import parts_of
from app.window.theme import LIGHT
from router.config.schema import Kind
from router.state import DeviceMemory, SlotStatus, Snapshot
from tests.app import scenes
from tests.app.scenes import GB


def test_each_slot_has_its_share_of_the_only_gpu() -> None:
    (pool,) = pools(scenes.ready())
    assert [(s.name, s.colour) for s in pool.shares] == [("primary", 0), ("coder", 1)]
    assert round(pool.others / GB, 1) == 3.1
    assert round(pool.free / GB, 1) == 4.8


def test_on_two_gpus_each_slot_has_its_share_of_both() -> None:
    first, second = pools(scenes.two_gpus())
    assert first.shares == (Share("primary", int(15.6 * GB), 0), Share("coder", int(4.4 * GB), 1))
    assert second.shares == (Share("primary", int(7.2 * GB), 0), Share("coder", int(1.6 * GB), 1))


def test_a_guess_is_marked() -> None:
    (pool,) = pools(scenes.windows())
    assert pool.estimated and all(share.estimated for share in pool.shares)
    words = {part.name: part.words for part in parts_of(pool, LIGHT)}
    assert words == {"primary": "~9.8 GiB", "coder": "~6.3 GiB", "other programs": "~3.1 GiB"}


def test_what_no_slot_accounts_for_belongs_to_the_slots_together() -> None:
    slot = SlotStatus("a", Kind.CHAT, memory_by_device=(3 * GB,))
    device = DeviceMemory("GPU", True, 24 * GB, 10 * GB, 5 * GB)
    (pool,) = pools(Snapshot(slots=(slot,), memory=(device,)))
    assert pool.shares == (Share("a", 3 * GB, 0), Share("", 2 * GB, None))


sizes = st.integers(0, 1 << 40)


@given(
    st.lists(st.lists(sizes, max_size=3), max_size=12),
    st.lists(st.builds(DeviceMemory, st.text(), st.booleans(), sizes, sizes, sizes)),
)
def test_parts_always_add_up_to_the_whole(held: list[list[int]], memory: list[DeviceMemory]) -> None:
    slots = tuple(SlotStatus(f"s{n}", Kind.CHAT, memory_by_device=tuple(on)) for n, on in enumerate(held))
    for pool in pools(Snapshot(slots=slots, memory=tuple(memory))):
        parts = [*(share.size for share in pool.shares), pool.others, pool.free]
        assert sum(parts) == pool.total
        assert min(parts) >= 0
