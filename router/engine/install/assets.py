"""Which file of a llama.cpp release suits a computer. Pure.

Names as of build b11433 (2026-11): `llama-b11433-bin-ubuntu-x64.tar.gz`, `...-ubuntu-vulkan-x64.tar.gz`,
`...-ubuntu-cuda-12.8-x64.tar.gz`, `...-macos-arm64.tar.gz`, `...-win-cpu-x64.zip`, `...-win-cuda-13.4-x64.zip`.
CUDA builds come without the CUDA libraries; those are `cudart-llama-bin-win-cuda-13.4-x64.zip` and
`cudart-llama-b11433-bin-ubuntu-cuda-12.8-x64.tar.gz`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_OS = {"linux": "ubuntu", "darwin": "macos", "windows": "win"}
_ARCH = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64", "s390x": "s390x"}
_NAME = re.compile(
    r"(?P<cudart>cudart-)?llama-(?:(?P<tag>[A-Za-z0-9.]+)-)?bin-(?P<os>ubuntu|macos|win)-"
    r"(?:(?P<flavour>cpu|vulkan|cuda)-(?:(?P<version>\d+\.\d+)-)?)?(?P<arch>x64|arm64|s390x)\.(?:zip|tar\.gz)"
)
# CUDA 13 dropped the GPUs before Turing.
_OLDEST_FOR_CUDA_13 = (7, 5)


@dataclass(frozen=True, slots=True)
class Gpu:
    """What the computer's GPU can run.

    `cuda` is the newest CUDA version of the NVIDIA driver, None without one; `capability` the compute
    capability of the oldest NVIDIA GPU; `vulkan` whether a Vulkan build is worth having.
    """

    cuda: tuple[int, int] | None = None
    capability: tuple[int, int] | None = None
    vulkan: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """`names` are the files to unpack together, llama-server's first; `flavour` is "cpu", "cuda-12.8", ..."""

    names: tuple[str, ...]
    flavour: str


@dataclass(frozen=True, slots=True)
class _Asset:
    name: str
    cudart: bool
    flavour: str
    version: tuple[int, ...]


def choose_asset(names: Iterable[str], system: str, machine: str, gpu: Gpu) -> Choice | None:
    """Return the best build for this computer: CUDA, then Vulkan, then CPU; None if the release has none.

    `system` and `machine` are as platform.system() and platform.machine() say them, in any case.
    """
    wanted = (_OS.get(system.lower()), _ARCH.get(machine.lower()))
    fitting = [a for name in names if (a := _parse(name, wanted)) is not None]
    mains = [a for a in fitting if not a.cudart]
    runtimes = {a.version: a.name for a in fitting if a.cudart}
    cuda = [a for a in mains if a.flavour == "cuda" and a.version in runtimes and _cuda_runs(a.version, gpu)]
    if cuda:
        best = max(cuda, key=lambda a: a.version)
        return Choice((best.name, runtimes[best.version]), f"cuda-{'.'.join(map(str, best.version))}")
    order = ("vulkan", "cpu") if gpu.vulkan or gpu.cuda else ("cpu",)
    return next((Choice((a.name,), f) for f in order for a in mains if a.flavour == f), None)


def _parse(name: str, wanted: tuple[str | None, str | None]) -> _Asset | None:
    match = _NAME.fullmatch(name)
    if match is None or (match["os"], match["arch"]) != wanted:
        return None
    version = tuple(int(part) for part in match["version"].split(".")) if match["version"] else ()
    return _Asset(name, match["cudart"] is not None, match["flavour"] or "cpu", version)


def _cuda_runs(version: tuple[int, ...], gpu: Gpu) -> bool:
    if gpu.cuda is None or version > gpu.cuda:
        return False
    old = gpu.capability is not None and gpu.capability < _OLDEST_FOR_CUDA_13
    return not (old and version >= (13,))
