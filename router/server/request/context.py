"""What the handlers may use; one instance per application."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from router.config.schema import ServerConfig
from router.engine.process import EngineProcess
from router.memory.measure.history import MemoryHistory
from router.orders.order import TakesOrders
from router.resolve import Route
from router.server.request.decisions import DecisionLog
from router.server.request.engines import EngineConnections
from router.server.request.faults import ClientFaults
from router.server.request.guesses import Guesses
from router.slots.lease import Ticket
from router.state import StateStore
from router.upstreams.registry import UpstreamRegistry


class Seats(Protocol):
    """The slots of this computer, as requests meet them (router.slots.supervisor.Supervisor)."""

    def ticket(self, slot: str, model: str | None) -> Ticket: ...
    def note_speed(self, slot: str, tokens_per_second: float) -> None: ...
    def note_served_by(self, slot: str, server: str) -> None: ...
    def engine_of(self, slot: str) -> EngineProcess | None: ...


@dataclass(slots=True)
class Context:
    """`engines` are the connections to engines. `api_keys`, `allowed_hosts` and `allowed_origins` are
    replaced when hal0.yaml has others. `faults`: what clients do wrong, `guesses`: which wrong keys
    they tried.
    `upstreams`: the servers that answer instead of an engine here.
    `waiting_for`: loads that wait in the place of callers who did not want to."""

    store: StateStore
    seats: Seats
    orders: TakesOrders
    engines: EngineConnections
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    decisions: DecisionLog = field(default_factory=DecisionLog, repr=False)
    waiting_for: set[Route] = field(default_factory=set)
    upstreams: UpstreamRegistry | None = None
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    faults: ClientFaults = field(default_factory=ClientFaults, repr=False)
    guesses: Guesses = field(default_factory=Guesses, repr=False)
    memory_history: MemoryHistory = field(default_factory=MemoryHistory, repr=False)

    def admit(self, server: ServerConfig) -> None:
        """From now on those that `server` names may call."""
        self.api_keys = server.api_keys
        self.allowed_hosts, self.allowed_origins = server.allowed_hosts, server.allowed_origins


TARGET = web.RequestKey("the host in the request line", str)
"""What a client that takes hal0 for a proxy writes there, beside its Host."""
REQUEST_ID = web.RequestKey("request id", str)
CONTEXT = web.AppKey("context", Context)
