"""How often models failed, and when a request may try them again. Pure: the time is told.

The n-th failure in a row keeps requests away for 0, 2, 4, ... 60 s. After MAX_FAILURES the model is parked,
with the reason, until a person loads it or FORGET_AFTER has passed.

What closes a model's case: a complete answer; becoming ready, unless it had crashed before (an engine that
dies at every request becomes ready each time); a person's command. The slot's last error is cleared by the
same: it is about a model, and ends with that model's case. A failed switch that ended with the model before
it stays told until a switch succeeds or a person asks for something else (`router.scheduler`).

Besides, each slot has a breaker: after OPEN_AFTER switches in a row whose engine did not start, no request
tries one of the models that failed for 4, 8, ... 60 s; then one may (half-open). One success or a person's
command closes it. A model that never failed is tried at once: what others failed of says nothing of it. What
runs is used all the time.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.errors import EngineFailed, EngineMissing, RouterError

MAX_FAILURES = 5
"""After this many failures in a row a model is parked."""

OPEN_AFTER = 3
"""After this many failed switches in a row the slot's breaker opens."""

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
        self._switches: Failure | None = None

    def failed(self, model: str, error: RouterError, now: float) -> None:
        """It could not be loaded."""
        self._add(model, error, now, crashed=False)
        damaged = isinstance(error, EngineFailed) and not error.mends
        if isinstance(error, EngineFailed | EngineMissing) and not damaged:  # a bad file says nothing of others
            self._switches = _one_more(self._switches, error, now, crashed=False)

    def crashed(self, model: str, error: RouterError, now: float, ready_for: float) -> None:
        """Its engine died after having been ready for so many seconds."""
        if ready_for >= STABLE_AFTER:
            self.forget(model)
        self._add(model, error, now, crashed=True)

    def loaded(self, model: str, *, restored: bool = False) -> None:
        """It became ready; `restored`: because another one failed."""
        if not restored:
            self._switches = None
        if (failure := self._of.get(model)) is not None and not failure.crashed:
            self.forget(model)

    def answered(self, model: str) -> bool:
        """It has given a complete answer; was that news?"""
        if model not in self._of:
            return False
        self.forget(model)
        return True

    def forget(self, model: str) -> None:
        """A person wants it tried whatever happened."""
        self._of.pop(model, None)
        self._switches = None

    def refusal(self, model: str, now: float) -> RouterError | None:
        """Why a request may not try it now: its last error, with the seconds until it may."""
        failure = self._of.get(model)
        if failure is None:
            return None
        if now >= failure.retry_at:
            return self._breaker(now)
        error = failure.error
        wait = failure.retry_at - now
        return type(error)(error.message, details=error.details, retry_after=wait, mends=error.mends)

    def _breaker(self, now: float) -> RouterError | None:
        failed = self._switches
        if failed is None or failed.count < OPEN_AFTER or now >= failed.at + backoff(failed.count):
            return None
        seconds = failed.at + backoff(failed.count) - now
        return type(failed.error)(
            f"The last {failed.count} switches of this slot failed, so no model that failed is tried for "
            f"{seconds:.0f} s more; the last one: {failed.error.message}",
            details=failed.error.details,
            retry_after=seconds,
        )

    def restart_at(self, model: str) -> float | None:
        """When a crashed engine is to be started again by itself; None: not any more."""
        failure = self._of.get(model)
        return failure.retry_at if failure is not None and not failure.parked else None

    def _add(self, model: str, error: RouterError, now: float, *, crashed: bool) -> None:
        self._of[model] = _one_more(self._of.get(model), error, now, crashed=crashed)


def _one_more(before: Failure | None, error: RouterError, now: float, *, crashed: bool) -> Failure:
    count = before.count + 1 if before and now - before.at < FORGET_AFTER else 1
    return Failure(count, now, error, crashed)
