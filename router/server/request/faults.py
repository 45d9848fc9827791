"""What clients do wrong, in hal0's log: told apart from its own faults, and never able to fill it.

The first few of a kind within a minute have a line each; how many more there were is said in one line after it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

log = logging.getLogger(__name__)

LOGGED_EACH: Final = 3
"""Lines for one kind within PERIOD_SECONDS."""

PERIOD_SECONDS: Final = 60.0
_QUOTE: Final = re.compile(r":? *(?:bytearray\()?(?<!\w)b?['\"](?!Host' ).*")  # not the one in "can't"
_SHOWN: Final = 200  # characters of what a client sent


class Fault(StrEnum):
    """What a client did; each kind is counted for itself."""

    MALFORMED = "sent what is no HTTP request"
    BODY = "sent a body that cannot be read"
    REFUSED = "was refused"
    LEFT = "left before its answer was written"


@dataclass(slots=True)
class _Period:
    count: int
    ends: asyncio.TimerHandle


class ClientFaults:
    """The mistakes of one endpoint's clients. Close it, so that the last counts are written."""

    def __init__(self) -> None:
        self._periods: dict[Fault, _Period] = {}

    def note(self, fault: Fault, peer: str | None, text: str) -> None:
        """`text`: what it was, as the client sent it; it is escaped and cut here."""
        period = self._periods.get(fault)
        if period is None:
            timer = asyncio.get_running_loop().call_later(PERIOD_SECONDS, self._end, fault)
            period = self._periods[fault] = _Period(0, timer)
        period.count += 1
        if period.count <= LOGGED_EACH:
            level = logging.INFO if fault is Fault.LEFT else logging.WARNING  # leaving is no mistake
            log.log(level, "client %s %s: %s", peer or "(gone)", fault.value, plain(text))

    def close(self) -> None:
        for fault in list(self._periods):
            self._end(fault)

    def _end(self, fault: Fault) -> None:
        period = self._periods.pop(fault)
        period.ends.cancel()
        if (more := period.count - LOGGED_EACH) > 0:
            log.warning(
                "clients: within %.0f s %d more like this: client %s", PERIOD_SECONDS, more, fault.value
            )


def words_of(error: BaseException) -> str:
    """aiohttp's words for what was wrong, without what was sent, which it quotes: a key may be in that."""
    words = " ".join(str(getattr(error, "message", "") or error).split())
    return _QUOTE.sub("", words).removeprefix("400, message: ").rstrip(" .:") or type(error).__name__


def plain(text: str) -> str:
    """Return the text on one line, in printable ASCII: whoever reaches the port could write escapes into a
    terminal."""
    shown = " ".join(text.split())
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    return shown.encode("unicode_escape").decode()
