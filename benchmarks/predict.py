"""Sixty days of use, made up and replayed: is a guess worth its reading? No disk is touched.

Files are dropped from RAM three times a day at random and every night, as by a restart or by other programs. A
load whose file is not there then is cold. Guesses are those that hal0 makes (router.readahead.predict), one is
read for each load, after ten minutes without a request; beside them, for comparison, the model before the
present one is read each time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from benchmarks.lab import Lab
from benchmarks.report import Figure
from router.readahead.idle import IDLE_SECONDS
from router.readahead.predict import KEPT, Asked, likely_next

HOUR, DAY, DAYS = 3600.0, 86_400.0, 60
RAM = 24
SIZES = {"A": 17, "B": 5, "C": 9, "D": 20, "E": 12, "F": 7, "G": 4, "H": 24}
"""Of the models' files, in GB as RAM is: one of the larger ones fills it."""

Trace = list[tuple[float, str]]


def predict(lab: Lab) -> list[Figure]:
    """Targets: a third of the cold loads of regular use, and of random use hardly a byte in vain."""
    figures = []
    for name, (make, regular) in _USES.items():
        none, ours, before = (_all_seeds(make, policy, lab.rounds(3, 1)) for policy in (_never, _ours, _before))
        for title, told in (("", ours), (", the one before", before)):
            fewer, vain = 1 - told.cold / none.cold, (told.ahead - told.useful) / none.by_engines
            limits = (0.33, 1.0) if regular else (None, 0.1)
            least, most = limits if told is ours else (None, None)
            figures += [
                Figure(
                    f"predict, {name}{title}: cold loads saved", fewer * 100, "%", least and least * 100, True
                ),
                Figure(f"predict, {name}{title}: read in vain", vain * 100, "%", most and most * 100),
            ]
    return figures


@dataclass(slots=True)
class Told:
    """Bytes are GB. `by_engines` came from the disk during loads; of what was read `ahead`, `useful` was asked
    for next and still there."""

    loads: int = 0
    cold: int = 0
    by_engines: int = 0
    ahead: int = 0
    useful: int = 0

    def add(self, other: Told) -> None:
        self.loads += other.loads
        self.cold += other.cold
        self.by_engines += other.by_engines
        self.ahead += other.ahead
        self.useful += other.useful


# -- what people do --------------------------------------------------------------------------------------------


def _office(rng: random.Random) -> Trace:
    """At their hours, give or take a quarter; one in ten is another one, one in ten does not come."""
    plan = ((9, "A"), (12, "B"), (13, "A"), (17, "C"), (20, "B"))
    days = [day for day in range(DAYS) if day % 7 < 5]
    return sorted(
        (day * DAY + hour * HOUR + rng.gauss(0, 900), model if rng.random() < 0.9 else rng.choice("ABCDE"))
        for day in days
        for hour, model in plan
        if rng.random() < 0.9
    )


def _in_the_day(rng: random.Random, model: Callable[[int], str]) -> Trace:
    found: Trace = []
    number = 0
    for day in range(DAYS):
        at = day * DAY + 9 * HOUR
        while at < day * DAY + 18 * HOUR:
            found.append((at, model(number)))
            number, at = number + 1, at + rng.uniform(900, 5400)
    return found


def _pair(rng: random.Random) -> Trace:
    return _in_the_day(rng, lambda number: "AB"[number % 2])


def _in_turn(rng: random.Random) -> Trace:
    return _in_the_day(rng, lambda number: "ABC"[number % 3] if rng.random() < 0.92 else rng.choice("DE"))


def _around_one(rng: random.Random) -> Trace:
    return _in_the_day(rng, lambda number: rng.choice("BCDE") if number % 2 else "A")


def _at_random(rng: random.Random, names: str, weights: Sequence[float], hours: float = 2) -> Trace:
    found: Trace = []
    at = 0.0
    while at < DAYS * DAY:
        at += rng.expovariate(1 / (hours * HOUR))
        found.append((at, rng.choices(names, weights)[0]))
    return found


