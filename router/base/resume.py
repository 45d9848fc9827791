"""Notices that time has passed unseen: this computer slept, or hal0 itself was stopped.

Two clocks tell. The loop's stands still while Linux sleeps, the other one never does. Whoever has a limit in
seconds is told how many of them count for nothing. The wall clock has no say: people set it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0
"""Between two looks at the clocks: so soon after the wake everything is judged afresh."""

SLEPT_SECONDS: Final = 1.0
"""So far apart the clocks cannot drift between two looks: the computer slept."""

LATE_SECONDS: Final = 5.0
"""A look that comes so late was not delayed by work: hal0 was stopped, or the loop's clock runs in sleep."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds; only differences mean anything. `always`: goes on in sleep; `loop`: the event loop's."""

    always: float
    loop: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """hal0 runs again after `seconds` in which it did not; the loop's clock went on for `counted` of them."""

    seconds: float
    counted: float


Told = Callable[[Resumed], None]


def resumed_between(before: Clocks, now: Clocks) -> Resumed | None:
    """Return what passed unseen between two looks; None where they came as they should."""
    counted = now.loop - before.loop
    slept = max(0.0, (now.always - before.always) - counted)
    late = max(0.0, counted - LOOK_SECONDS)
    if slept < SLEPT_SECONDS and late < LATE_SECONDS:
        return None
    return Resumed(slept + late, late)


def read_clocks() -> Clocks:
    """Read both; on the loop.

    Linux has CLOCK_BOOTTIME, macOS's CLOCK_MONOTONIC runs in sleep (clock_gettime(3)), and Windows' only one
    does: there a look that comes late is what tells.
    """
    if sys.platform == "linux":
        always = time.clock_gettime(time.CLOCK_BOOTTIME)
    elif sys.platform == "darwin":
        always = time.clock_gettime(time.CLOCK_MONOTONIC)
    else:
        always = time.monotonic()
    return Clocks(always, asyncio.get_running_loop().time())


class ResumeWatch:
    """Tells everyone at once, on the loop, before anything else is judged by the time."""

    def __init__(self, read: Callable[[], Clocks] = read_clocks) -> None:
        """Made on the loop."""
        self._read = read
        self._seen = read()
        self._told: list[Told] = []
        self._sleeps = False

    def subscribe(self, told: Told) -> None:
        """Call `told` after each resume, in the order of subscription."""
        self._told.append(told)

    def look(self) -> None:
        """Look at the clocks now. For timers, too: after a stop the overdue ones come before the next look."""
        before, self._seen = self._seen, self._read()
        event = resumed_between(before, self._seen)
        if event is not None:
            self._tell(event)

    def sleeps(self) -> None:
        """Note that the system is about to sleep, by what it says itself."""
        self._sleeps = True

    def woke(self) -> None:
        """Note that the system has slept, by what it says itself: however short that was, everything is judged
        afresh at once, unless the clocks have told it since `sleeps`."""
        self.look()
        if self._sleeps:
            self._tell(Resumed(0.0, 0.0))

    def _tell(self, event: Resumed) -> None:
        self._sleeps = False
        log.info("hal0 runs again after %.0f s in which it did not", event.seconds)
        for told in self._told:
            try:
                told(event)
            except Exception:
                log.exception("the resume was not taken in")  # the others must hear of it

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()
