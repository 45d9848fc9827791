"""`hal0 bench` against a real engine: it loads what is not loaded, and tells the engine's own speeds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from app.commands.bench import Run, speeds
from app.link.client import Refused
from tests.e2e.harness import Hal0

CONFIG = "slots:\n  primary: {model: alpha, autoload: true}\n  coder: {models: [beta]}\n"


async def test_a_model_is_measured_where_it_is_or_loaded_first(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(CONFIG)
    await hal0.start()
    await hal0.until_ready("alpha")
    words = ("--prompt", "64", "--generate", "8", "--runs", "2")
    done = await asyncio.to_thread(hal0.cli, "bench", "alpha", *words, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["model"], told["slot"], len(told["runs"])) == ("alpha", "primary", 2)
    for run in told["runs"]:
        assert run["prompt"] >= 64 and run["prompt_per_second"] > 0, "nothing was read from the cache"
        assert run["generated"] == 8 and run["generated_per_second"] > 0
    assert "Run 2 of 2…" in done.stderr
    done = await asyncio.to_thread(hal0.cli, "bench", "beta", *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("beta in coder: reads ")
    done = await asyncio.to_thread(hal0.cli, "bench", "betta")
    assert (done.returncode, done.stdout) == (1, "") and 'No slot may hold "betta"' in done.stderr


def test_an_engine_without_timings_cannot_be_measured() -> None:
    timings = {"prompt_n": 5, "prompt_per_second": 10, "predicted_n": 2, "predicted_per_second": 1.5}
    assert speeds({"timings": timings}) == Run(5, 10.0, 2, 1.5)
    for answer in ({}, {"timings": {}}, {"timings": 3}):
        with pytest.raises(Refused, match="only llama-server's models can be measured"):
            speeds(answer)
