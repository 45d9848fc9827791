"""How often something may be done: at once after a pause, and no more than so many times a second. Pure."""

from __future__ import annotations


class TokenBucket:
    """Allows `burst` times in a row, and `rate` a second in the long run (the GCRA of ATM's traffic control,
    https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm). Times are seconds of a monotonic clock."""

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1.0 / rate
        self._slack = (burst - 1) * self._interval
        self._due = 0.0  # when the next one would come if all came evenly

    def take(self, now: float) -> float:
        """Take the next time it may be done; return the seconds until then, 0 for at once."""
        at = max(now, self._due)
        self._due = at + self._interval
        return max(0.0, at - self._slack - now)
