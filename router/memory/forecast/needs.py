"""How much memory a model takes, as values, and whether that fits. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from router.state import DeviceMemory, SlotStatus

MIB: Final = 2**20
HEADROOM: Final = 512 * MIB
"""What should stay free beside a model: the desktop, the driver's own buffers, other programs' growth."""


class Source(StrEnum):
    """Where a forecast is from, best last."""

    FORMULA = "formula"
    ENGINE = "engine"
    LEARNT = "learnt"


@dataclass(frozen=True, slots=True)
class DeviceNeed:
    """Bytes on one device, named as the engine does ("CUDA0"; "Host" is the computer's RAM).

    `model`: weights; `context`: key-value cache and recurrent state; `compute`: work buffers.
    """

    name: str
    model: int
    context: int
    compute: int
    is_gpu: bool = False

    @property
    def total(self) -> int:
        return self.model + self.context + self.compute


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a model takes with its flags, on every device, once its context is full."""

    per_device: tuple[DeviceNeed, ...]
    source: Source

    @property
    def total(self) -> int:
        """Bytes on all devices."""
        return sum(device.total for device in self.per_device)

    @property
    def work(self) -> int:
        """Bytes that depend on the context: all but the weights."""
        return sum(device.context + device.compute for device in self.per_device)

    @property
    def needs(self) -> int:
        """Bytes where memory is short: on the GPUs if any of it goes there, else in RAM."""
        return sum(device.total for device in self.per_device if device.is_gpu) or self.total


class Fit(StrEnum):
    """How a need goes into the room: with the headroom to spare, into the headroom, or not at all."""

    FITS = "fits"
    TIGHT = "tight"
    SHORT = "short"


def compare(needs: int, free: int, headroom: int = HEADROOM) -> tuple[Fit, int]:
    """Return how `needs` bytes go into `free` ones, and how many would be left; for SHORT how many are
    missing."""
    left = free - needs
    if left < 0:
        return Fit.SHORT, -left
    return Fit.FITS if left >= headroom else Fit.TIGHT, left


def where_it_counts(memory: Sequence[DeviceMemory]) -> tuple[DeviceMemory, ...]:
    """Return the pools models compete for: the GPUs, taken together, or the RAM if there is none."""
    return tuple(device for device in memory if device.is_gpu) or tuple(memory)


def free_bytes(memory: Sequence[DeviceMemory]) -> int:
    """Return the bytes that are free there now."""
    return sum(max(0, device.total - device.used) for device in where_it_counts(memory))


def held_bytes(slot: SlotStatus, memory: Sequence[DeviceMemory]) -> int:
    """Return the bytes that the slot's engine holds there, as far as they were measured."""
    if not slot.memory_by_device:
        return slot.memory or 0
    counted = where_it_counts(memory)
    pairs = zip(slot.memory_by_device, memory, strict=False)
    return sum(held for held, device in pairs if device in counted)
