"""Reads memory: NVIDIA GPUs through NVML, else the computer's RAM through psutil. Blocking calls."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Protocol

import psutil
import pynvml

from router.state import DeviceMemory

log = logging.getLogger(__name__)


class MemorySource(Protocol):
    """One way to read memory. Both methods may block for some milliseconds."""

    def devices(self) -> tuple[DeviceMemory, ...]:
        """Every pool, in bytes."""
        ...

    def of_processes(self, pids: Collection[int]) -> Mapping[int, int]:
        """Bytes each process holds in those pools; a process nothing is known of is left out."""
        ...


class RamSource:
    """For computers without a GPU hal0 can read: an engine's memory is its resident set."""

    def devices(self) -> tuple[DeviceMemory, ...]:
        memory = psutil.virtual_memory()
        return (DeviceMemory("RAM", False, memory.total, memory.total - memory.available),)

    def of_processes(self, pids: Collection[int]) -> Mapping[int, int]:
        return {pid: rss for pid in pids if (rss := _resident(pid)) is not None}


class NvmlSource:
    """NVIDIA GPUs, by the driver's own library (`pynvml`, from the package nvidia-ml-py)."""

    def __init__(self) -> None:
        """Raises pynvml.NVMLError where there is no driver."""
        pynvml.nvmlInit()
        if pynvml.nvmlDeviceGetCount() == 0:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)

    def devices(self) -> tuple[DeviceMemory, ...]:
        found = []
        for handle in self._handles():
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            name = pynvml.nvmlDeviceGetName(handle)
            found.append(DeviceMemory(str(name), True, int(memory.total), int(memory.used)))
        return tuple(found)

    def of_processes(self, pids: Collection[int]) -> Mapping[int, int]:
        used: dict[int, int] = {}
        for handle in self._handles():
            for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle):
                # Windows' WDDM driver tells who runs, not how much they use.
                if process.pid in pids and process.usedGpuMemory is not None:
                    used[process.pid] = used.get(process.pid, 0) + int(process.usedGpuMemory)
        return used

    def _handles(self) -> list[object]:
        return [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]


def find_source() -> MemorySource:
    """NVML if it works here, else RAM."""
    try:
        source = NvmlSource()
        source.devices()  # GPUs that share the computer's RAM are counted, but cannot tell their memory
        return source
    except pynvml.NVMLError as error:
        log.info("no NVIDIA GPU can be read (%s); showing RAM instead", error)
        return RamSource()


def read(source: MemorySource, pids: Collection[int]) -> tuple[tuple[DeviceMemory, ...], Mapping[int, int]]:
    """Devices and processes in one go; a driver that fails answers with nothing this time."""
    try:
        return source.devices(), source.of_processes(pids)
    except pynvml.NVMLError as error:
        log.warning("the GPU's memory cannot be read just now: %s", error)
        return (), {}


def _resident(pid: int) -> int | None:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None
