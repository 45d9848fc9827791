"""On which GPUs a model goes: whole on the one where it fits best, over several only where it must. Pure.

Whole comes first even if an idle model has to make room for it: each boundary between GPUs costs every token a
copy, and a model over two of them is in the way of two others. Of the GPUs that take it whole, the best is the
one where

1. no other slot has to be emptied, else one of low priority, else few, and what the slot holds may go on
   answering;
2. no screen is connected: the desktop's windows grow into what is left there;
3. the least stays free, in whole GiB: the large gaps stay for large models;
4. the memory is fastest, where the driver tells; then the order of the driver.

Over several: the fewest that do, those with the most room, as many layers on each as its room has the share.
What is proposed is an estimate; the engine is asked before anything is promised (`router.memory.admit.judge`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from router.catalog.model import Model
from router.catalog.placement import Placement
from router.memory.admit.plan import Amounts, Go, Outcome
from router.memory.forecast.needs import Forecast, Source
from router.memory.measure.pools import Pool

_GIB = 1 << 30
_ENGINES_NAME = "CUDA"


class Gpu(Protocol):
    """A GPU as read, or as published."""

    @property
    def display(self) -> bool: ...
    @property
    def bandwidth(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Proposal:
    """`need`: bytes per pool, as estimated from the answer about another division; `outcome`: what it takes."""

    placement: Placement
    need: Amounts
    outcome: Go


@dataclass(frozen=True, slots=True)
class Parts:
    """What a model takes wherever it goes, in bytes: `layers` are divided, each GPU it is on needs the work
    buffers `work`, and `host` is in RAM."""

    layers: int
    work: int
    host: int

    @classmethod
    def of(cls, forecast: Forecast) -> Parts:
        gpus = [device for device in forecast.per_device if device.is_gpu]
        return cls(
            layers=sum(device.model + device.context for device in gpus),
            work=max((device.compute for device in gpus), default=0),
            host=sum(device.total for device in forecast.per_device if not device.is_gpu),
        )


def may_place(model: Model, forecast: Forecast | None, pools: Sequence[Pool]) -> bool:
    """Return whether hal0 chooses: a person has not, there are several GPUs that can be named, and the engine
    has said that it goes to CUDA's (no other obeys the variable)."""
    gpus = [pool for pool in pools if pool.is_gpu]
    if forecast is None or forecast.source is Source.FORMULA or model.placed_by_hand or model.file is None:
        return False
    on_gpus = [device for device in forecast.per_device if device.is_gpu]
    named = len(gpus) > 1 and all(gpu.uuid and gpu.total for gpu in gpus)
    return named and bool(on_gpus) and all(device.name.startswith(_ENGINES_NAME) for device in on_gpus)


def whole(
    forecast: Forecast, pools: Sequence[Pool], room: Amounts, plan: Callable[[Amounts], Outcome]
) -> list[Proposal]:
    """Return the GPUs that take all of it, best first. `room`: bytes per pool that there are now."""
    parts = Parts.of(forecast)
    found: list[tuple[tuple[float, ...], Proposal]] = []
    for index, gpu in enumerate(pools):
        if not gpu.is_gpu:
            continue
        need = _amounts(parts, pools, {index: parts.layers})
        if isinstance(outcome := plan(need), Go):
            rank = (*rank_of(outcome, gpu, room[index] - need[index]), index)
            found.append((rank, Proposal(Placement((gpu.uuid,)), need, outcome)))
    return [proposal for _rank, proposal in sorted(found, key=lambda one: one[0])]


def rank_of(outcome: Go, gpu: Gpu, left: int) -> tuple[float, ...]:
    """Return what is smallest for the GPU where a whole model goes best; `left`: bytes that stay free there."""
    return *outcome.cost, gpu.display, left // _GIB, -gpu.bandwidth


def split(
    forecast: Forecast,
    layers: int,
    pools: Sequence[Pool],
    rooms: Sequence[Amounts],
    plan: Callable[[Amounts], Outcome],
) -> list[Proposal]:
    """Return how the model could go over several GPUs, best first.

    `layers`: how many it has, the output among them. `rooms`: bytes per pool that it might have, headroom taken
    off: now, once the slot's own model is gone, once the idle ones are.
    """
    parts = Parts.of(forecast)
    found: list[tuple[tuple[float, ...], Proposal]] = []
    for room in rooms:
        ranked = [index for index, pool in enumerate(pools) if pool.is_gpu and room[index] > parts.work]
        ranked.sort(key=lambda index: (-room[index], pools[index].display, -pools[index].bandwidth, index))
        for count in range(2, len(ranked) + 1):
            chosen = sorted(ranked[:count])
            counts = _shares(parts, layers, [room[index] - parts.work for index in chosen])
            if counts is None or not all(counts):
                continue
            taken = {index: -(-parts.layers * c // layers) for index, c in zip(chosen, counts, strict=True)}
            need = _amounts(parts, pools, taken)
            if isinstance(outcome := plan(need), Go):
                placement = Placement(tuple(pools[index].uuid for index in chosen), counts)
                rank = (*outcome.cost, count)
                found.append((rank, Proposal(placement, need, outcome)))
    return [proposal for _rank, proposal in sorted(found, key=lambda one: one[0])]


def on_each(forecast: Forecast, pools: Sequence[Pool]) -> Amounts:
    """Return the bytes each GPU would have to hold of the whole model alone; 0 for other pools."""
    parts = Parts.of(forecast)
    return tuple(parts.layers + parts.work if pool.is_gpu else 0 for pool in pools)


def _shares(parts: Parts, layers: int, rooms: Sequence[int]) -> tuple[int, ...] | None:
    """Return how many of the layers each gets, by its room and never more than that takes; None if they do not
    all go."""
    each = max(1, -(-parts.layers // layers))
    most = [room // each for room in rooms]
    if sum(most) < layers:
        return None
    counts = [min(limit, layers * room // sum(rooms)) for limit, room in zip(most, rooms, strict=True)]
    while (left := layers - sum(counts)) > 0:
        index = max(range(len(counts)), key=lambda i: (most[i] - counts[i], -i))
        counts[index] += min(left, max(1, (most[index] - counts[index]) // 2))
    return tuple(counts)


def _amounts(parts: Parts, pools: Sequence[Pool], layers: dict[int, int]) -> Amounts:
    """`layers`: bytes of them by pool; of RAM the last pool has what is there."""
    amounts = [layers[index] + parts.work if index in layers else 0 for index in range(len(pools))]
    amounts[-1] += parts.host
    return tuple(amounts)
