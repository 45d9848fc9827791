"""Pure: what is new in a log of which only the last lines are told, again and again."""

from __future__ import annotations

from collections.abc import Sequence

KEPT_LINES = 5000


def fresh(old: Sequence[str], new: Sequence[str]) -> list[str] | None:
    """Return the lines of `new` that follow those of `old`; None where `new` does not continue `old` at all.

    Both are the ends of one growing log: `new` begins with some end of `old`.
    """
    if not old:
        return list(new)
    if not new:
        return None
    first = new[0]
    for start, line in enumerate(old):
        if line == first and list(old[start:]) == list(new[: len(old) - start]):
            return list(new[len(old) - start :])
    return None


def matching(lines: Sequence[str], words: str) -> list[str]:
    """Return the lines that hold `words`, whatever their case."""
    wanted = words.strip().lower()
    return [line for line in lines if wanted in line.lower()] if wanted else list(lines)
