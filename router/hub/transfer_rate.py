"""How fast something comes, and how long it still takes. Pure: the time is told."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 10.0
"""Long enough not to jump, short enough to notice that the line got slow."""


class TransferRate:
    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, now: float, done: int) -> None:
        """`done` bytes in all were there at `now` (seconds)."""
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > WINDOW_SECONDS:
            self._seen.popleft()

    @property
    def speed(self) -> float | None:
        """Bytes a second; None before there is anything to tell it from."""
        if len(self._seen) < 2:
            return None
        (first, before), (last, after) = self._seen[0], self._seen[-1]
        return (after - before) / (last - first) if last > first and after > before else None

    def seconds_left(self, total: int) -> float | None:
        """Return seconds until `total` bytes are there."""
        speed = self.speed
        return (total - self._seen[-1][1]) / speed if speed else None
