"""NVIDIA GPUs, by the driver's own library (`pynvml`, from the package nvidia-ml-py).

Error codes and what they mean: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

import pynvml

from router.memory.measure.pools import Pool

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 1.0
LAST_RETRY_SECONDS = 30.0

_DRIVER_IS_GONE = {pynvml.NVML_ERROR_UNINITIALIZED, pynvml.NVML_ERROR_DRIVER_NOT_LOADED}
_CANNOT_TELL = {
    pynvml.NVML_ERROR_NOT_SUPPORTED,
    pynvml.NVML_ERROR_NO_PERMISSION,
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
    pynvml.NVML_ERROR_NO_DATA,
}
# The plain names raise an error other than NVMLError where an older driver has no _v3.
_PROCESS_LISTS = (
    ("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"),
    ("nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2"),
)


class NvmlSource:
    """Survives a driver that goes and comes back: until then it has no pools, and retries less and less often.

    The library counts the GPUs when it is initialised, so it is also restarted while one is missing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running = False
        self._healthy = True
        self._retry_at = 0.0
        self._pause = FIRST_RETRY_SECONDS
        self._most = 0
        self._said: dict[str, str] = {}

    def read(self, pids: Collection[int]) -> tuple[Pool, ...]:
        if not (self._running and self._healthy) and self._clock() >= self._retry_at:
            self._start()
        if not self._running:
            return ()
        try:
            return self._pools(pids)
        except pynvml.NVMLError as error:
            self._say("driver", f"the NVIDIA driver does not answer ({error}); hal0 tries again by itself")
            self._stop()
            self._try_later()
            return ()

    # -- life ------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._stop()
        self._try_later()
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            self._say("driver", f"no NVIDIA GPU can be read ({error})", logging.INFO)
            return
        self._running = self._healthy = True

    def _stop(self) -> None:
        if not self._running:
            return
        self._running = False
        try:
            pynvml.nvmlShutdown()
        except pynvml.NVMLError as error:
            log.debug("NVML could not be shut down: %s", error)

    def _try_later(self) -> None:
        self._retry_at = self._clock() + self._pause
        self._pause = min(2 * self._pause, LAST_RETRY_SECONDS)

    def _say(self, about: str, sentence: str, level: int = logging.WARNING) -> None:
        """Log it once, not with each look."""
        if self._said.get(about) != sentence:
            self._said[about] = sentence
            log.log(level, sentence)

    # -- reading ---------------------------------------------------------------------------------------

    def _pools(self, pids: Collection[int]) -> tuple[Pool, ...]:
        """Return all GPUs but those that cannot be read. Raises NVMLError when the whole driver is gone."""
        found = []
        count = int(pynvml.nvmlDeviceGetCount())
        self._most = max(self._most, count)
        whole = count == self._most
        for index in range(count):
            name = f"GPU {index}"
            try:
                handle = pynvml.nvmlDeviceGetHandleByIndex(index)
                name = str(pynvml.nvmlDeviceGetName(handle))
                found.append(_pool(handle, name, pids))
            except pynvml.NVMLError as error:
                if error.value in _DRIVER_IS_GONE:
                    raise
                # MIG and vGPU may forbid it for good; only a lost GPU makes a restart worth it.
                whole = whole and error.value in _CANNOT_TELL
                self._say(f"GPU {index}", f"the memory of {name} (GPU {index}) cannot be read: {error}")
            else:
                self._said.pop(f"GPU {index}", None)
        self._judge(whole)
        return tuple(found)

    def _judge(self, whole: bool) -> None:
        if whole:
            self._pause = FIRST_RETRY_SECONDS
            self._said.pop("driver", None)
        elif self._healthy and self._clock() >= self._retry_at:
            self._try_later()
        self._healthy = whole


def _pool(handle: Any, name: str, pids: Collection[int]) -> Pool:
    total = used = 0
    try:
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        total, used = int(memory.total), int(memory.used)
    except pynvml.NVMLError as error:
        if error.value != pynvml.NVML_ERROR_NOT_SUPPORTED:
            raise
        # Its memory is the computer's RAM (Jetson, DGX Spark).
    rates = _ask("nvmlDeviceGetUtilizationRates", handle)
    everyone = _held(handle)
    # WSL, for one, does not list processes.
    held = dict.fromkeys(pids) if everyone is None else {p: a for p, a in everyone.items() if p in pids}
    others = {pid: amount for pid, amount in (everyone or {}).items() if pid not in pids}
    return Pool(
        name, True, total, used, int(rates.gpu) if rates else None, held, others,
        uuid=str(_ask("nvmlDeviceGetUUID", handle) or ""),
        display=bool(_ask("nvmlDeviceGetDisplayActive", handle)),
        bandwidth=_bandwidth(handle),
    )  # fmt: skip


def _bandwidth(handle: Any) -> int:
    """Return bytes a second: twice a clock cycle, as DDR memory, for each line of the bus."""
    bits = _ask("nvmlDeviceGetMemoryBusWidth", handle)
    megahertz = _ask("nvmlDeviceGetMaxClockInfo", handle, pynvml.NVML_CLOCK_MEM)
    return 2 * int(megahertz) * 1_000_000 * int(bits) // 8 if bits and megahertz else 0


def _held(handle: Any) -> dict[int, int | None] | None:
    """Return what each process there holds; None where that is not told."""
    lists = [_first_answer(names, handle) for names in _PROCESS_LISTS]
    if all(rows is None for rows in lists):
        return None
    held: dict[int, int | None] = {}
    for process in (row for rows in lists for row in rows or ()):
        # A process that computes and draws is in both lists, with the same amount. WDDM says None.
        amounts = (held.get(process.pid), process.usedGpuMemory)
        held[process.pid] = max((int(a) for a in amounts if a is not None), default=None)
    return held


def _first_answer(names: Sequence[str], handle: Any) -> Any:
    return next((rows for name in names if (rows := _ask(name, handle)) is not None), None)


def _ask(function: str, handle: Any, *more: Any) -> Any:
    """Return the answer, or None where this GPU, its driver or our rights have none. Raises NVMLError for the
    rest."""
    try:
        return getattr(pynvml, function)(handle, *more)
    except pynvml.NVMLError as error:
        if error.value in _CANNOT_TELL:
            return None
        raise
