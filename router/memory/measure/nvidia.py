"""NVIDIA GPUs, as soon as there is a driver: what asks it (`pynvml`) takes 2 MB of memory, and most computers
would have it for nothing."""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Collection

from router.memory.measure.pools import MemorySource, Pool

log = logging.getLogger(__name__)


class NvidiaSource:
    """Nothing until the driver's library is there; from then on what `NvmlSource` reads."""

    def __init__(self) -> None:
        self._nvml: MemorySource | None = None
        self._said = False

    def read(self, pids: Collection[int]) -> tuple[Pool, ...]:
        if self._nvml is None:
            if not has_library():
                self._say_once()
                return ()
            from router.memory.measure.nvml import NvmlSource

            self._nvml = NvmlSource()
        return self._nvml.read(pids)

    def _say_once(self) -> None:
        if not self._said:
            self._said = True
            log.info("no NVIDIA GPU can be read: its driver's library is not there")


def has_library() -> bool:
    """Whether the driver's library can be loaded, by the name pynvml loads it by; where it searches folders
    instead (Windows), it is left to find out."""
    if sys.platform == "win32":
        return True
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return False
    return True
