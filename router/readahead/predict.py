"""Which model a slot is likely to be asked for next, by what it was asked for before. Pure.

Three habits are looked at: what followed the present model (A and B in turn), what was asked for at this time
of day, and both together. A guess is only worth reading a file for if the guesses before it came true: it is
made again for each load in the past, as if that were still to come. So use without a pattern earns nothing
(`python -m benchmarks --only predict`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

KEPT: Final = 200
"""Loads remembered per slot: some weeks."""

_SURE: Final = 0.6
_DOUBT: Final = 1.5  # assume as many loads that went differently: two alike are not yet a habit
_RECORD: Final = 20
_LEAST_RECORD: Final = 4
_HOURS: Final = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """A slot turned to `model` at `at` (Unix seconds), when its computer's clock said `hour` (0..23)."""

    model: str
    at: float
    hour: int


def likely_next(asked: Sequence[Asked], hour: int) -> str | None:
    """Return the model that is likely to follow the last of `asked`, at `hour`; None if that is not known.

    Two neighbours in `asked` are never the same model.
    """
    habits: dict[Hashable, Counter[str]] = {}
    came_true: list[bool] = []
    for before, after in pairwise(asked):
        if (guessed := _guess(habits, before.model, after.hour)) is not None:
            came_true.append(guessed == after.model)
        for habit in _habits(before.model, after.hour):
            habits.setdefault(habit, Counter())[after.model] += 1
    record = came_true[-_RECORD:]
    if len(record) < _LEAST_RECORD or sum(record) < _SURE * len(record):
        return None
    return _guess(habits, asked[-1].model, hour)


def _habits(present: str, hour: int) -> Iterator[Hashable]:
    """Name the habits. A model cannot be mistaken for an hour: their positions tell them apart."""
    yield present, None
    yield None, hour // _HOURS
    yield present, hour // _HOURS


def _guess(habits: Mapping[Hashable, Counter[str]], present: str, hour: int) -> str | None:
    """Return what the surest of the habits says."""
    best, surest = None, 0.0
    for habit in _habits(present, hour):
        found = habits.get(habit)
        if found is None:
            continue
        others = found.total() - found[present]
        for model, count in found.items():
            if model != present and count / (others + _DOUBT) > surest:
                best, surest = model, count / (others + _DOUBT)
    return best if surest >= _SURE else None
