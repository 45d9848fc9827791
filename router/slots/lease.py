"""A request's hold on a ready engine, and the ticket that becomes one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from router.catalog.model import Model
from router.engine.process import EngineProcess


@dataclass(slots=True)
class Lease:
    """Granted until `release`. The engine is neither stopped nor switched meanwhile, short of `aborted`.

    Attributes:
        model: what answers; its `rules` are applied to the request.
        engine_model: what the engine names itself (`engine_name`); differs from `model.id` when two models
            share a process.
        process: the engine; its port and key, and what it says if it dies.
        answered: the client has had the engine's whole answer.
        aborted: the drain timeout ran out, the request must end now; `on_abort` is called when that happens.
    """

    slot: str
    model: Model
    engine_model: str
    process: EngineProcess = field(repr=False)
    generation: int = 0
    answered: bool = False
    aborted: bool = False
    on_abort: Callable[[], object] | None = field(default=None, repr=False)

    def abort(self) -> None:
        self.aborted = True
        if self.on_abort is not None:
            self.on_abort()


class Ticket:
    """A request's place in a slot's queue.

    Use as `async with supervisor.ticket(slot, model) as ticket: lease = await ticket.lease()`.
    Leaving the block gives back the place or the lease, whatever happened.
    """

    def __init__(self, number: int, on_release: Callable[[int], None]) -> None:
        self.number = number
        self.outcome: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()
        self._on_release = on_release

    async def lease(self) -> Lease:
        """Wait for the turn. Raises RouterError when it will not come."""
        return await asyncio.shield(self.outcome)

    async def __aenter__(self) -> Ticket:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.outcome.done() and not self.outcome.cancelled():
            self.outcome.exception()  # retrieved, even if nobody waited for it
        self._on_release(self.number)
