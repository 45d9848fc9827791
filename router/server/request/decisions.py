"""One line per routed request, without its price.

A log record costs 150 µs of every request when handlers on another thread take the interpreter in turns with
the loop (benchmarks/README.md). So lines that come in quick succession are handed to the log together.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from dataclasses import dataclass

from router.base.names import shown

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Decision:
    """`asked` is the request's `model` field as sent; `at` is Unix seconds; the rest is what came of it.
    `slot` is "" for what no slot answers; `served` is a model's id, or `upstream/model`."""

    at: float
    request: str
    asked: str | None
    resolution_path: str
    slot: str
    served: str
    waited_ms: float
    decide_ms: float

    def line(self) -> str:
        return (
            f"dispatch.decision at={_at(self.at)} request={self.request} asked={shown(repr(self.asked))} "
            f"resolution_path={self.resolution_path} slot={self.slot or '-'} served={self.served} "
            f"waited_ms={self.waited_ms:.1f} decide_ms={self.decide_ms:.3f}"
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
        self._gathered: list[Decision | FromKept] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, decision: Decision | FromKept) -> None:
        self._gathered.append(decision)
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
            log.info("\n".join(decision.line() for decision in gathered))
