"""Trying again after a temporary failure: how often, after which delays, and until a person stops it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from router.base.errors import PullFailed

T = TypeVar("T")

DELAYS: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each further try; whatever has come in between starts the row anew."""

ASK_DELAYS: Final = (1.0, 2.0)
"""The same where somebody waits for the answer to a question."""

LONGEST_WAIT: Final = 120.0
"""Seconds that a server may ask to wait (Retry-After); for longer, the person is told."""


class TemporaryFailure(Exception):
    """The connection broke or the server is busy: the same may work in a while.

    Attributes:
        message: one sentence, for when it does not.
        wait: seconds the server asked for, if it did.
        unreachable: there was no connection at all.
    """

    def __init__(self, message: str, wait: float | None = None, *, unreachable: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.wait = wait
        self.unreachable = unreachable


class Paused(Exception):
    """A person stopped it; what has come stays."""


class Retrier:
    """Counts tries. `stop` ends every wait. A server that cannot be reached is tried again only once it has
    answered anything: who has no network learns it at once."""

    def __init__(
        self,
        stop: threading.Event,
        delays: Sequence[float] = DELAYS,
        on_wait: Callable[[str, float], None] = lambda _message, _seconds: None,
    ) -> None:
        """`on_wait` is told what went wrong, and for how many seconds nothing will happen now."""
        self.stop = stop
        self._delays = delays
        self._on_wait = on_wait
        self._tried = 0
        self._answered = False

    def progressed(self) -> None:
        """Note that something came: the next failure is a first one."""
        self._tried = 0
        self._answered = True

    def check(self) -> None:
        """Raise Paused if the person wants no more."""
        if self.stop.is_set():
            raise Paused

    def wait(self, failure: TemporaryFailure) -> None:
        """Wait before the next try. Raises PullFailed when there is none, Paused."""
        asked = failure.wait or 0.0
        hopeless = failure.unreachable and not self._answered
        if hopeless or self._tried >= len(self._delays) or asked > LONGEST_WAIT:
            raise PullFailed(failure.message) from failure
        delay = max(self._delays[self._tried], asked)
        self._tried += 1
        self._on_wait(failure.message, delay)
        if self.stop.wait(delay):
            raise Paused

    def call(self, work: Callable[[], T]) -> T:
        """`work`'s answer, tried again while it raises TemporaryFailure. Raises PullFailed, Paused."""
        while True:
            self.check()
            try:
                found = work()
            except TemporaryFailure as failure:
                self.wait(failure)
            else:
                self._answered = True
                return found
