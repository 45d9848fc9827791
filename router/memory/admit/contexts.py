"""Which contexts a model that leaves the size open may be given, and the largest of them that fits. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from router.catalog.model import Model

SMALLEST: Final = 4096
"""Tokens: with fewer, a chat is of little use."""

_RUNGS: Final = tuple(size << power for power in range(11) for size in (4096, 6144))
_SMALL: Final = (512, 1024, 2048)  # of use to those that read whole inputs: embeddings are made of pieces


def ladder(most: int, *, small: bool = False) -> tuple[int, ...]:
    """Return contexts to choose from, in tokens, largest first: all of what it was trained for, then steps of
    about a third, so that a little memory more or less changes nothing. `small`: include those below
    SMALLEST."""
    rungs = (*_SMALL, *_RUNGS) if small else _RUNGS
    return (most, *(rung for rung in reversed(rungs) if rung < most))


def ladder_of(model: Model) -> tuple[int, ...]:
    """Return the contexts for a model that leaves its context open."""
    return ladder(model.context_most or 0, small=model.reads_whole)


async def largest(sizes: Sequence[int], fits: Callable[[int], Awaitable[bool]]) -> int | None:
    """Return the first of `sizes`, which are descending, that fits; None if none does. Asks about log2 of them,
    the first one first."""
    if not sizes or await fits(sizes[0]):
        return sizes[0] if sizes else None
    low, high = 1, len(sizes)  # sizes[high:] fit, as far as is known
    while low < high:
        middle = (low + high) // 2
        if await fits(sizes[middle]):
            high = middle
        else:
            low = middle + 1
    return sizes[high] if high < len(sizes) else None
