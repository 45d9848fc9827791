"""One line per routed request, without its price.

A log record costs 150 µs of every request when handlers on another thread take the interpreter in turns with
the loop (benchmarks/README.md). So lines that come in quick succession are handed to the log together.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Decision:
    """`asked` is the request's `model` field as sent; `at` is Unix seconds; the rest is what came of it."""

    at: float
    request: str
    asked: str | None
    resolution_path: str
    slot: str
    served: str
    waited_ms: float
    decide_ms: float

    def line(self) -> str:
        clock = datetime.fromtimestamp(self.at, UTC).strftime("%H:%M:%S.%f")[:-3]
        return (
            f"dispatch.decision at={clock}Z request={self.request} asked={self.asked!r} "
            f"resolution_path={self.resolution_path} slot={self.slot} served={self.served} "
            f"waited_ms={self.waited_ms:.1f} decide_ms={self.decide_ms:.3f}"
        )


class DecisionLog:
    """The first line goes to the log at once, those within GATHER_SECONDS of it together."""

    def __init__(self) -> None:
        self._gathered: list[Decision] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, decision: Decision) -> None:
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
