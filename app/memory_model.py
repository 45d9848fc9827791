"""Pure: `Snapshot` → the memory bars: who holds how much of which pool."""

from __future__ import annotations

from dataclasses import dataclass

from router.state import DeviceMemory, Snapshot


@dataclass(frozen=True, slots=True)
class Share:
    """`size` bytes of a pool held by `name`; `colour` is the slot's number, None for all slots together."""

    name: str
    size: int
    colour: int | None


@dataclass(frozen=True, slots=True)
class Pool:
    """One GPU's memory, or the computer's RAM. Shares, `others` and `free` add up to `total` bytes."""

    name: str
    is_gpu: bool
    total: int
    shares: tuple[Share, ...]
    others: int
    free: int


def pools(snapshot: Snapshot) -> tuple[Pool, ...]:
    """One per device, in the order of the snapshot.

    A slot's bytes are known over all devices together. So each slot has its own share where one device holds
    what the slots use; where several do, a device shows one share for all of them.
    """
    holding = [device for device in snapshot.memory if device.used_by_slots > 0]
    return tuple(_pool(snapshot, device, alone=len(holding) == 1) for device in snapshot.memory)


def _pool(snapshot: Snapshot, device: DeviceMemory, *, alone: bool) -> Pool:
    used = min(device.used, device.total)
    ours = min(device.used_by_slots, used)
    shares = _shares(snapshot, ours) if alone else ()
    if not shares and ours:
        shares = (Share("", ours, None),)
    return Pool(device.name, device.is_gpu, device.total, shares, used - ours, device.total - used)


def _shares(snapshot: Snapshot, ours: int) -> tuple[Share, ...]:
    """The slots' parts of `ours`. The two are measured apart: too much is scaled down, a rest is the slots'."""
    sizes = [(slot.name, slot.memory or 0, number) for number, slot in enumerate(snapshot.slots)]
    known = sum(size for _name, size, _number in sizes)
    fit = max(known, ours)
    shares = [Share(name, size * ours // fit if known > ours else size, n) for name, size, n in sizes if size]
    rest = ours - sum(share.size for share in shares)
    return (*shares, Share("", rest, None)) if rest and shares else tuple(shares)
