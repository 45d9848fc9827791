"""A request on its way to a server elsewhere, up to the answer's head."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp

from router.config.schema import UpstreamConfig
from router.upstreams.call import Call, headers_for


async def send(
    session: aiohttp.ClientSession,
    upstream: UpstreamConfig,
    url: str,
    key: str | None,
    call: Call,
    body: bytes,
) -> aiohttp.ClientResponse:
    """Send and wait for the answer's head. `connect` bounds the name's lookup, the connection and TLS;
    everything is bounded besides, for a server may never read what it is sent."""
    timeout = aiohttp.ClientTimeout(total=None, connect=upstream.connect_timeout)
    async with asyncio.timeout(upstream.connect_timeout + upstream.timeout) as patience:
        while True:
            sent = Sent(patience, upstream.timeout)
            try:
                return await session.request(
                    call.method,
                    url,
                    data=body or None,
                    headers=headers_for(call, key),
                    timeout=timeout,
                    allow_redirects=False,
                    trace_request_ctx=sent,
                )
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if not sent.on_kept_connection:
                    raise
                # The server closed it meanwhile: nothing was answered on it, so it goes over a new one.


@dataclass(slots=True)
class Sent:
    """One request on its way. `seconds` for the answer count from when it has a connection."""

    patience: asyncio.Timeout
    seconds: float
    on_kept_connection: bool = False

    def connected(self, *, kept: bool) -> None:
        self.on_kept_connection = kept
        if not self.patience.expired():
            self.patience.reschedule(asyncio.get_running_loop().time() + self.seconds)


def traces() -> aiohttp.TraceConfig:
    """Return the session's tracing, which reports to `Sent`."""

    async def reused(_session: aiohttp.ClientSession, context: Any, _params: object) -> None:
        context.trace_request_ctx.connected(kept=True)

    async def made(_session: aiohttp.ClientSession, context: Any, _params: object) -> None:
        context.trace_request_ctx.connected(kept=False)

    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(reused)
    config.on_connection_create_end.append(made)
    return config
