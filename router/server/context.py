"""What the handlers may use; one instance per application."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp
from aiohttp import web

from router.lease import Ticket
from router.state import StateStore


class Commands(Protocol):
    """A person's commands (router.supervisor.Supervisor)."""

    def ticket(self, slot: str, model: str | None) -> Ticket: ...
    def load(self, slot: str, model: str) -> Awaitable[None]: ...
    def unload(self, slot: str) -> Awaitable[None]: ...
    def unload_all(self) -> Awaitable[None]: ...
    def restart(self, slot: str) -> Awaitable[None]: ...
    def cancel(self, slot: str) -> Awaitable[None]: ...
    def logs(self, slot: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Context:
    """`engines` is the HTTP session to the engines: no timeout, no decoding, no reuse after a stream."""

    store: StateStore
    commands: Commands
    engines: aiohttp.ClientSession
    api_keys: tuple[str, ...] = field(default=(), repr=False)


CONTEXT = web.AppKey("context", Context)
