"""What the handlers may use; one instance per application."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from router.engine.process import EngineProcess
from router.lease import Ticket
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


@dataclass(frozen=True, slots=True)
class Context:
    """`upstreams` are the connections to engines."""

    store: StateStore
    commands: Commands
    upstreams: Upstreams
    api_keys: tuple[str, ...] = field(default=(), repr=False)


REQUEST_ID = web.RequestKey("request id", str)
CONTEXT = web.AppKey("context", Context)
