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
    models = {m["id"]: m for m in (await hal0.get("/api/models"))["models"]}
    assert models["beta"]["measured"]["writes"] > 0 and models["embed-model"]["measured"] is None
    listed = hal0.cli("models").stdout.splitlines()
    assert listed[0].split()[-2:] == ["READS", "WRITES"] and "tokens/s" in listed[1]
    await hal0.stop()
    await hal0.start()
    again = {m["id"]: m["measured"] for m in (await hal0.get("/api/models"))["models"]}
    assert again["beta"] == models["beta"]["measured"], "kept over a restart"
    config = hal0.home / "hal0.yaml"
    config.write_text(config.read_text() + "models: {beta: {file: beta.gguf, flags: {threads: 1}}}\n")
    assert (await hal0.post("/api/reload"))[0] == 200
    after = {m["id"]: m["measured"] for m in (await hal0.get("/api/models"))["models"]}
    assert after["beta"] is None and after["alpha"], "it was measured with other flags"
    done = await asyncio.to_thread(hal0.cli, "bench", "betta")
    assert (done.returncode, done.stdout) == (1, "") and 'No slot may hold "betta"' in done.stderr


def test_an_engine_without_timings_cannot_be_measured() -> None:
    timings = {"prompt_n": 5, "prompt_per_second": 10, "predicted_n": 2, "predicted_per_second": 1.5}
    assert speeds({"timings": timings}) == Run(5, 10.0, 2, 1.5)
    for answer in ({}, {"timings": {}}, {"timings": 3}):
        with pytest.raises(Refused, match="only llama-server's models can be measured"):
            speeds(answer)
