"""A request whose route is known, on its way to whoever answers it."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from router.activity.recording import Recording
from router.resolve import Route
from router.server.request.client import Client
from router.server.request.context import Context
from router.server.request.exchange import Exchange


@dataclass(slots=True)
class Routed:
    context: Context
    request: web.Request
    exchange: Exchange
    client: Client
    route: Route
    recording: Recording
