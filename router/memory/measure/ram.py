"""The computer's RAM, through psutil; on Apple silicon it is the GPU's memory as well."""

from __future__ import annotations

import platform
import sys
from collections.abc import Collection

import psutil

from router.memory.measure.pools import Pool


class RamSource:
    """Counts an engine's resident set as its part, which includes mapped pages of a model file.

    Linux calls those pages available, as it could read them again. They are in use: without them each token
    would wait for the disk.
    """

    def read(self, pids: Collection[int]) -> tuple[Pool, ...]:
        resident = {pid: sizes for pid in pids if (sizes := _resident(pid)) is not None}
        mapped = sum(of_files for _whole, of_files in resident.values())
        memory = psutil.virtual_memory()
        used = min(memory.total, memory.total - memory.available + mapped)
        unified = is_unified(sys.platform, platform.machine())
        name = "Apple unified memory" if unified else "RAM"
        held = {pid: whole for pid, (whole, _of_files) in resident.items()}
        return (Pool(name, unified, memory.total, used, held=held),)


def is_unified(system: str, machine: str) -> bool:
    """Return whether it is; `system` is sys.platform, `machine` platform.machine()."""
    return (system, machine) == ("darwin", "arm64")


def _resident(pid: int) -> tuple[int, int] | None:
    """Return the bytes in all, and those of them that are pages of files, where the system tells."""
    try:
        memory = psutil.Process(pid).memory_info()
        return int(memory.rss), int(getattr(memory, "shared", 0))
    except psutil.Error:
        return None  # it ended
