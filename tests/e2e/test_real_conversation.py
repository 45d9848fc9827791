"""The same on a model that really computes (SmolLM2-135M): the answers it would have given anyway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.real_model import real_model
from tests.e2e.harness import Hal0
from tests.e2e.test_conversations import Agent, elsewhere

RULES = " ".join(f"Rule {n}: answer question {n} with care, never forget item {n * 7}." for n in range(14))
SAID = ("What is the capital of France?", "And of Italy?", "Name one more.", "Which of them is the largest?")
MOST = 12
"""Tokens of an answer."""


@pytest.mark.timeout(600)
async def test_answers_are_the_same_as_without_a_switch(
    make_hal0: Callable[[str], Hal0], model_folder: Path
) -> None:
    (model_folder / "smol.gguf").symlink_to(await asyncio.to_thread(real_model))
    hal0 = make_hal0("slots:\n  primary: {model: smol, models: [smol, beta], autoload: true}\n")
    await hal0.start()
    stays, leaves = Agent(hal0, "smol", RULES), Agent(hal0, "smol", RULES)
    want = [await stays.turn(said, max_tokens=MOST) for said in SAID]
    assert (await hal0.post("/api/forget"))[0] == 200
    assert (await hal0.post("/api/slots/primary/restart"))[0] == 200
    got = [await leaves.turn(SAID[0], max_tokens=MOST)]
    await elsewhere(hal0)
    got.append(await leaves.turn(SAID[1], max_tokens=MOST))
    assert await hal0.stop() == 0, hal0.output()
    await hal0.start()
    got.append(await leaves.turn(SAID[2], max_tokens=MOST))
    assert (await hal0.post("/api/slots/primary/unload"))[0] == 200
    got.append(await leaves.turn(SAID[3], max_tokens=MOST))
    assert [answer for answer, _ in got] == [answer for answer, _ in want]
    assert got[0][1] == 0 and all(cached > 250 for _, cached in got[1:]), got
    assert [cached for _, cached in got[1:]] == [cached for _, cached in want[1:]]
