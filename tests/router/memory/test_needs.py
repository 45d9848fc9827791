from __future__ import annotations

import pytest

from router.config.schema import Kind
from router.memory.forecast.needs import (
    DeviceNeed,
    Fit,
    Forecast,
    Source,
    compare,
    free_bytes,
    held_bytes,
    where_it_counts,
)
from router.state import DeviceMemory, SlotStatus

GPU = DeviceMemory("GPU", True, 24, 4)
RAM = DeviceMemory("RAM", False, 64, 32)


@pytest.mark.parametrize(
    ("free", "expected"),
    [(15, (Fit.FITS, 5)), (14, (Fit.TIGHT, 4)), (10, (Fit.TIGHT, 0)), (7, (Fit.SHORT, 3))],
)
def test_fits_with_headroom_tight_without_short_by(free: int, expected: tuple[Fit, int]) -> None:
    assert compare(10, free, headroom=5) == expected


def test_memory_counts_where_the_model_goes() -> None:
    gpu, host = DeviceNeed("CUDA0", 8, 2, 1, is_gpu=True), DeviceNeed("Host", 3, 0, 1)
    assert Forecast((gpu, host), Source.ENGINE).needs == 11
    assert Forecast((gpu, host), Source.ENGINE).total == 15
    assert Forecast((host,), Source.ENGINE).needs == 4


def test_gpus_count_together_and_without_one_the_ram() -> None:
    assert where_it_counts((GPU, RAM, GPU)) == (GPU, GPU)
    assert free_bytes((GPU, RAM, GPU)) == 40
    assert free_bytes((RAM,)) == 32
    assert free_bytes(()) == 0
    assert free_bytes((DeviceMemory("odd", True, 4, 9),)) == 0


def test_a_slot_holds_what_it_holds_where_it_counts() -> None:
    slot = SlotStatus("primary", Kind.CHAT, memory=9)
    assert held_bytes(slot, (GPU, RAM)) == 9
    assert held_bytes(SlotStatus("p", Kind.CHAT, memory=9, memory_by_device=(7, 2)), (GPU, RAM)) == 7
    assert held_bytes(SlotStatus("p", Kind.CHAT, memory=9, memory_by_device=(9,)), (RAM,)) == 9
