"""A request whose route is known, on its way to whoever answers it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from aiohttp import web

from router.resolve import ResolutionPath, Route
from router.server.request.client import Client
from router.server.request.context import REQUEST_ID, Context
from router.server.request.decisions import Decision
from router.server.request.parsed_request import ParsedRequest


@dataclass(slots=True)
class RoutedRequest:
    """`began`: when the request was read, `decided`: when its route was known, both of `time.perf_counter`."""

    context: Context
    request: web.Request
    parsed: ParsedRequest
    client: Client
    route: Route
    began: float
    decided: float

    def log(self, served: str, path: ResolutionPath) -> None:
        """Log that somebody answers now: `served`, a model's id or `upstream/model`."""
        self.context.decisions.add(
            Decision(
                time.time(),
                self.request.get(REQUEST_ID, "-"),
                self.parsed.asked,
                path,
                self.route.slot,
                served,
                (time.perf_counter() - self.decided) * 1000,
                (self.decided - self.began) * 1000,
            )
        )
