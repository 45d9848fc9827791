"""What the handlers may use; one instance per application."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

from router.config.change import ConfigChange, ConfigDocument
from router.config.schema import ServerConfig
from router.engine.process import EngineProcess
from router.lease import Ticket
from router.remote.follow import Remotes
from router.resolve import Route
from router.server.decisions import DecisionLog
from router.server.faults import ClientFaults
from router.server.orders import Orders
from router.server.upstream import Upstreams
from router.state import DownloadOrder, DownloadStatus, StateStore
from router.upstreams.registry import UpstreamRegistry

if TYPE_CHECKING:
    from router.engine.find import EngineProblem
    from router.engine.install.progress import OnProgress
    from router.wire.offer import Offer


class Commands(Protocol):
    """A person's commands (router.supervisor.Supervisor)."""

    def ticket(self, slot: str, model: str | None) -> Ticket: ...
    def load(self, slot: str, model: str, force: bool = False) -> Awaitable[None]: ...
    def unload(self, slot: str) -> Awaitable[None]: ...
    def unload_all(self) -> Awaitable[None]: ...
    def restart(self, slot: str) -> Awaitable[None]: ...
    def cancel(self, slot: str) -> Awaitable[None]: ...
    def cut(self, slot: str) -> Awaitable[None]: ...
    def wait(self, slot: str) -> Awaitable[None]: ...
    def note_speed(self, slot: str, tokens_per_second: float) -> None: ...
    def note_served_by(self, slot: str, server: str) -> None: ...
    def logs(self, slot: str) -> list[str]: ...
    def engine_of(self, slot: str) -> EngineProcess | None: ...


class Settings(Protocol):
    """hal0.yaml, read and changed while hal0 runs (router.service.Service)."""

    def read_config(self) -> Awaitable[ConfigDocument]: ...
    def edit_config(self, changes: Sequence[ConfigChange]) -> Awaitable[None]: ...
    def reload(self) -> Awaitable[None]: ...


class Engines(Protocol):
    """llama-server on this computer (router.service.Service)."""

    def engine_problem(self) -> Awaitable[EngineProblem | None]: ...
    def install_engine(self, on_progress: OnProgress) -> Coroutine[None, None, str]: ...


class Fetching(Protocol):
    """Models on their way from Hugging Face (router.hub.downloads.Downloads)."""

    def offer(self, reference: str) -> Awaitable[Offer]: ...
    def order(self, order: DownloadOrder, reference: str) -> Awaitable[DownloadStatus | None]: ...


@dataclass(slots=True)
class Context:
    """`upstreams` are the connections to engines. `api_keys`, `allowed_hosts` and `allowed_origins` are
    replaced when hal0.yaml has others. `faults`: what clients do wrong.
    `elsewhere`: the servers that answer instead of an engine here.
    `waiting_for`: loads that wait in the place of callers who did not want to. `remotes`: the other hal0s.
    `log_file`: hal0's own log. `engines`: whether one runs here, and fetching one. `downloads`: fetching
    models."""

    store: StateStore
    commands: Commands
    upstreams: Upstreams
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    settings: Settings | None = None
    decisions: DecisionLog = field(default_factory=DecisionLog, repr=False)
    waiting_for: set[Route] = field(default_factory=set)
    elsewhere: UpstreamRegistry | None = None
    remotes: Remotes | None = None
    log_file: Path | None = None
    engines: Engines | None = None
    downloads: Fetching | None = None
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    faults: ClientFaults = field(default_factory=ClientFaults, repr=False)

    def admit(self, server: ServerConfig) -> None:
        """From now on those that `server` names may call."""
        self.api_keys = server.api_keys
        self.allowed_hosts, self.allowed_origins = server.allowed_hosts, server.allowed_origins

    @property
    def orders(self) -> Orders:
        """A person's commands, for slots here and elsewhere."""
        return Orders(self.commands, self.remotes)


TARGET = web.RequestKey("the host in the request line", str)
"""What a client that takes hal0 for a proxy writes there, beside its Host."""
REQUEST_ID = web.RequestKey("request id", str)
CONTEXT = web.AppKey("context", Context)
