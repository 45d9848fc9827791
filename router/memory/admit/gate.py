"""What the supervisor asks before it loads a model, and what it must report for that. Answers: `judge`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from router.catalog.model import Model
from router.catalog.placement import Placement


@dataclass(frozen=True, slots=True)
class Occupant:
    """An engine that holds memory, or a load that was promised some.

    `model` is as it was placed on GPUs. `pid` is None until it is spawned. `evictable`: idle, not pinned,
    nobody waits and no switch is under way; or `leaving`: another engine took over from it, and it only ends
    what it has begun. `apart`: the load that asks may not be beside it, so that it leaves whatever the memory
    says. `spared`: it could leave, but not for this load. `idle_since` is seconds of any clock. `context` is
    what it was launched with if the model leaves that open; `prompt_cache` the bytes of RAM it may come to fill
    besides (router.memory.admit.prompt_cache).
    """

    slot: str
    model: Model
    pid: int | None = None
    evictable: bool = False
    leaving: bool = False
    apart: bool = False
    spared: bool = False
    priority: int = 0
    idle_since: float = 0.0
    context: int | None = None
    prompt_cache: int = 0


Occupants = Callable[[], Sequence[Occupant]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`beside`: the new engine may start while the old one runs. `evict`: slots to be emptied first. `context`:
    tokens to launch with, None: as the model's flags say. `placement`: on which GPUs, None: where its flags or
    the engine say."""

    beside: bool = False
    evict: tuple[str, ...] = ()
    context: int | None = None
    placement: Placement | None = None


class Gate(Protocol):
    """What the supervisor asks before it loads."""

    async def judge(self, slot: str, model: Model, occupants: Occupants, *, force: bool = False) -> Verdict:
        """Return whether `model` may be loaded into `slot` now. Raises MemoryInsufficient with the arithmetic.

        `occupants` are those of all slots; those of `slot` itself are what the model replaces. The caller notes
        the promise before it awaits anything else: the next judge counts on it.
        """
        ...

    async def wait_for_room(
        self, slot: str, model: Model, context: int | None, occupants: Occupants, *, force: bool = False
    ) -> None:
        """Wait after a stop until the memory is seen to be back. Raises MemoryInsufficient naming who holds it.
        An occupant of `slot` without a process is this very load."""
        ...

    async def prompt_cache(self, slot: str, model: Model, occupants: Occupants) -> int | None:
        """Return the bytes of RAM for prompts that the engine about to start in `slot` may keep; None: no
        limit."""
        ...


class OpenGate:
    """Lets everything pass, one engine after the other."""

    async def judge(self, slot: str, model: Model, occupants: Occupants, *, force: bool = False) -> Verdict:
        return Verdict()

    async def wait_for_room(
        self, slot: str, model: Model, context: int | None, occupants: Occupants, *, force: bool = False
    ) -> None:
        return

    async def prompt_cache(self, slot: str, model: Model, occupants: Occupants) -> int | None:
        return None
