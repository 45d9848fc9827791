"""What `router.slots.scheduler` decides and `router.slots.supervisor` carries out."""

from __future__ import annotations

from dataclasses import dataclass, field

from router.base.errors import RouterError


@dataclass(frozen=True, slots=True)
class Grant:
    """The ticket now holds a lease on the engine of `generation` and is served as `model`."""

    ticket: int
    model: str
    generation: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """The ticket, a request's or a command's, ends with `error`."""

    ticket: int
    error: RouterError


@dataclass(frozen=True, slots=True)
class Done:
    """A command (load, unload, restart) has reached its end."""

    ticket: int


@dataclass(frozen=True, slots=True)
class CheckModel:
    """See whether `model` could be launched and has room, touching nothing in this slot; answer `checked` or
    `check_failed`. `force`: a person wants it even if memory is short. `for_request`: nobody ordered it."""

    check: int
    model: str
    force: bool = False
    for_request: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class StartEngine:
    """Start `model`; answer `engine_progress`..., then `engine_ready` or `engine_failed`."""

    generation: int
    model: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class StopEngine:
    """Stop and reap the engine of `generation`; answer `engine_stopped`."""

    generation: int


@dataclass(frozen=True, slots=True)
class AbortLeases:
    """Abort the requests served by `generation`: their drain timeout has passed."""

    generation: int


Effect = Grant | Refuse | Done | CheckModel | StartEngine | StopEngine | AbortLeases