_USES: dict[str, tuple[Callable[[random.Random], Trace], bool]] = {
    "office hours": (_office, True),
    "A and B in turn": (_pair, True),
    "A, B, C in turn": (_in_turn, True),
    "A, then any other": (_around_one, True),
    "three at random": (lambda rng: _at_random(rng, "ABC", [1, 1, 1]), False),
    "five at random": (lambda rng: _at_random(rng, "ABCDE", [1] * 5), False),
    "eight, some more often": (lambda rng: _at_random(rng, "ABCDEFGH", [1 / n for n in range(1, 9)]), False),
    "four, now and then": (lambda rng: _at_random(rng, "ABCD", [1] * 4, 30), False),
}

# -- who reads ahead -------------------------------------------------------------------------------------------

Policy = Callable[[tuple[Asked, ...], int], str | None]


def _never(_asked: tuple[Asked, ...], _hour: int) -> str | None:
    return None


def _ours(asked: tuple[Asked, ...], hour: int) -> str | None:
    return _likely(asked, hour // 3 * 3)


@cache
def _likely(asked: tuple[Asked, ...], hour: int) -> str | None:
    return likely_next(asked, hour)


def _before(asked: tuple[Asked, ...], _hour: int) -> str | None:
    return asked[-2].model if len(asked) > 1 else None


# -- the replay ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Ram:
    """Files that are cached, the last used last."""

    files: list[str] = field(default_factory=list)

    def use(self, model: str) -> None:
        if model in self.files:
            self.files.remove(model)
        self.files.append(model)
        while sum(SIZES[name] for name in self.files) > RAM:
            self.files.pop(0)


def _all_seeds(make: Callable[[random.Random], Trace], policy: Policy, seeds: int) -> Told:
    told = Told()
    for seed in range(seeds):
        use, others = random.Random(seed), random.Random(seed + 100)  # noqa: S311 - made up
        told.add(_replay(make(use), others, policy))
        _likely.cache_clear()
    return told


def _replay(trace: Trace, rng: random.Random, policy: Policy) -> Told:
    told, ram, asked = Told(), _Ram(), ()
    drops = sorted(
        [rng.uniform(0, DAYS * DAY) for _ in range(3 * DAYS)] + [d * DAY + 7 * HOUR for d in range(DAYS)]
    )
    trace = [trace[0], *(after for before, after in pairwise(trace) if before[1] != after[1])]
    last = 0.0
    for at, model in trace:
        guessed = _between(last, at, drops, ram, asked, policy, told)
        told.loads += 1
        if model not in ram.files:
            told.cold += 1
            told.by_engines += SIZES[model]
        elif guessed == model:
            told.useful += SIZES[model]
        ram.use(model)
        asked = (*asked, Asked(model, at, int(at // HOUR) % 24))[-KEPT:]
        last = at
    return told


def _between(
    last: float,
    at: float,
    drops: list[float],
    ram: _Ram,
    asked: tuple[Asked, ...],
    policy: Policy,
    told: Told,
) -> str | None:
    """What happens between two loads; returns what was read ahead and is still there."""
    guessed, done = None, False
    for moment, drop in _moments(last, at, drops):
        if drop:
            ram.files.clear()
            guessed = None
        elif asked and not done:
            model = policy(asked, int(moment // HOUR) % 24)
            if model is not None and model not in ram.files:
                done, guessed = True, model
                told.ahead += SIZES[model]
                ram.use(model)
    return guessed


def _moments(last: float, at: float, drops: list[float]) -> Iterator[tuple[float, bool]]:
    """Looks, from ten minutes after the last load on, and the times when all files are dropped (True)."""
    look = last + IDLE_SECONDS
    while True:
        drop = next((moment for moment in drops if last <= moment < at), None)
        if drop is not None and drop < look:
            drops.remove(drop)
            yield drop, True
        elif look < at:
            yield look, False
            look += HOUR / 2
        elif drop is not None:
            drops.remove(drop)
            yield drop, True
        else:
            return
