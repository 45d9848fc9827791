"""A guess where the driver says that a process runs on a GPU, not how much it holds (Windows' WDDM, WSL)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from router.memory.measure.pools import Pool


class Estimator:
    """Attributes what a GPU's use has grown by since a process came to that process.

    Looks from before the process came are needed: without one it is taken to hold nothing.
    """

    def __init__(self) -> None:
        self._before: dict[tuple[int, str], int] = {}
        self._guesses: dict[tuple[int, str], dict[int, int]] = {}

    def fill(self, pools: Iterable[Pool]) -> list[dict[int, int]]:
        """Return for each pool what each process holds, in bytes, known or guessed."""
        return [self._fill((index, pool.name), pool) for index, pool in enumerate(pools)]

    def _fill(self, device: tuple[int, str], pool: Pool) -> dict[int, int]:
        known = {pid: amount for pid, amount in pool.held.items() if amount is not None}
        unknown = [pid for pid, amount in pool.held.items() if amount is None]
        rest = max(0, pool.used - sum(known.values()))
        if not unknown:
            self._before[device] = rest
            self._guesses.pop(device, None)
            return known
        ours = max(0, rest - self._before.setdefault(device, rest))
        guesses = spread(self._guesses.get(device, {}), unknown, ours)
        self._guesses[device] = guesses
        return known | guesses


def spread(before: Mapping[int, int], pids: Iterable[int], amount: int) -> dict[int, int]:
    """Spread `amount` over `pids`: what came is the newest's, and what went is taken from the newest first."""
    present = set(pids)
    guesses = {pid: held for pid, held in before.items() if pid in present}
    guesses |= dict.fromkeys(sorted(present - guesses.keys()), 0)
    difference = amount - sum(guesses.values())
    for pid in reversed(guesses):
        change = max(difference, -guesses[pid])
        guesses[pid] += change
        difference -= change
    return guesses
