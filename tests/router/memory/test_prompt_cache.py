"""Row 37: how much RAM engines may fill with prompts: never so much that a model would not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.schema import Kind
from router.engine.command import build_command
from router.engine.options import EngineOptions, Option
from router.memory.admit.gate import Occupant, OpenGate
from router.memory.admit.judge import MemoryGate
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.admit.prompt_cache import LEAST, MOST, allowance, is_open, most, told
from router.memory.admit.sizing import Sizing
from router.memory.measure.pools import Pool
from router.state import Snapshot, StateStore
from tests.router.memory.figures import GIB, MIB, Figures, Rules, model, on_gpu

CACHE_RAM = EngineOptions((Option(("--cache-ram",), (), "N", ""), Option(("--embeddings",), (), None, "")))


@pytest.mark.parametrize(
    ("ram", "spare", "kept"),
    [
        (8, 6.0, 1.0),  # a laptop
        (8, 1.0, 0.5),
        (8, 0.1, 0),
        (8, -3.0, 0),
        (24, 20.0, 3.0),
        (64, 60.0, 8.0),
        (512, 400.0, 8.0),
    ],
)
def test_a_share_of_what_is_spare(ram: int, spare: float, kept: float) -> None:
    assert allowance(round(spare * GIB), ram * GIB) == round(kept * GIB)


@given(st.integers(-(2**40), 2**42), st.integers(0, 2**42))
def test_it_is_never_more_than_half_of_what_is_spare_nor_than_the_engine_would_take(
    spare: int, ram: int
) -> None:
    found = allowance(spare, ram)
    assert found == 0 or LEAST <= found <= min(spare // 2, ram // 8, MOST)
    assert found % MIB == 0


@pytest.mark.parametrize(
    ("flags", "kept", "chosen"),
    [
        ({}, 8 * GIB, True),
        ({"cache_ram": "100"}, 100 * MIB, False),
        ({"cache_ram": "0"}, 0, False),
        ({"cache_ram": "-1"}, None, False),
        ({"no_cache_prompt": "true"}, 0, True),
    ],
)
def test_what_is_told_before_a_load(flags: dict[str, str], kept: int | None, chosen: bool) -> None:
    asked = model("m", 4096, **flags)
    assert told(asked, 64 * GIB) == kept and is_open(asked) is chosen
    assert told(replace(asked, kind=Kind.EMBEDDING), 64 * GIB) == 0
    assert told(replace(asked, file=None, command="x"), 64 * GIB) is None
    assert most(64 * GIB) == 8 * GIB


def argv(**changes: Any) -> list[str]:
    return build_command(replace(model("m"), **changes), CACHE_RAM, model("m").file or None, 1)  # type: ignore[arg-type]


def test_the_command_line_says_it_unless_the_flags_do() -> None:
    def kept(*line: str) -> str | None:
        return line[line.index("--cache-ram") + 1] if "--cache-ram" in line else None

    assert kept(*argv()) is None
    assert kept(*argv(prompt_cache=3 * GIB)) == "3072"
    assert kept(*argv(prompt_cache=0)) == "0"
    assert kept(*argv(prompt_cache=0, flags={"cache-ram": "50"})) == "50"
    assert kept(*argv(kind=Kind.EMBEDDING, prompt_cache=None)) == "0", "each input is read once"


async def test_several_engines_share_and_a_load_always_comes_first() -> None:
    rules = Rules(a=on_gpu(GIB, host=2 * GIB), b=on_gpu(GIB, host=10 * GIB))
    memory = Figures(Pool("GPU", True, 24 * GIB, 0), Pool("RAM", False, 32 * GIB, 8 * GIB))
    store = StateStore(Snapshot())
    forecasts = LaunchForecasts(rules)
    gate = MemoryGate(forecasts, Sizing(forecasts, store, dict), memory, lambda: GIB, lambda: None)
    a, b = model("a", 4096), model("b", 4096)
    for asked in (a, b):
        assert (await gate.judge("one", asked, lambda: [])).beside
    first = Occupant("one", a, None)
    kept = await gate.prompt_cache("one", a, lambda: [first])
    assert kept == 4 * GIB, "an eighth of 32: of 24 free ones 2 are the model's and 1 is headroom"
    there = [replace(first, prompt_cache=kept), Occupant("two", b, None)]
    assert await gate.prompt_cache("two", b, lambda: there) == (24 - 2 - 10 - 1 - 4) * GIB // 2
    tight = [*there, Occupant("three", replace(b, id="c"), None, prompt_cache=7 * GIB)]
    assert await gate.prompt_cache("two", b, lambda: tight) == 0
    whole = await gate.judge("four", model("a", 8192), lambda: there)
    assert whole.beside, "what engines may come to keep is in nobody's way"
    assert await gate.prompt_cache("one", model("a", 4096, cache_ram="5"), lambda: [first]) is None
    assert await OpenGate().prompt_cache("one", a, lambda: [first]) is None
