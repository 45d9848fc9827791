"""AMD GPUs, through what Linux' amdgpu driver writes to sysfs and to /proc/PID/fdinfo.

The files: https://docs.kernel.org/gpu/amdgpu/driver-misc.html, https://docs.kernel.org/gpu/drm-usage-stats.html
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from router.memory.measure.pools import Pool

SMALLEST_POOL = 2 << 30
"""Bytes; less is what a laptop's chip sets aside for its display: its models are in the RAM."""

_CARD = re.compile(r"card\d+")
_UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
# Newer kernels use the first name; both may be there, with the same amount.
_VRAM_KEYS = ("drm-resident-vram", "drm-memory-vram")


class AmdSource:
    """`root` takes the place of / in tests."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._drm = root / "sys/class/drm"
        self._proc = root / "proc"

    def read(self, pids: Collection[int]) -> tuple[Pool, ...]:
        cards = self._cards()
        if not cards:
            return ()
        clients = {pid: _clients(self._proc / str(pid) / "fdinfo") for pid in pids}
        pools = (_pool(card, clients) for card in cards)
        return tuple(pool for pool in pools if pool is not None)

    def _cards(self) -> list[Path]:
        """Return each `cardN`, without the connectors beside them."""
        try:
            found = [path for path in self._drm.iterdir() if _CARD.fullmatch(path.name)]
        except OSError:
            return []
        return [card / "device" for card in sorted(found, key=lambda card: int(card.name[4:]))]


def _pool(device: Path, clients: Mapping[int, Mapping[str, int | None]]) -> Pool | None:
    total, used = _number(device / "mem_info_vram_total"), _number(device / "mem_info_vram_used")
    if total is None or used is None or total < SMALLEST_POOL:
        return None
    address = device.resolve().name
    held = {pid: holds[address] for pid, holds in clients.items() if address in holds}
    name = _text(device / "product_name") or f"AMD GPU {address}"
    return Pool(name, True, total, used, _number(device / "gpu_busy_percent"), held)


def _clients(fdinfo: Path) -> dict[str, int | None]:
    """Return what a process holds of each GPU, by its PCI address; None where an old kernel names no amount."""
    found: dict[tuple[str, str], int | None] = {}
    for fields in _drm_files(fdinfo):
        # Duplicates of a descriptor belong to one client.
        client = (fields.get("drm-pdev", ""), fields.get("drm-client-id", ""))
        found[client] = next((_bytes(fields[key]) for key in _VRAM_KEYS if key in fields), None)
    held: dict[str, int | None] = {}
    for (address, _id), amount in found.items():
        before = held.get(address)
        held[address] = amount if before is None else before + (amount or 0)
    return held


def _drm_files(fdinfo: Path) -> Iterator[dict[str, str]]:
    """Yield the fields of each of a process's descriptors that belongs to amdgpu."""
    try:
        files = list(fdinfo.iterdir())
    except OSError:
        return  # it ended, or is another user's
    for file in files:
        lines = (_text(file) or "").splitlines()
        fields = {key: value.strip() for key, _colon, value in (line.partition(":") for line in lines)}
        if fields.get("drm-driver") == "amdgpu":
            yield fields


def _bytes(value: str) -> int | None:
    number, _space, unit = value.partition(" ")
    return int(number) * _UNITS[unit] if number.isdecimal() and unit in _UNITS else None


def _number(file: Path) -> int | None:
    text = _text(file)
    return int(text) if text and text.isdecimal() else None


def _text(file: Path) -> str | None:
    """Return its text; None where there is no such file, or it cannot be read just now (a GPU that sleeps or
    went)."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
