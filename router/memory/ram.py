"""The computer's RAM, through psutil; on Apple's own chips it is the GPU's memory as well."""

from __future__ import annotations

import platform
import sys
from collections.abc import Collection

import psutil

from router.memory.protocol import Pool


class RamSource:
    """An engine's part is its resident set, so pages of a model file that is mapped count."""

    def read(self, pids: Collection[int]) -> tuple[Pool, ...]:
        memory = psutil.virtual_memory()
        held: dict[int, int | None] = {pid: rss for pid in pids if (rss := _resident(pid)) is not None}
        unified = is_unified(sys.platform, platform.machine())
        name = "Apple unified memory" if unified else "RAM"
        return (Pool(name, unified, memory.total, memory.total - memory.available, held=held),)


def is_unified(system: str, machine: str) -> bool:
    """`system` as sys.platform, `machine` as platform.machine() says it."""
    return (system, machine) == ("darwin", "arm64")


def _resident(pid: int) -> int | None:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None  # it ended
