"""What the handlers may use; one instance per application."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from router.activity.activity import Activity
from router.activity.recording import Recording
from router.config.schema import ApiKeyConfig, ServerConfig
from router.conversations.keeper import Conversations
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
from router.upstreams.homes import Homes
from router.upstreams.registry import UpstreamRegistry


class SlotAccess(Protocol):
    """The slots of this computer, as requests meet them (router.slots.supervisor.Supervisor)."""

    def ticket(self, slot: str, model: str | None) -> Ticket: ...
    def note_speed(self, slot: str, tokens_per_second: float, *, publish: bool = False) -> None: ...
    def note_served_by(self, slot: str, server: str) -> None: ...
    def engine_of(self, slot: str) -> EngineProcess | None: ...


@dataclass(slots=True)
class Context:
    """`engines` are the connections to engines; `upstreams` the servers that answer instead of an engine
    here. `api_keys`, `named_keys` (by the key), `allowed_hosts` and `allowed_origins` are replaced when
    hal0.yaml has others.
    `faults`: what clients do wrong, `guesses`: which wrong keys they tried. `conversations` keeps what
    engines have read; None: nobody does. `activity`: what has been asked; `recorded`: dialect and path of
    the routes that requests have come by. `stopping`: the endpoint ends, and whom it cuts off did not
    leave. `waiting_for`: loads that wait in the place of callers who did not want to. `homes`: where
    conversations were answered last."""

    store: StateStore
    seats: SlotAccess
    orders: TakesOrders
    engines: EngineConnections
    upstreams: UpstreamRegistry
    conversations: Conversations | None = None
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    named_keys: Mapping[str, ApiKeyConfig] = field(default_factory=dict, repr=False)
    decisions: DecisionLog = field(default_factory=DecisionLog, repr=False)
    waiting_for: set[Route] = field(default_factory=set)
    homes: Homes = field(default_factory=lambda: Homes(time.monotonic), repr=False)
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    faults: ClientFaults = field(default_factory=ClientFaults, repr=False)
    activity: Activity = field(default_factory=Activity, repr=False)
    recorded: dict[web.AbstractRoute, tuple[str, str] | None] = field(
        init=False, default_factory=dict, repr=False
    )
    stopping: bool = False
    guesses: Guesses = field(default_factory=Guesses, repr=False)
    memory_history: MemoryHistory = field(default_factory=MemoryHistory, repr=False)

    def admit(self, server: ServerConfig) -> None:
        """Admit those that `server` names from now on."""
        self.take_keys(server)
        self.allowed_hosts, self.allowed_origins = server.allowed_hosts, server.allowed_origins

    @property
    def admitted(self) -> tuple[tuple[str, ...], Mapping[str, ApiKeyConfig]]:
        """Who may call: another value as soon as that changes."""
        return self.api_keys, self.named_keys

    def take_keys(self, server: ServerConfig) -> None:
        self.api_keys = server.api_keys
        self.named_keys = {named.key: named for named in server.named_keys}


TARGET = web.RequestKey("the host in the request line", str)
"""What a client that takes hal0 for a proxy writes there, beside its Host; "" from others."""
DEPLOYMENT = web.RequestKey("the model in the path", str)
"""What Azure's clients ask there, whatever they write into the body; "" from others."""
REQUEST_ID = web.RequestKey("request id", str)
RECORDING = web.RequestKey("recording", Recording)
"""Of requests that a model is to answer; others have none."""
NAMED_KEY = web.RequestKey("named key", ApiKeyConfig)
"""The key that the request came with, if that has a name."""
OBSERVES = web.RequestKey("observes", bool)
"""Of a request for `/`: whether GET /api/state would answer it."""
BEGUN = web.RequestKey("begun", web.StreamResponse)
"""The answer to a request, from the moment its head is made."""
CONTEXT = web.AppKey("context", Context)
