"""Who waits for a slot, and the messages for those who may not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from router.base.errors import (
    ModelNotLoaded,
    QueueFull,
    RouterError,
    ShuttingDown,
    SlotEmpty,
    SwitchCancelled,
    WaitTimeout,
)
from router.config.schema import SlotConfig
from router.slots.effects import Effect, Refuse


@dataclass(frozen=True, slots=True)
class Waiter:
    """A request, or with `command` a person's order, that cannot be served yet.

    `model` None: a request for whatever the slot holds when its turn comes; for a command, "unload".
    `newer_than`: a command (restart) that only an engine of a later generation fulfils. `force`: a command that
    is to be carried out even if memory is short.
    """

    ticket: int
    model: str | None
    deadline: float = 0.0
    command: bool = False
    newer_than: int = -1
    force: bool = False

    @property
    def is_unload(self) -> bool:
        return self.command and self.model is None


class Queue:
    """The waiters of one slot. There is one command at most, and it comes before all requests."""

    def __init__(self) -> None:
        self._waiters: list[Waiter] = []

    def __iter__(self) -> Iterator[Waiter]:
        return iter(self._waiters)

    def __len__(self) -> int:
        return len(self._waiters)

    @property
    def requests(self) -> int:
        """How many of them are requests."""
        return len(self._waiters) - (self.command is not None)

    @property
    def command(self) -> Waiter | None:
        head = self._waiters[0] if self._waiters else None
        return head if head is not None and head.command else None

    def head(self) -> Waiter:
        return self._waiters[0]

    def add(self, request: Waiter) -> None:
        self._waiters.append(request)

    def put_first(self, command: Waiter) -> None:
        """Put it before all requests; the command before it has been taken."""
        self._waiters.insert(0, command)

    def pop(self) -> Waiter:
        """Take the first one."""
        return self._waiters.pop(0)

    def take(self, wanted: Callable[[Waiter], bool]) -> list[Waiter]:
        """Take all that are `wanted`, in their order."""
        taken = [w for w in self._waiters if wanted(w)]
        if taken:
            self._waiters = [w for w in self._waiters if w not in taken]
        return taken

    def extend(self, seconds: float) -> None:
        """Let all of them wait so much longer."""
        self._waiters = [replace(w, deadline=w.deadline + seconds) for w in self._waiters]

    def hold_until(self, wanted: Callable[[Waiter], bool], deadline: float) -> None:
        """Let requests that are `wanted` wait until `deadline`, at least."""
        self._waiters = [
            replace(w, deadline=max(w.deadline, deadline)) if not w.command and wanted(w) else w
            for w in self._waiters
        ]

    def refuse(self, wanted: Callable[[Waiter], bool], error: RouterError) -> list[Effect]:
        """Refuse all that are `wanted`, in their order."""
        return [Refuse(waiter.ticket, error) for waiter in self.take(wanted)]


# -- why someone may not wait, or not any more -----------------------------------------------------------


def no_model(slot: SlotConfig) -> RouterError:
    return SlotEmpty(
        f'Slot "{slot.name}" has no model yet; choose one in the tray, or get one there (`hal0 model search`).'
    )


def no_switch(slot: SlotConfig, model: str) -> RouterError:
    return ModelNotLoaded(
        f'Model "{model}" is not loaded, and slot "{slot.name}" does not switch on request; '
        "load it from the tray."
    )


def queue_full(slot: SlotConfig, waiting: int) -> RouterError:
    return QueueFull(
        f'Slot "{slot.name}" already has {waiting} requests waiting; try again in a few seconds.',
        retry_after=5.0,
    )


def waited_too_long(
    slot: SlotConfig, running: str | None, seconds: float, apart: Sequence[str] = ()
) -> RouterError:
    if apart:
        return WaitTimeout(
            f'Slot "{slot.name}" waited {seconds:.0f} s, the longest a request waits (limits.wait), for '
            f"{' and '.join(apart)}, in use and by together: in hal0.yaml not to be loaded at the same time; "
            "try again later.",
            retry_after=5.0,
        )
    return WaitTimeout(
        f'Slot "{slot.name}" was busy with {running or "another model"} for '
        f"{seconds:.0f} s, the longest a request waits (limits.wait); try again later.",
        retry_after=5.0,
    )


def cancelled(slot: SlotConfig) -> RouterError:
    return SwitchCancelled(f'The switch of slot "{slot.name}" was cancelled; try again when ready.')


def replaced(slot: SlotConfig) -> RouterError:
    return SwitchCancelled(f'A later order for slot "{slot.name}" replaced this one.')


def in_use(slot: SlotConfig) -> RouterError:
    return SwitchCancelled(f'Slot "{slot.name}" is in use, so its model stays; try again when it is idle.')


def shutting_down() -> RouterError:
    return ShuttingDown("hal0 is shutting down; start it again to continue.")
