"""All ways to read this computer's memory as one: its GPUs', and the RAM."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from router.memory.measure.amd import AmdSource
from router.memory.measure.nvidia import NvidiaSource
from router.memory.measure.pools import MemorySource, Pool
from router.memory.measure.ram import RamSource


class SystemSource:
    """The GPUs that can be read now, then the RAM, unless that is a GPU's memory."""

    def __init__(self, gpus: Sequence[MemorySource], ram: MemorySource) -> None:
        self._gpus = gpus
        self._ram = ram

    def read(self, pids: Collection[int]) -> tuple[Pool, ...]:
        found = [pool for source in self._gpus for pool in source.read(pids)]
        ram = self._ram.read(pids)
        own = [pool for pool in found if pool.total]
        shared = tuple(_unified(pool, ram[0]) for pool in found if not pool.total)
        return (*own, *(shared or ram))


def shown(pools: Sequence[Pool]) -> tuple[Pool, ...]:
    """Return those that people are shown: the GPUs, or the RAM without one, as engines then run there."""
    return tuple(pool for pool in pools if pool.is_gpu) or tuple(pools)


def find_source() -> MemorySource:
    """Return the ways to read memory on this computer, now and later: nothing is asked yet."""
    return SystemSource((NvidiaSource(), AmdSource()), RamSource())


def _unified(gpu: Pool, ram: Pool) -> Pool:
    """Return a GPU whose memory is the RAM: what a process allocates on it is in no resident set."""
    held = {pid: (ram.held.get(pid) or 0) + (gpu.held.get(pid) or 0) for pid in {*ram.held, *gpu.held}}
    return replace(gpu, total=ram.total, used=ram.used, held=held)
