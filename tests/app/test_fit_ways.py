"""What would make a model fit, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication

from app.views.fit_ways import fit_sentence
from app.views.menu import Action, Command, order_of
from app.window.models_tab import ModelsTab
from router.orders.kinds import Load
from router.wire.fit_ways import FitWay, FitWays
from tests.app import scenes
from tests.app.fake_service import StoreLink
from tests.app.running import run_qt, until

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


def test_a_model_that_is_too_large_offers_each_way_and_loads_it_so(qapp: QApplication) -> None:
    async def scene() -> None:
        big = replace(scenes.QWEN, needs=40 * GIB, needs_by_device=(40 * GIB,))
        slot = replace(scenes.PRIMARY, name="coder", model=None, loaded=(), choices=(big.id, scenes.LLAMA.id))
        link = StoreLink(replace(scenes.ready(), models=(big, scenes.LLAMA), slots=(slot,)))
        link.ways = FitWays(
            False, (FitWay(("n-gpu-layers=12",), 20 * GIB), FitWay((), GIB, model=scenes.LLAMA.id))
        )
        tab, chosen = ModelsTab(link), list[Command]()
        tab.chosen.connect(chosen.append)
        tab.show_snapshot(link.snapshot)
        tab.show()
        tab.select(big.id)
        await until(tab.ways.isVisible, "the ways")
        assert link.calls == [("fit_ways", big.id)]
        for action in tab.ways.menu.actions():
            action.trigger()
        assert chosen == [
            Command(Action.LOAD, "coder", big.id, flags=("n-gpu-layers=12",)),
            Command(Action.LOAD, "coder", scenes.LLAMA.id),
        ]
        chosen.clear()
        for action in tab.ways.once_menu.actions():
            action.trigger()
        (once,) = chosen
        assert once == Command(Action.LOAD, "coder", big.id, flags=("n-gpu-layers=12",), once=True)
        assert order_of(once) == Load("coder", big.id, flags=("n-gpu-layers=12",))
        tab.select(scenes.LLAMA.id)
        assert not tab.ways.isVisible(), "it fits"
        tab.close()

    run_qt(qapp, scene())
