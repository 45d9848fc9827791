"""Who holds how much of which pool, who was promised more, and what is still available. Pure.

Amounts are bytes per pool, in the order of the pools.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from router.memory.admit.plan import Amounts
from router.memory.forecast.needs import DeviceNeed, Forecast
from router.memory.measure.pools import Measured
from router.state import DeviceMemory

_NUMBER = re.compile(r"\d+$")


class AnyPool(Protocol):
    """A pool as read, or as published."""

    @property
    def is_gpu(self) -> bool: ...
    @property
    def total(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Claim:
    """What an engine holds and was promised. It is charged the larger of the two: what it has not touched yet
    is not free. For another engine's command only what it holds is known."""

    slot: str
    held: Amounts
    promised: Amounts | None = None

    @property
    def rest(self) -> Amounts:
        """What was promised and is not held yet."""
        return tuple(charged - held for charged, held in zip(self.gives, self.held, strict=True))

    @property
    def gives(self) -> Amounts:
        """What stopping it gives back."""
        if self.promised is None:
            return self.held
        return tuple(max(pair) for pair in zip(self.held, self.promised, strict=True))


def spread(forecast: Forecast, pools: Sequence[AnyPool]) -> Amounts:
    """Return a forecast over the pools, of which the last is the RAM (or a GPU's memory that is the RAM).

    The n-th GPU of the forecast is the n-th that was read; the driver and the engine both count by PCI bus
    (`router.engine.environment`). What has no pool of its own is in the RAM. What the formula could not place
    goes to the GPUs by their size, as llama-server itself divides layers.
    """
    gpus = [index for index, pool in enumerate(pools) if pool.is_gpu]
    amounts = [0] * len(pools)
    for need in forecast.per_device:
        if not need.name and gpus:
            size = sum(pools[index].total for index in gpus) or 1
            for index in gpus:
                amounts[index] += -(-need.total * pools[index].total // size)
        else:
            amounts[_place(need, gpus, len(pools) - 1)] += need.total
    return tuple(amounts)


def _place(need: DeviceNeed, gpus: Sequence[int], ram: int) -> int:
    if not need.is_gpu:
        return ram
    number = int(found[0]) if (found := _NUMBER.search(need.name)) else 0
    return gpus[number] if number < len(gpus) else ram


def published(forecast: Forecast, memory: Sequence[DeviceMemory], ram_total: int) -> Amounts:
    """Return a forecast over the pools that are shown: GPUs without the RAM beside them, or the RAM alone.

    `ram_total`: a GPU of that size is taken for one whose memory is the RAM.
    """
    if not memory:
        return ()
    own = [device for device in memory if device.is_gpu and device.total != ram_total]
    ram = [] if len(own) < len(memory) else [DeviceMemory("RAM", False, ram_total, 0)]
    return spread(forecast, [*memory, *ram])[: len(memory)]


def room(measured: Measured, claims: Iterable[Claim]) -> Amounts:
    """Return the room of each pool: free and promised to nobody; negative where more was promised than is
    free."""
    left = [pool.free for pool in measured.pools]
    for claim in claims:
        left = [free - rest for free, rest in zip(left, claim.rest, strict=True)]
    return tuple(left)


def claim(slot: str, pid: int | None, forecast: Forecast | None, measured: Measured) -> Claim:
    """Return the claim of one engine; `pid` None: it is not spawned yet, `forecast` None: nobody can tell."""
    held = tuple(holds.get(pid, 0) if pid is not None else 0 for holds in measured.held)
    return Claim(slot, held, spread(forecast, measured.pools) if forecast else None)
