from __future__ import annotations

import os

import psutil
import pytest

from router.memory.measure.ram import RamSource, is_unified


def test_ram_is_this_computers_and_a_process_has_its_resident_set() -> None:
    (pool,) = RamSource().read([os.getpid(), 2**22 - 1])
    assert (pool.name, pool.is_gpu) == ("RAM", False)
    assert pool.total == psutil.virtual_memory().total and 0 < pool.used < pool.total
    assert pool.free == pool.total - pool.used
    held = pool.held[os.getpid()]
    assert set(pool.held) == {os.getpid()} and held is not None and held > 1_000_000


@pytest.mark.parametrize(
    ("system", "machine", "unified"),
    [("darwin", "arm64", True), ("darwin", "x86_64", False), ("linux", "aarch64", False)],
)
def test_apples_own_chips_share_the_ram_with_their_gpu(system: str, machine: str, unified: bool) -> None:
    assert is_unified(system, machine) is unified
