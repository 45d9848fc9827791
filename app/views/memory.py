"""Pure: `Snapshot` → the memory bars: who holds how much of which pool."""

from __future__ import annotations

from dataclasses import dataclass

from router.state import DeviceMemory, Snapshot


@dataclass(frozen=True, slots=True)
class Share:
    """`size` bytes of a pool held by `name`; `colour` is the slot's number, None for all slots together.

    `estimated`: the driver does not tell; hal0 guesses.
    """

    name: str
    size: int
    colour: int | None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class PoolShares:
    """One pool, and who has how much of it. Shares, `others` and `free` add up to `total` bytes. `number`: of
    several GPUs, as the driver counts them."""

    name: str
    is_gpu: bool
    total: int
    shares: tuple[Share, ...]
    others: int
    free: int
    estimated: bool = False
    number: int | None = None


def pools(snapshot: Snapshot) -> tuple[PoolShares, ...]:
    """One per device, in the order of the snapshot, with what each slot holds of it."""
    return tuple(_pool(snapshot, index, device) for index, device in enumerate(snapshot.memory))


def _pool(snapshot: Snapshot, index: int, device: DeviceMemory) -> PoolShares:
    used = min(device.used, device.total)
    ours = min(device.used_by_slots, used)
    shares = _shares(snapshot, index, ours)
    others, free = used - ours, device.total - used
    several = sum(one.is_gpu for one in snapshot.memory) > 1
    return PoolShares(
        device.name,
        device.is_gpu,
        device.total,
        shares,
        others,
        free,
        device.estimated,
        index if several and device.is_gpu else None,
    )


def _shares(snapshot: Snapshot, index: int, ours: int) -> tuple[Share, ...]:
    """Return the slots' parts of `ours`. The two are measured apart: too much is scaled down, a rest is the
    slots'."""
    held = [slot.memory_by_device[index : index + 1] for slot in snapshot.slots]
    sizes = [size[0] if size else 0 for size in held]
    known = sum(sizes)
    parts = [size * ours // known if known > ours else size for size in sizes]
    shares = [
        Share(slot.name, part, number, slot.memory_estimated)
        for number, (slot, part) in enumerate(zip(snapshot.slots, parts, strict=True))
        if part
    ]
    if rest := ours - sum(parts):
        shares.append(Share("", rest, None))
    return tuple(shares)
