"""The last hour of the memory, for those who start watching now."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from router.state import DeviceMemory

STEP: Final = 10.0
"""Seconds that one sample covers."""
SPAN: Final = 3600.0

_Sample = tuple[float, tuple[int, ...], tuple[int, ...]]


class MemoryHistory:
    """One sample for each STEP in which something changed: the most that was used then, of each device. Between
    two samples everything was as in the first, since the snapshot only reports changes. Times are Unix
    seconds."""

    def __init__(self) -> None:
        self._devices: tuple[tuple[str, bool, int], ...] = ()
        self._samples: deque[_Sample] = deque()

    def note(self, memory: Sequence[DeviceMemory], now: float) -> None:
        """Note what a snapshot says of the memory at `now`. If the devices differ from those before, a new
        history begins."""
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

    def told(self) -> dict[str, Any]:
        """Return it as JSON: `at` are the samples' times, and each device has as many figures `used`,
        `used_by_slots`."""
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
        }


def _larger(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(max, one, other))
