"""The last hour of the memory, for those who start watching now."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from router.state import DeviceMemory

STEP: Final = 10.0
"""Seconds that one sample covers."""
SPAN: Final = 3600.0

Held = Mapping[str, Sequence[tuple[float, int]]]
"""Slot -> (Unix time, bytes), oldest first: from then on it held so much."""

_Sample = tuple[float, tuple[int, ...], tuple[int, ...]]


class MemoryHistory:
    """One sample for each STEP in which something changed: the most that was used then, of each device, and
    what each slot held last. Between two samples everything was as in the first, since the snapshot only
    reports changes. Times are Unix seconds."""

    def __init__(self) -> None:
        self._devices: tuple[tuple[str, bool, int], ...] = ()
        self._samples: deque[_Sample] = deque()
        self._slots: dict[str, deque[tuple[float, int]]] = {}

    def note(self, memory: Sequence[DeviceMemory], now: float, slots: Mapping[str, int] | None = None) -> None:
        """Note what a snapshot says of the memory at `now`; `slots`: the bytes that each holds. If the devices
        differ from those before, their history begins anew."""
        self._note_devices(memory, now)
        self._note_slots(slots or {}, now // STEP * STEP)

    def _note_slots(self, slots: Mapping[str, int], at: float) -> None:
        for gone in self._slots.keys() - slots.keys():
            del self._slots[gone]
        for name, size in slots.items():
            held = self._slots.setdefault(name, deque())
            if held and held[-1][0] >= at:
                held[-1] = (held[-1][0], size)
            elif not held or held[-1][1] != size:
                held.append((at, size))
            while len(held) > 1 and held[1][0] <= at - SPAN:
                held.popleft()

    def _note_devices(self, memory: Sequence[DeviceMemory], now: float) -> None:
        devices = tuple((device.name, device.is_gpu, device.total) for device in memory)
        if devices != self._devices:
            self._devices = devices
            self._samples.clear()
        if not devices:
            return
        at, used = now // STEP * STEP, tuple(device.used for device in memory)
        slots = tuple(device.used_by_slots for device in memory)
        if self._samples and self._samples[-1][0] >= at:
            at, before, held = self._samples.pop()
            used, slots = _larger(used, before), _larger(slots, held)
        self._samples.append((at, used, slots))
        # The newest sample older than the span tells the state at its beginning.
        while len(self._samples) > 1 and self._samples[1][0] <= at - SPAN:
            self._samples.popleft()

    def held(self) -> Held:
        return {name: tuple(held) for name, held in self._slots.items()}

    def told(self, within: Collection[str] | None = None) -> dict[str, Any]:
        """Return it as JSON: `at` are the samples' times, and each device has as many figures `used`,
        `used_by_slots`; `slots` as `held_json` tells them. `within`: only of these slots."""
        samples = list(self._samples)
        return {
            "step": STEP,
            "span": SPAN,
            "at": [at for at, _used, _slots in samples],
            "devices": [
                {
                    "name": name,
                    "is_gpu": is_gpu,
                    "total": total,
                    "used": [used[index] for _at, used, _slots in samples],
                    "used_by_slots": [slots[index] for _at, _used, slots in samples],
                }
                for index, (name, is_gpu, total) in enumerate(self._devices)
            ],
            **held_json({n: held for n, held in self._slots.items() if within is None or n in within}),
        }


def held_json(held: Held) -> dict[str, Any]:
    """Return `{"slots": {"primary": {"at": [...], "held": [...]}}}`."""
    return {
        "slots": {
            name: {"at": [at for at, _size in changes], "held": [size for _at, size in changes]}
            for name, changes in held.items()
        }
    }


def parse_held(document: Mapping[str, Any]) -> Held:
    """Return what `held_json` wrote; of a hal0 that tells nothing of slots, nothing. Raises KeyError, TypeError
    or ValueError where it is something else."""
    return {
        str(name): tuple((float(at), int(size)) for at, size in zip(told["at"], told["held"], strict=True))
        for name, told in document.get("slots", {}).items()
    }


def _larger(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(max, one, other))
