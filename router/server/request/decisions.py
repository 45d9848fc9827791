"""One line for each request that somebody answered, without its price.

A log record costs 150 µs of every request when handlers on another thread take the interpreter in turns with
the loop (benchmarks/README.md). So lines that come in quick succession are handed to the log together.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from dataclasses import dataclass

from router.activity.record import Record
from router.base.names import shown

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.25


def decision_line(record: Record) -> str:
    waited = (record.waited_s or 0.0) * 1000
    decided = ((record.decided_s or 0.0) - (record.read_s or 0.0)) * 1000
    return (
        f"dispatch.decision at={_at(record.at)} request={record.request} "
        f"asked={shown(repr(record.asked or None))} "
        f"resolution_path={record.resolution_path} slot={record.slot or '-'} served={record.served} "
        f"waited_ms={waited:.1f} decide_ms={decided:.3f} status={record.status} outcome={record.outcome} "
        f"total_ms={record.total_s * 1000:.1f}"
    )


@dataclass(frozen=True, slots=True)
class FromKept:
    """`request` was answered by `served` without reading `tokens` tokens again: they came from the disk."""

    at: float
    request: str
    slot: str
    served: str
    tokens: int

    def line(self) -> str:
        return (
            f"dispatch.kept at={_at(self.at)} request={self.request} slot={self.slot} served={self.served} "
            f"tokens_from_disk={self.tokens}"
        )


def _at(moment: float) -> str:
    second = int(moment)
    return f"{_clock(second)}.{int((moment - second) * 1000):03}Z"


@functools.lru_cache(maxsize=2)  # most lines are of the same second; strftime is half of a line's price
def _clock(second: int) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(second))


class DecisionLog:
    """The first line goes to the log at once, those within GATHER_SECONDS of it together."""

    def __init__(self) -> None:
        self._gathered: list[Record | FromKept] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, noted: Record | FromKept) -> None:
        """Log it soon; requests that nobody took have been told to their clients and are no decisions."""
        if isinstance(noted, Record) and not noted.resolution_path:
            return
        self._gathered.append(noted)
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
            log.info("\n".join(n.line() if isinstance(n, FromKept) else decision_line(n) for n in gathered))
