"""What GPU this computer has, only as far as choosing a build needs it."""

from __future__ import annotations

import ctypes.util
import sys
from pathlib import Path

from router.engine.install.assets import Gpu

# PCI vendors whose GPUs have a Vulkan driver worth using: AMD, Intel, NVIDIA.
_VENDORS = {"0x1002", "0x8086", "0x10de"}
_DRM = Path("/sys/class/drm")


def detect_gpu() -> Gpu:
    """Ask NVML, the kernel (Linux) and the Vulkan loader. Blocks for a moment; never raises."""
    cuda, capability = _nvidia()
    has_card = any(f.read_text().strip() in _VENDORS for f in _DRM.glob("card*/device/vendor"))
    return Gpu(cuda=cuda, capability=capability, vulkan=has_card or _has_vulkan_dll())


def _has_vulkan_dll() -> bool:
    """Windows: graphics drivers bring the Vulkan loader along."""
    return sys.platform == "win32" and ctypes.util.find_library("vulkan-1") is not None


def _nvidia() -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    import pynvml  # 2 MB that a router which installs no engine does without

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None, None
    try:
        version = pynvml.nvmlSystemGetCudaDriverVersion()
        devices = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        capabilities = [tuple(pynvml.nvmlDeviceGetCudaComputeCapability(d)) for d in devices]
        if not devices:
            return None, None
        return (version // 1000, version % 1000 // 10), min(capabilities)
    except pynvml.NVMLError:
        return None, None
    finally:
        pynvml.nvmlShutdown()
