"""Two GPUs of the stub driver: on which of them an engine is told to run, and how much of each that takes."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.gpu_engine import gpu_engine
from tests.e2e.harness import WAIT_SECONDS, Hal0
from tests.e2e.test_memory_plan import load, until_known
from tests.router.memory.stub import StubDriver

MIB = 1 << 20
BIG, SMALL = "GPU-b16", "GPU-5ma11"
NEEDS = {"alpha": (8_000, 0), "beta": (22_000, 0), "gamma": (30_000, 0), "delta": (60_000, 0)}
CONFIG = """
models:
  alpha: {file: alpha.gguf, flags: {ctx-size: 4096}}
  beta: {file: beta.gguf, flags: {ctx-size: 4096}}
  gamma: {file: gamma.gguf, flags: {ctx-size: 4096}}
  delta: {file: delta.gguf, flags: {ctx-size: 4096}}
  mine: {file: alpha.gguf, env: {CUDA_VISIBLE_DEVICES: "0"}, flags: {ctx-size: 4096}}
slots:
  first: {models: [alpha, gamma, delta, mine]}
  second: {models: [beta]}
"""


@pytest.fixture
async def two_gpus(
    make_hal0: Callable[[str], Hal0], model_folder: Path, tmp_path: Path, llama_server: Path
) -> Hal0:
    """A hal0, not started, on a computer with 24 and 16 GiB."""
    for folder in ("engine", "nvml"):
        (tmp_path / folder).mkdir()
    for name in ("gamma", "delta"):
        shutil.copy(model_folder / "alpha.gguf", model_folder / f"{name}.gguf")
    driver = StubDriver.build(tmp_path / "nvml")
    driver.say(
        "gpu 24576 512 0 NVIDIA GeForce RTX 3090",
        "gpu 16384 512 0 NVIDIA RTX A4000",
        f"about 0 {BIG} 0 384 9751",
        f"about 1 {SMALL} 0 192 7501",
    )
    hal0 = make_hal0(CONFIG)
    engine = gpu_engine(tmp_path / "engine", llama_server, NEEDS, gpus=2)
    hal0.env |= driver.env() | {"HAL0_LLAMA_SERVER": str(engine)}
    return hal0


async def until_placed(hal0: Hal0) -> None:
    """Until it tells how much of each GPU every model will take."""
    wanted = {"alpha": [0, 8_000 * MIB], "beta": [22_000 * MIB, 0], "gamma": [15_000 * MIB, 15_000 * MIB]}
    found: dict[str, list[int]] = {}
    async with asyncio.timeout(3 * WAIT_SECONDS):
        while found != wanted:
            await asyncio.sleep(0.05)
            models = (await hal0.state())["models"]
            found = {model["id"]: model["needs_by_device"] for model in models if model["id"] in wanted}


def engine_of(slot: dict[str, Any]) -> tuple[str | None, list[str]]:
    """The GPUs that its environment names, and its command line."""
    process = psutil.Process(slot["pid"])
    return process.environ().get("CUDA_VISIBLE_DEVICES"), process.cmdline()


async def test_each_model_goes_to_the_gpu_where_it_fits_and_a_large_one_over_both(two_gpus: Hal0) -> None:
    await two_gpus.start()
    await until_placed(two_gpus)
    status, _body = await load(two_gpus, "first", "alpha")
    assert status == 200, two_gpus.output()
    assert (await load(two_gpus, "second", "beta"))[0] == 200
    gpus, argv = engine_of(await two_gpus.slot("first"))
    assert gpus == SMALL and "--tensor-split" not in argv, "it leaves the large one to a large model"
    assert engine_of(await two_gpus.slot("second"))[0] == BIG
    # 30,000 MiB are on no GPU alone: the idle one makes room, and it goes over both.
    assert (await load(two_gpus, "first", "gamma"))[0] == 200
    gpus, argv = engine_of(await two_gpus.slot("first"))
    assert gpus == f"{BIG},{SMALL}"
    assert argv[argv.index("--tensor-split") + 1] == "1,1", "the model has two layers, its output is one"
    assert argv[argv.index("--split-mode") + 1] == "layer" and argv[argv.index("--main-gpu") + 1] == "0"
    assert (await two_gpus.slot("second"))["state"] == "unloaded"
    assert await two_gpus.chat("first"), "the real engine takes these flags"


async def test_what_each_gpu_would_hold_is_told_before_the_load_and_in_the_refusal(two_gpus: Hal0) -> None:
    await two_gpus.start()
    await until_placed(two_gpus)
    status, body = await load(two_gpus, "first", "delta")
    assert status == 507
    assert (
        "on one GPU it would take 58.6 GiB, and GPU 0 (NVIDIA GeForce RTX 3090) has 23 GiB and GPU 1 "
        "(NVIDIA RTX A4000) has 15 GiB for it, also together"
    ) in body["error"]["message"]
    assert [one["gpu"] for one in body["error"]["details"]["alone"]] == [0, 1]


async def test_the_terminal_tells_of_each_gpu_before_and_after_the_load(two_gpus: Hal0) -> None:
    await two_gpus.start()
    await until_placed(two_gpus)
    before = {line.split()[0]: line for line in await said_by(two_gpus, "models") if line}
    assert before["alpha"].endswith("fits, GPU 1") and before["beta"].endswith("fits, GPU 0")
    assert before["gamma"].endswith("fits, GPU 0 + 1") and "short by" in before["delta"]
    free = await said_by(two_gpus, "models")
    assert "  GPU 1 (NVIDIA RTX A4000): 15.5 GiB of 16 GiB free now" in free
    assert (await load(two_gpus, "first", "alpha"))[0] == 200
    status = await said_by(two_gpus, "status")
    assert "  VRAM of GPU 0 (NVIDIA GeForce RTX 3090): 512 MiB of 24 GiB used" in status
    after = {line.split()[0]: line for line in await said_by(two_gpus, "models") if line}
    assert after["alpha"].endswith("loaded in first, GPU 1")


async def said_by(hal0: Hal0, command: str) -> list[str]:
    result = await asyncio.to_thread(hal0.cli, command)
    assert result.returncode == 0, result.stderr
    return list(result.stdout.splitlines())


async def test_a_persons_own_variable_is_left_as_it_is(two_gpus: Hal0) -> None:
    await two_gpus.start()
    await until_known(two_gpus)
    assert (await load(two_gpus, "first", "mine"))[0] == 200
    assert engine_of(await two_gpus.slot("first"))[0] == "0"
