"""One line for each request that somebody answered, without its price.

A log record costs 150 µs of every request when handlers on another thread take the interpreter in turns with
the loop (benchmarks/README.md). So lines that come in quick succession are handed to the log together.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time

from router.activity.record import Record
from router.base.names import shown

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.25


def decision_line(record: Record) -> str:
    second = int(record.at)
    clock = f"{_clock(second)}.{int((record.at - second) * 1000):03}"
    waited = (record.waited_s or 0.0) * 1000
    decided = ((record.decided_s or 0.0) - (record.read_s or 0.0)) * 1000
    return (
        f"dispatch.decision at={clock}Z request={record.request} asked={shown(repr(record.asked or None))} "
        f"resolution_path={record.resolution_path} slot={record.slot or '-'} served={record.served} "
        f"waited_ms={waited:.1f} decide_ms={decided:.3f} status={record.status} outcome={record.outcome} "
        f"total_ms={record.total_s * 1000:.1f}"
    )


@functools.lru_cache(maxsize=2)  # most lines are of the same second; strftime is half of a line's price
def _clock(second: int) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(second))


class DecisionLog:
    """The first line goes to the log at once, those within GATHER_SECONDS of it together."""

    def __init__(self) -> None:
        self._gathered: list[Record] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, record: Record) -> None:
        """Those that nobody took have been told to their clients; they are no decisions."""
        if not record.resolution_path:
            return
        self._gathered.append(record)
        if self._timer is None:
            self.flush()
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._after_a_while)

    def _after_a_while(self) -> None:
        self._timer = None
        self.flush()

    def flush(self) -> None:
        """Hand over what has gathered."""
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            log.info("\n".join(map(decision_line, gathered)))
