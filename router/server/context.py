"""What the handlers may use; one instance per application."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from router.config.change import ConfigChange, ConfigDocument
from router.engine.process import EngineProcess
from router.lease import Ticket
from router.resolve import Route
from router.server.decisions import DecisionLog
from router.server.upstream import Upstreams
from router.state import StateStore


class Commands(Protocol):
    """A person's commands (router.supervisor.Supervisor)."""

    def ticket(self, slot: str, model: str | None) -> Ticket: ...
    def load(self, slot: str, model: str) -> Awaitable[None]: ...
    def unload(self, slot: str) -> Awaitable[None]: ...
    def unload_all(self) -> Awaitable[None]: ...
    def restart(self, slot: str) -> Awaitable[None]: ...
    def cancel(self, slot: str) -> Awaitable[None]: ...
    def note_speed(self, slot: str, tokens_per_second: float) -> None: ...
    def logs(self, slot: str) -> list[str]: ...
    def engine_of(self, slot: str) -> EngineProcess | None: ...


class Settings(Protocol):
    """hal0.yaml, read and changed while hal0 runs (router.service.Service)."""

    def read_config(self) -> Awaitable[ConfigDocument]: ...
    def edit_config(self, changes: Sequence[ConfigChange]) -> Awaitable[None]: ...
    def reload(self) -> Awaitable[None]: ...


@dataclass(slots=True)
class Context:
    """`upstreams` are the connections to engines. `api_keys` are replaced when hal0.yaml has others.
    `waiting_for`: loads that wait in the place of callers who did not want to."""

    store: StateStore
    commands: Commands
    upstreams: Upstreams
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    settings: Settings | None = None
    decisions: DecisionLog = field(default_factory=DecisionLog, repr=False)
    waiting_for: set[Route] = field(default_factory=set)


REQUEST_ID = web.RequestKey("request id", str)
CONTEXT = web.AppKey("context", Context)
