"""How fast an answer comes, told while it does: engines say it only at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from router.activity.usage import Heard

SECONDS: Final = 1.0
"""Between two looks; shorter streams are over before there is anything to tell."""


class LiveSpeed:
    """While it is entered, gives `tell` the tokens a second of the answer that `heard` follows."""

    def __init__(self, heard: Heard, tell: Callable[[float], object], seconds: float = SECONDS) -> None:
        self._heard = heard
        self._tell = tell
        self._seconds = seconds
        self._last: tuple[float, int] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        self._wait()

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)

    def _look(self) -> None:
        now, events = asyncio.get_running_loop().time(), self._heard.events
        last, self._last = self._last, (now, events) if events else None
        if last is not None and events > last[1]:
            self._tell((events - last[1]) / (now - last[0]))
        self._wait()
