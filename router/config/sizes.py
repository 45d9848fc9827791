"""Bytes in words: as people write them (`512MiB`, `1.5 GiB`, `2GB`), and as hal0 tells them.

One rule everywhere: files in powers of ten, as disks and hubs count them; memory in GiB and MiB, as systems and
drivers do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")
_UNITS: Final[Mapping[str, int]] = {
    "": 1, "b": 1,
    "k": 1 << 10, "kib": 1 << 10, "kb": 10**3,
    "m": 1 << 20, "mib": 1 << 20, "mb": 10**6,
    "g": 1 << 30, "gib": 1 << 30, "gb": 10**9,
    "t": 1 << 40, "tib": 1 << 40, "tb": 10**12,
}  # fmt: skip


def size(text: str) -> int:
    """Return bytes. A unit without `i` or `B` counts in steps of 1024. Raises ValueError with a sentence."""
    match = _SIZE.fullmatch(text.strip())
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        point = text.strip().replace(",", ".", 1)
        hint = f"; write {point}" if point != text.strip() and _SIZE.fullmatch(point) else ""
        raise ValueError(f'must be an amount of memory, such as 512MiB or 1GiB, not "{text}"{hint}')
    if len(match[1]) > 20:
        raise ValueError("is more memory than any computer has")
    return int(float(match[1]) * unit) if "." in match[1] else int(match[1]) * unit


def file_size(count: int) -> str:
    """Write the size of a file or a download: `170 KB`, `1.5 GB`, `17.8 GB`."""
    return _in_units(count, 1000, ("B", "KB", "MB", "GB", "TB"))


def memory_size(count: int) -> str:
    """Write an amount of RAM, VRAM or a body in memory: `870 MiB`, `1.5 GiB`; say alongside what becomes of
    that much."""
    return _in_units(count, 1024, ("bytes", "KiB", "MiB", "GiB")) if count > 0 else "0 MiB"


def _in_units(count: int, step: int, units: tuple[str, ...]) -> str:
    """Write two or three figures; the unit is the largest of which there is at least one."""
    amount, index = float(max(0, count)), 0
    while index < len(units) - 1 and round(amount) >= step:
        amount, index = amount / step, index + 1
    decimals = 1 if units[index][0] in "GT" or (index and amount < 9.95) else 0
    return f"{amount:.{decimals}f}".removesuffix(".0") + f" {units[index]}"
