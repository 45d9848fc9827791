"""What would make a model fit, in words."""

from __future__ import annotations

import pytest

from app.views.fit_ways import fit_sentence
from router.wire.fit_ways import FitWay, FitWays

GIB = 1 << 30
SMALL = ("cache-type-k=q8_0", "cache-type-v=q8_0")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (FitWays(True), "it fits now"),
        (
            FitWays(False, (FitWay(("n-cpu-moe=21",), 19 * GIB, 9 * GIB),)),
            "it would fit with the experts of 21 layers on the processor (n-cpu-moe 21): 19 GiB",
        ),
        (
            FitWays(False, (FitWay(("n-gpu-layers=12", *SMALL), GIB), FitWay((), 2 * GIB, model="m-Q4_K_M"))),
            "it would fit with 12 layers on the GPU, the others on the processor (n-gpu-layers 12) and an "
            "8-bit KV cache (cache-type-k and cache-type-v q8_0): 1 GiB; m-Q4_K_M would fit in its place",
        ),
        (FitWays(False, (FitWay(("ctx-size=36864",), GIB),)), "it would fit with ctx-size 36864: 1 GiB"),
        (FitWays(False, (FitWay(("new-flag=1",), GIB),)), "it would fit with new-flag 1: 1 GiB"),
        (
            FitWays(False),
            "nothing is known that would make it fit; get a smaller quantisation (`hal0 model search`)",
        ),
    ],
)
def test_every_way_is_one_sentence(found: FitWays, said: str) -> None:
    assert fit_sentence(found) == said
