"""Issue D: who holds how much of which GPU, from a driver's library through to the state object."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.harness import Hal0
from tests.router.memory.stub import TWO, StubDriver

MIB = 1 << 20


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> StubDriver:
    return StubDriver.build(tmp_path_factory.mktemp("nvml"))


async def test_two_gpus_their_slots_and_a_driver_that_goes_and_comes_back(
    make_hal0: Callable[[], Hal0], driver: StubDriver, tmp_path: Path
) -> None:
    driver.say(*TWO)
    hal0 = make_hal0()
    hal0.env |= driver.env()
    await hal0.start()
    pid = (await hal0.until_ready("alpha"))["pid"]
    await hal0.until_part("memory", lambda memory: len(memory) == 2, "two GPUs")
    driver.say(
        "gpu 24576 9000 80 NVIDIA GeForce RTX 3090",
        "gpu 16384 5000 0 NVIDIA RTX A4000",
        f"compute 0 {pid} 7000",
        f"compute 1 {pid} 4000",
        "compute 0 1 900",
    )
    shares = [7000 * MIB, 4000 * MIB]
    await hal0.until_part(
        "memory", lambda memory: [d["used_by_slots"] for d in memory] == shares, "the slot's shares"
    )
    state = await hal0.state()
    assert [(d["name"], d["is_gpu"], d["total"] // MIB, d["used"] // MIB) for d in state["memory"]] == [
        ("NVIDIA GeForce RTX 3090", True, 24576, 9000),
        ("NVIDIA RTX A4000", True, 16384, 5000),
    ]
    assert [(d["utilisation"], d["estimated"]) for d in state["memory"]] == [(80, False), (0, False)]
    (slot,) = state["slots"]
    assert (slot["memory"], slot["memory_by_device"]) == (11000 * MIB, shares)
    status = await asyncio.to_thread(hal0.cli, "status")
    assert "VRAM of GPU 0 (NVIDIA GeForce RTX 3090): 8.8 GiB of 24 GiB used" in status.stdout

    driver.say("fail count -1 9", "fail init -1 9")
    await hal0.until_part("memory", lambda memory: [d["name"] for d in memory] == ["RAM"], "no GPU any more")
    driver.say(*TWO, f"compute 1 {pid} 300")
    await hal0.until_part(
        "memory", lambda memory: [d["used_by_slots"] for d in memory] == [0, 300 * MIB], "the GPUs again"
    )
    driver.say(TWO[0], "gpu 16384 4512 0 NVIDIA RTX A4000", f"compute 1 {pid} -1")
    # 512 MiB were used before, 300 of them by the engine.
    await hal0.until_part(
        "memory",
        lambda memory: [d["used_by_slots"] for d in memory] == [0, 4300 * MIB],
        "a guess, as on Windows",
    )
    state = await hal0.state()
    assert [d["estimated"] for d in state["memory"]] == [False, True]
    assert state["slots"][0]["memory_estimated"] is True
    assert (await hal0.slot())["pid"] == pid, "the engine is not touched by any of this"
