"""Which models failed, what is published of it, and when a request may try them again. Pure.

The n-th failure in a row of a model, to load or by dying, keeps requests away from it for 0, 2, 4, ... 60 s.
After MAX_FAILURES it is parked, with the reason, until a person loads it or FORGET_AFTER has passed. A success
closes its case:

- after a failure to load: that it became ready;
- after its engine had died: that it has given a whole answer, or was ready for STABLE_AFTER. Becoming ready
  again proves nothing: an engine that dies of every request becomes ready each time.

Besides, each slot has a breaker. After OPEN_AFTER switches in a row whose engine did not start, whatever the
models, requests cannot switch to those that failed for 4, 8, ... 60 s; then one may be tried (half-open). A
model that never failed is not to blame for the others, and is tried at once, unless the last failure was of
something all of them need: no llama-server that runs. A switch that succeeds, or a person's command, closes it.
What runs stays in use throughout: only switching is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from router.base.errors import EngineFailed, EngineMissing, RouterError

MAX_FAILURES = 5
"""After this many failures in a row a model is parked."""

OPEN_AFTER = 3
"""After this many failed switches in a row the slot's breaker opens."""

FORGET_AFTER = 600.0
"""Seconds after its last failure from which a model counts as never failed."""

STABLE_AFTER = 30.0
"""Seconds an engine must have been ready for its next crash to count as the first again."""


def backoff(failures: int) -> float:
    """Return seconds to leave a model alone after its n-th failure in a row."""
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
    """The failures of one slot's models.

    Attributes:
        last_error: (model, error) of the last one, until the next success. To be restored or restarted is none
            that a person asked for: why it had to be stays visible, after a restart until the first answer.
        past: the model of `last_error` was restarted since.
    """

    def __init__(self) -> None:
        self.last_error: tuple[str, RouterError] | None = None
        self.past = False
        self._of: dict[str, Failure] = {}
        self._switches: Failure | None = None

    def failed(
        self, model: str, error: RouterError, now: float, *, counts: bool = True, restoring: bool = False
    ) -> None:
        """Note that it could not be loaded. `counts`: against it; `restoring`: it was to be gone back to, and
        the first error is the one that explains."""
        if not (restoring and self.last_error):
            self.show(model, error)
        if not counts:
            return
        self._add(model, error, now, crashed=False)
        damaged = isinstance(error, EngineFailed) and not error.mends
        if isinstance(error, EngineFailed | EngineMissing) and not damaged:  # a bad file says nothing of others
            self._switches = _one_more(self._switches, error, now, crashed=False)

    def crashed(self, model: str, error: RouterError, now: float, ready_for: float) -> None:
        """Note that its engine died after having been ready for so many seconds."""
        self.show(model, error)
        if ready_for >= STABLE_AFTER:
            self._forgive(model)
        self._add(model, error, now, crashed=True)

    def answered(self, model: str) -> None:
        """Note that it gave a whole answer."""
        self._forgive(model)
        if self.past:
            self.clear()

    def loaded(self, model: str, *, restored: bool = False, restarted: bool = False) -> None:
        """Note that it became ready; `restored`: because another one failed; `restarted`: after a crash."""
        if restarted and self.last_error is not None and self.last_error[0] == model:
            self.past = True
        elif not restored:
            self.clear()
        if not restored:
            self._switches = None
        if (failure := self._of.get(model)) is not None and not failure.crashed:
            self._forgive(model)

    def forget(self, model: str) -> None:
        """Forget the failures: a person wants it tried whatever happened."""
        self._forgive(model)
        self._switches = None

    def resumed(self, now: float) -> None:
        """Let every model be tried at once, as after its first failure: the computer slept since, and drivers,
        drives and memory may be otherwise now. What is shown stays."""
        self._of = {model: replace(failure, count=1, at=now) for model, failure in self._of.items()}
        self._switches = None

    def show(self, model: str, error: RouterError) -> None:
        """Tell of an error that counts against no model."""
        self.last_error, self.past = (model, error), False

    def clear(self) -> None:
        """Clear the error: a person's order was carried out."""
        self.last_error, self.past = None, False

    def refusal(self, model: str, now: float) -> RouterError | None:
        """Return why a request may not try it now: its last error, with the seconds until it may."""
        failure = self._of.get(model)
        if failure is None or now >= failure.retry_at:
            return self._breaker(failure, now)
        error = failure.error
        wait = failure.retry_at - now
        return type(error)(error.message, details=error.details, retry_after=wait, mends=error.mends)

    def _breaker(self, own: Failure | None, now: float) -> RouterError | None:
        """Return why the breaker refuses a model; `own`: the model's last failure."""
        failed = self._switches
        if failed is None or failed.count < OPEN_AFTER or now >= failed.at + backoff(failed.count):
            return None
        error: RouterError
        if isinstance(failed.error, EngineMissing):
            error = failed.error
        elif own is not None and now - own.at < FORGET_AFTER:
            error = own.error
        else:
            return None
        seconds = failed.at + backoff(failed.count) - now
        return type(error)(
            f"The last {failed.count} switches of this slot failed, so for {seconds:.0f} s more no request "
            f"makes it try a model that failed; load it yourself to try it now. Its error: {error.message}",
            details=error.details,
            retry_after=seconds,
        )

    def restart_at(self, model: str) -> float | None:
        """Return when a crashed engine is to be started again by itself; None: not any more."""
        failure = self._of.get(model)
        return failure.retry_at if failure is not None and not failure.parked else None

    def _forgive(self, model: str) -> None:
        self._of.pop(model, None)

    def _add(self, model: str, error: RouterError, now: float, *, crashed: bool) -> None:
        self._of[model] = _one_more(self._of.get(model), error, now, crashed=crashed)


def _one_more(before: Failure | None, error: RouterError, now: float, *, crashed: bool) -> Failure:
    count = before.count + 1 if before and now - before.at < FORGET_AFTER else 1
    return Failure(count, now, error, crashed)
