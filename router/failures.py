"""How often models failed, and when a request may try them again. Pure: the time is told.

The n-th failure in a row keeps requests away for 0, 2, 4, ... 60 s. After MAX_FAILURES the model is parked,
with the reason, until a person loads it or FORGET_AFTER has passed. One success closes the case, except after a
crash: an engine that had been ready proves nothing by becoming ready once more.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.errors import RouterError

MAX_FAILURES = 5
"""After this many failures in a row a model is parked."""

FORGET_AFTER = 600.0
"""Seconds after its last failure from which a model counts as never failed."""

STABLE_AFTER = 30.0
"""Seconds an engine must have been ready for its next crash to count as the first again."""


def backoff(failures: int) -> float:
    """Seconds to leave a model alone after its n-th failure in a row."""
    return 0.0 if failures <= 1 else min(60.0, 2.0 ** (failures - 1))


@dataclass(frozen=True, slots=True)
class Failure:
    """`count` in a row, the last one `at`; `crashed`: it had been ready."""

    count: int
    at: float
    error: RouterError
    crashed: bool

    @property
    def parked(self) -> bool:
        return self.count >= MAX_FAILURES

    @property
    def retry_at(self) -> float:
        """When a request may try it again."""
        return self.at + (FORGET_AFTER if self.parked else backoff(self.count))


class Failures:
    """The failures of one slot's models."""

    def __init__(self) -> None:
        self._of: dict[str, Failure] = {}

    def failed(self, model: str, error: RouterError, now: float) -> None:
        """It could not be loaded."""
        self._add(model, error, now, crashed=False)

    def crashed(self, model: str, error: RouterError, now: float, ready_for: float) -> None:
        """Its engine died after having been ready for so many seconds."""
        if ready_for >= STABLE_AFTER:
            self.forget(model)
        self._add(model, error, now, crashed=True)

    def loaded(self, model: str) -> None:
        """It became ready."""
        if (failure := self._of.get(model)) is not None and not failure.crashed:
            self.forget(model)

    def forget(self, model: str) -> None:
        """A person wants it tried whatever happened."""
        self._of.pop(model, None)

    def refusal(self, model: str, now: float) -> RouterError | None:
        """Why a request may not try it now: its last error, with the seconds until it may."""
        failure = self._of.get(model)
        if failure is None or now >= failure.retry_at:
            return None
        error = failure.error
        return type(error)(error.message, details=error.details, retry_after=failure.retry_at - now)

    def restart_at(self, model: str) -> float | None:
        """When a crashed engine is to be started again by itself; None: not any more."""
        failure = self._of.get(model)
        return failure.retry_at if failure is not None and not failure.parked else None

    def _add(self, model: str, error: RouterError, now: float, *, crashed: bool) -> None:
        before = self._of.get(model)
        count = before.count + 1 if before and now - before.at < FORGET_AFTER else 1
        self._of[model] = Failure(count, now, error, crashed)
