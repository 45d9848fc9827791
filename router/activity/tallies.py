"""Counts of what was asked, by labels whose number is bounded (for `router.activity.metrics`)."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final, NamedTuple

from router.activity.record import Record

FIRST_BYTE: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
TOTAL: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
WAITED: Final = (0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Upper ends of the histograms' buckets, in seconds. Waits are those for a turn and a load."""

MOST_MODELS: Final = 200
UNKNOWN: Final = "-"
"""The dialect of what was sent to a path that does not exist."""

OTHER: Final = "other"
"""The label of models beyond those, and of paths that hal0 does not have: anybody can make those up."""


class Series(NamedTuple):
    """What requests are counted by; `status` is HTTP's, `code` hal0's."""

    slot: str
    model: str
    path: str
    status: int
    code: str
    outcome: str


class Histogram:
    """`counts`: of each bucket by itself; the last one is unbounded."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def merge(self, other: Histogram) -> None:
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


class Tally:
    """The tally of one series. Counts of tokens are sums."""

    __slots__ = ("cached", "completion", "first_byte", "prompt", "requests", "total", "waited")

    def __init__(self) -> None:
        self.requests = self.prompt = self.cached = self.completion = 0
        self.first_byte = Histogram(FIRST_BYTE)
        self.total = Histogram(TOTAL)
        self.waited = Histogram(WAITED)


class Tallies:
    """Attributes:
    by: one tally for each series there has been.
    """

    def __init__(self) -> None:
        self.by: dict[Series, Tally] = {}
        self._models: set[str] = set()
        # The last request's labels before they were bounded: most requests are like the one before.
        self._known: dict[tuple[str, str, str, int, str, str], Tally] = {}

    def add(self, record: Record) -> None:
        key = (record.slot, record.served, record.path, record.status, record.code, record.outcome)
        tally = self._known.get(key)
        if tally is None:
            tally = self._find(record)
            if len(self._known) >= 4 * MOST_MODELS:
                self._known.clear()
            self._known[key] = tally
        tally.requests += 1
        tally.total.add(record.total_s)
        if record.waited_s is not None:
            tally.waited.add(record.waited_s)
        if record.first_byte_s is not None:
            tally.first_byte.add(record.first_byte_s)
        tally.prompt += record.tokens_prompt or 0
        tally.cached += record.tokens_cached or 0
        tally.completion += record.tokens_completion or 0

    def _find(self, record: Record) -> Tally:
        model = record.served
        if model and model not in self._models:
            if len(self._models) < MOST_MODELS:
                self._models.add(model)
            else:
                model = OTHER
        path = OTHER if record.dialect == UNKNOWN else record.path
        series = Series(record.slot, model, path, record.status, record.code, record.outcome)
        return self.by.setdefault(series, Tally())
