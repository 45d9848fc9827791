"""Where conversations were answered last: the one owner of that. Bounded, and forgotten with time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

KEPT: Final = 10_000
"""Conversations of all slots; those not heard of for longest are forgotten first."""

KEPT_SECONDS: Final = 3600.0
"""By then an engine has read so much else that little of it is left in its cache."""


class Homes:
    """Belongs to the loop."""

    def __init__(self, clock: Callable[[], float], kept: int = KEPT) -> None:
        """`clock`: seconds, of any kind that does not go back."""
        self._clock = clock
        self._kept = kept
        self._homes: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._homes)

    def of(self, slot: str, conversation: str | None) -> str | None:
        """Return the place that answered it last; None where that is not known any more."""
        found = self._homes.get((slot, conversation or ""))
        if found is None or self._clock() - found[1] > KEPT_SECONDS:
            return None
        return found[0]

    def note(self, slot: str, conversation: str | None, place: str) -> None:
        """Note that `place` has answered it."""
        if conversation is None:
            return
        key, now = (slot, conversation), self._clock()
        self._homes[key] = place, now
        self._homes.move_to_end(key)
        while self._homes and (len(self._homes) > self._kept or self._oldest() < now - KEPT_SECONDS):
            self._homes.popitem(last=False)

    def _oldest(self) -> float:
        return next(iter(self._homes.values()))[1]
