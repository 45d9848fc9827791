"""Hands a request to the leased engine and its answer back, byte by byte as they come."""

from __future__ import annotations

import asyncio
import logging

import aiohttp
from aiohttp import web

from router.errors import EngineFailed, RouterError, SlotAborted
from router.lease import Lease
from router.wire.errors import sse_error

log = logging.getLogger(__name__)

# Passed back from the engine. All else (Server, CORS, hop-by-hop) is the engine's own business.
_RESPONSE_HEADERS = ("Content-Type", "Content-Encoding", "Content-Disposition", "Cache-Control")


async def forward(
    request: web.Request, session: aiohttp.ClientSession, lease: Lease, path: str, body: bytes
) -> web.StreamResponse:
    """POST `body` to the engine's `path` and stream the answer to the client.

    Before the engine's headers a failure raises RouterError. After them it can only be told inside the
    stream (server-sent events), or by breaking the connection: never by a clean end.
    """
    response: web.StreamResponse | None = None
    task = asyncio.current_task()
    assert task is not None, "a handler runs in a task"
    lease.on_abort = task.cancel
    try:
        async with session.post(lease.base_url + path, data=body, headers=_headers(lease)) as upstream:
            response = _response(upstream)
            await response.prepare(request)
            async for chunk in upstream.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response
    except asyncio.CancelledError:
        if not lease.aborted:
            raise  # the client left, or hal0 is quitting
        task.uncancel()
        failure: RouterError = _aborted(lease)
    except (aiohttp.ClientError, OSError) as error:
        if request.transport is None or request.transport.is_closing():
            raise  # it is the client that left
        failure = _lost(lease, error)
    finally:
        lease.on_abort = None
    if response is None or not response.prepared:
        raise failure
    await _fail_late(request, response, failure)
    return response


def _headers(lease: Lease) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if lease.api_key:
        headers["Authorization"] = f"Bearer {lease.api_key}"
    return headers


def _response(upstream: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=upstream.status, reason=upstream.reason)
    for name in _RESPONSE_HEADERS:
        if (value := upstream.headers.get(name)) is not None:
            response.headers[name] = value
    if upstream.content_length is not None:
        response.content_length = upstream.content_length
    return response


async def _fail_late(request: web.Request, response: web.StreamResponse, failure: RouterError) -> None:
    """The answer has begun: tell the failure in the stream, or break the connection."""
    log.warning("answer broken off: %s", failure.message)
    if response.content_type == "text/event-stream":
        await response.write(sse_error(failure))
        await response.write_eof()
    elif request.transport is not None:
        request.transport.abort()


def _lost(lease: Lease, error: Exception) -> RouterError:
    return EngineFailed(
        f'The engine of slot "{lease.slot}" ({lease.model.id}) stopped answering '
        f"({type(error).__name__}); see `hal0 logs {lease.slot}`, then send the request again."
    )


def _aborted(lease: Lease) -> RouterError:
    return SlotAborted(
        f'Slot "{lease.slot}" was switched or unloaded while this request ran longer than its drain_timeout; '
        "send it again."
    )
