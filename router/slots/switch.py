"""The switch that is under way in a slot: what it is to end with, and what is known of that."""

from __future__ import annotations

from dataclasses import dataclass

from router.slots.effects import CheckModel


@dataclass(slots=True)
class Switch:
    """Changed by its own methods only. Promises made to a switch are tied to its identity.

    Attributes:
        target: the model it is to end with; None: the slot is being unloaded.
        previous: what to go back to.
        restoring: it is going back, as it failed or was cancelled.
        fraction: how much is loaded, 0..1 where it is known.
        check: the number of the check that was asked for; None: none so far.
        checked: `target` passed it. A later target is checked, too.
        apart: slots that `together:` does not let be loaded beside the target: they are emptied, or waited for.
        took_down: `previous` was stopped, or died, so that it must be started to go back to it.
    """

    target: str | None
    previous: str | None
    for_request: bool = False
    force: bool = False
    restoring: bool = False
    fraction: float | None = None
    check: int | None = None
    checked: bool = False
    took_down: bool = False
    apart: tuple[str, ...] = ()

    @property
    def may_restore(self) -> bool:
        """Whether there is another model to go back to."""
        return self.previous not in (None, self.target)

    def ask(self, check: int) -> CheckModel:
        assert self.target is not None, "only a model is checked"
        self.check, self.apart = check, ()
        return CheckModel(check, self.target, self.force, self.for_request)

    def wait_for(self, apart: tuple[str, ...]) -> None:
        self.apart = apart

    def passed(self) -> None:
        self.checked, self.apart = True, ()

    def insist(self) -> None:
        """Load it even if memory is short, as a person wants: a check asked for without that no longer
        counts."""
        self.force, self.check = True, None

    def progress(self, fraction: float | None) -> None:
        self.fraction = fraction

    def take_down(self) -> None:
        self.took_down = True

    def turn(self, target: str | None, *, force: bool) -> None:
        """End elsewhere; to go back is still to `previous`."""
        self.target, self.force, self.check = target, force, None
        self.restoring = self.for_request = self.checked = False

    def restore(self) -> None:
        """End with the model before."""
        self.target, self.restoring, self.for_request = self.previous, True, False

    def cancel(self) -> None:
        """Do the same, or, if that is cancelled, too, end with no model."""
        if self.restoring:
            self.target = None
        else:
            self.restore()
