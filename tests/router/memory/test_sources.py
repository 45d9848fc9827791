"""Reading memory: this computer's RAM for real, NVML through a stand-in for the driver's library."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import psutil
import pynvml
import pytest

from router.memory import sources
from router.memory.sources import NvmlSource, RamSource, find_source, read

GIB = 2**30


class FakeDriver:
    """As much of pynvml as is used: GPU 0 and 1 with 24 GiB each. `broken` names functions that fail."""

    NVMLError = pynvml.NVMLError
    NVML_ERROR_NOT_FOUND = pynvml.NVML_ERROR_NOT_FOUND

    def __init__(self, processes: dict[int, list[tuple[int, int | None]]], *broken: str, gpus: int = 2) -> None:
        self._processes = processes
        self._broken = set(broken)
        self._gpus = gpus

    def _answer(self, name: str, value: Any) -> Any:
        if name in self._broken:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return value

    def nvmlInit(self) -> None:  # noqa: N802 - pynvml's names
        self._answer("init", None)

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return self._gpus

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> str:  # noqa: N802
        return f"GPU {handle}"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:  # noqa: N802
        return self._answer("memory", SimpleNamespace(total=24 * GIB, used=(handle + 1) * GIB))

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[Any]:  # noqa: N802
        rows = self._processes.get(handle, [])
        return self._answer("processes", [SimpleNamespace(pid=p, usedGpuMemory=u) for p, u in rows])  # type: ignore[no-any-return]


def test_ram_is_this_computers_and_a_process_has_its_resident_set() -> None:
    source = RamSource()
    (device,) = source.devices()
    assert (device.name, device.is_gpu) == ("RAM", False)
    assert device.total == psutil.virtual_memory().total and 0 < device.used < device.total
    used = source.of_processes([os.getpid(), 2**22 - 1])
    assert set(used) == {os.getpid()} and used[os.getpid()] > 1_000_000


def test_gpus_and_what_each_process_holds_on_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = FakeDriver({0: [(7, GIB), (8, 5 * GIB)], 1: [(7, 2 * GIB), (9, None)]})
    monkeypatch.setattr(sources, "pynvml", driver)
    source = find_source()
    assert isinstance(source, NvmlSource)
    devices, used = read(source, {7, 9})
    assert [(d.name, d.is_gpu, d.total, d.used) for d in devices] == [
        ("GPU 0", True, 24 * GIB, GIB),
        ("GPU 1", True, 24 * GIB, 2 * GIB),
    ]
    assert used == {7: 3 * GIB}, "WDDM does not tell how much process 9 uses"


@pytest.mark.parametrize(
    "driver",
    [FakeDriver({}, "init"), FakeDriver({}, gpus=0), FakeDriver({}, "memory")],
    ids=["no driver", "no GPU", "a GPU that cannot tell its memory"],
)
def test_without_a_gpu_that_can_be_read_it_is_ram(monkeypatch: pytest.MonkeyPatch, driver: FakeDriver) -> None:
    monkeypatch.setattr(sources, "pynvml", driver)
    assert isinstance(find_source(), RamSource)


def test_a_driver_that_fails_later_says_nothing_this_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sources, "pynvml", FakeDriver({}, "processes"))
    assert read(find_source(), {7}) == ((), {})
    assert "cannot be read just now" in caplog.text
