"""What is known about memory, put together: the looks of every second serve the next load, too."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from router.base.tasks import spawn
from router.memory.admit.gate import Occupant, Verdict
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.measure.pools import Pool
from router.memory.system import MemorySystem
from router.state import DeviceMemory, StateStore
from tests.engines.running import soon, until
from tests.router.memory.figures import GIB, Rules, model, on_gpu


class Source:
    """One GPU, as full as it is told to be."""

    def __init__(self, used: int) -> None:
        self.used = used
        self.asked: set[int] = set()

    def read(self, pids: Collection[int]) -> tuple[Pool, ...]:
        self.asked = set(pids)
        return (Pool("x", True, 24 * GIB, self.used, held=dict.fromkeys(pids, 9 * GIB)),)


async def test_every_engine_is_measured_and_what_one_held_is_waited_for_when_it_goes() -> None:
    source, there, shown = Source(20 * GIB), [Occupant("a", model("old", 4096), pid=7)], list[DeviceMemory]()
    there.append(Occupant("a", model("other", 4096), pid=8))
    forecasts = LaunchForecasts(Rules(new=on_gpu(16 * GIB)))
    system = MemorySystem(forecasts, StateStore(), source, dict, lambda: None)
    tasks = system.start(lambda: there, lambda devices, _slots: shown.extend(devices))
    await until(lambda: bool(shown), "the first look")
    assert source.asked == {7, 8} and shown[0].used_by_slots == 18 * GIB, "no slot shows either of them yet"
    there.clear()  # both were stopped; the driver has not noticed
    judging = spawn(system.gate.judge("a", model("new", 4096), lambda: there), name="judge")
    done, _ = await asyncio.wait([judging], timeout=0.15)
    assert not done, "not refused at once"
    source.used = 2 * GIB
    assert await soon(judging) == Verdict(beside=True)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
