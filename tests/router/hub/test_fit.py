from __future__ import annotations

from pathlib import Path

import pytest

from router.catalog.gguf import read_header
from router.catalog.header import GgufHeader
from router.hub.fit import offered_fit
from router.memory.forecast.needs import Fit
from router.memory.measure.pools import Pool
from tests.router.catalog.files import write_gguf

GIB = 1 << 30


@pytest.fixture
def header(tmp_path: Path) -> GgufHeader:
    path = write_gguf(
        tmp_path / "m.gguf",
        ARCH__attention__head_count=32,
        ARCH__attention__head_count_kv=8,
        ARCH__embedding_length=4096,
        ARCH__block_count=32,
        ARCH__context_length=131072,
    )
    return read_header(path)


@pytest.mark.parametrize(
    ("free", "fits", "context"),
    [(64, Fit.FITS, 131072), (12, Fit.FITS, 49152), (6, Fit.FITS, 8192), (4, Fit.SHORT, 4096)],
)
def test_the_largest_context_that_fits_is_told(
    header: GgufHeader, free: int, fits: Fit, context: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This computer has one size of memory only.
    class Fixed:
        def read(self, pids: object) -> tuple[Pool, ...]:
            return (Pool("GPU", is_gpu=True, total=64 * GIB, used=(64 - free) * GIB),)

    monkeypatch.setattr("router.hub.fit.find_source", Fixed)
    fit = offered_fit(header, 4 * GIB)
    assert (fit.fits, fit.context, fit.context_trained) == (fits, context, 131072)
    assert fit.is_gpu and fit.free == free * GIB and fit.needs > 4 * GIB


def test_this_computers_memory_is_what_counts(header: GgufHeader) -> None:
    fit = offered_fit(header, 1 << 50)
    assert fit.fits == Fit.SHORT and 0 < fit.free <= fit.total < 1 << 50


def test_what_slots_hold_counts_as_free_as_a_switch_gives_it_back(header: GgufHeader) -> None:
    pools = (Pool("GPU", is_gpu=True, total=24 * GIB, used=22 * GIB),)
    assert offered_fit(header, 4 * GIB, pools=pools).fits == Fit.SHORT
    fit = offered_fit(header, 4 * GIB, held=20 * GIB, pools=pools)
    assert (fit.fits, fit.free, fit.held) == (Fit.FITS, 22 * GIB, 20 * GIB)


def test_each_gpu_that_a_model_goes_over_keeps_its_headroom(header: GgufHeader) -> None:
    def fits(*free: int) -> str:
        pools = [Pool("GPU", True, 24 * GIB, 24 * GIB - amount) for amount in free]
        return offered_fit(header, 4 * GIB, headroom=GIB, pools=pools).fits

    needs = offered_fit(header, 4 * GIB, pools=[Pool("GPU", True, GIB, 0)]).needs  # with the least context
    assert fits(needs + GIB) == Fit.FITS and fits(needs + GIB, 0) == Fit.FITS, "whole on one"
    assert fits(needs // 2 + GIB, needs // 2 + 2 * GIB) == Fit.FITS
    assert fits(needs // 2 + GIB, needs // 2 + GIB // 2) != Fit.FITS
    assert (
        offered_fit(header, 4 * GIB, headroom=GIB, pools=[Pool("GPU", True, GIB, GIB // 2)]).fits == Fit.SHORT
    )
