"""Figures with their targets, and the computer they were measured on."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Figure:
    """`limit` is the target: at most it, or with `at_least` at least it; None: only told."""

    name: str
    value: float
    unit: str = ""
    limit: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def line(self) -> str:
        text = f"  {self.name:58} {_number(self.value):>9} {self.unit:9}"
        if self.limit is None:
            return text.rstrip()
        sign = "≥" if self.at_least else "≤"
        return f"{text} target {sign} {self.limit:g}: {'met' if self.met else 'MISSED'}"


def _number(value: float) -> str:
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def machine(llama_server: Path) -> dict[str, str]:
    """What the figures depend on."""
    output = subprocess.run([llama_server, "--version"], capture_output=True, text=True, check=False)
    engine = next((x for x in (output.stdout + output.stderr).splitlines() if x.startswith("version:")), "?")
    packages = {name: _version(name) for name in ("aiohttp", "uvloop")}
    return {
        "computer": f"{os.cpu_count()} cores, {_cpu_model()}, {psutil.virtual_memory().total / 2**30:.0f} GiB",
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "llama-server": engine.removeprefix("version:").strip(),
        **packages,
    }


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def cpu_seconds(pid: int) -> float:
    """Time on a core of all threads of one process, to the nanosecond where Linux tells it so."""
    threads = Path(f"/proc/{pid}/task")
    if threads.exists():
        return sum(int(file.read_text().split()[0]) for file in threads.glob("*/schedstat")) / 1e9
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def memory_mib(pid: int) -> tuple[float, float]:
    """(RSS, PSS): all pages, and with shared ones counted by the share."""
    full = psutil.Process(pid).memory_full_info()
    return full.rss / 2**20, getattr(full, "pss", full.rss) / 2**20
