"""A request whose route is known, on its way to whoever answers it."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from router.activity.recording import Recording
from router.resolve import Route
from router.server.request.client import Client
from router.server.request.context import Context
from router.server.request.parsed_request import ParsedRequest


@dataclass(slots=True)
class RoutedRequest:
    context: Context
    request: web.Request
    parsed: ParsedRequest
    client: Client
    route: Route
    recording: Recording
