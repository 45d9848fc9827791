"""What every way to read memory has in common."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Pool:
    """One GPU's memory, or the computer's RAM, at one moment, in bytes, exactly as read.

    `held` is what processes hold of it; None: it runs here, or may, and the driver does not say with how much.
    `others`: the same of processes nobody asked about, as far as the driver tells. `total` is 0 for a GPU
    without memory of its own. `utilisation` is 0..100, None where unknown. `uuid`: by which an engine can be
    told to use this GPU, "" where there is none. `display`: a screen is connected, whose desktop wants some of
    it. `bandwidth`: bytes it reads a second, 0 where unknown; it bounds how fast a model speaks.
    """

    name: str
    is_gpu: bool
    total: int
    used: int
    utilisation: int | None = None
    held: Mapping[int, int | None] = field(default_factory=dict)
    others: Mapping[int, int | None] = field(default_factory=dict)
    uuid: str = ""
    display: bool = False
    bandwidth: int = 0

    @property
    def free(self) -> int:
        return max(0, self.total - self.used)


@dataclass(frozen=True, slots=True)
class Measured:
    """All pools at one moment: the GPUs, then the computer's RAM, unless a GPU's memory is that. `held` is what
    processes hold of each, in bytes, known or guessed."""

    pools: tuple[Pool, ...]
    held: tuple[Mapping[int, int], ...]


class MemorySource(Protocol):
    """One way to read memory. For one thread at a time."""

    def read(self, pids: Collection[int]) -> tuple[Pool, ...]:
        """Return every pool that can be read now, with what `pids` hold. Blocks for milliseconds, raises
        nothing."""
        ...
