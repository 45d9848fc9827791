"""One request to one server elsewhere, and its answer, handed on unbuffered as it comes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol

import aiohttp

from router.config.schema import UpstreamConfig, UpstreamKind
from router.errors import UpstreamFailed, number_mends
from router.upstreams.call import MAX_HOPS, Call, headers_for, url_for
from router.upstreams.keys import redact
from router.upstreams.reasons import failure_reason, is_link_failure, moves_on, status_reason
from router.upstreams.signs import answer_in, failure_in
from router.wire.http1 import Head

_MAX_ERROR: Final = 256 * 1024
_ERROR_SECONDS: Final = 10.0


class Sink(Protocol):
    """Where an answer's body goes (router.server.relay)."""

    def take(self, piece: bytes) -> bool:
        """False: no more before `ready` has returned."""
        ...

    async def ready(self) -> None: ...


class AskFailed(UpstreamFailed):
    """This upstream does not answer this request; the next one may.

    Attributes:
        reason: without its name, and never with its key.
        answered: its HTTP status, None if it answered nothing.
        link: the server as a whole is out of reach.
    """

    def __init__(
        self,
        upstream: str,
        reason: str,
        *,
        answered: int | None = None,
        link: bool = False,
        retry: float | None = None,
        mends: bool | None = None,
    ) -> None:
        super().__init__(
            f'Upstream "{upstream}" did not answer: {reason}.',
            details={"upstream": upstream, "reason": reason, "status": answered},
            retry_after=retry,
            mends=(answered is None or number_mends(answered)) if mends is None else mends,
        )
        self.reason = reason
        self.answered = answered
        self.link = link


class UpstreamAnswer:
    """An answer that has begun: its first bytes are here. Use as `async with`; leaving early drops the
    connection.

    Attributes:
        served_by: `upstream/model`, for X-Hal0-Served-By; what another hal0 says of that behind its name.
    """

    def __init__(
        self, upstream: UpstreamConfig, model: str, response: aiohttp.ClientResponse, first: bytes
    ) -> None:
        self.served_by = f"{upstream.name}/{_told_by(upstream, response) or model}"
        self.head = _head(response)
        self.on_close: Callable[[], None] | None = None
        self._upstream = upstream
        self._response = response
        self._first = first
        self._whole = response.status >= 300  # an error's body was read by now

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, each time all that has come of it. Raises AskFailed if it breaks off. That is the end then:
        another upstream would say something else."""
        piece, self._first = self._first, b""
        while piece:
            yield piece
            piece = b"" if self._whole else await self._next()

    async def pump(self, sink: Sink) -> None:
        """Hand all of the body to `sink`. Raises AskFailed if it breaks off, and what `sink` raises."""
        async for piece in self.chunks():
            if not sink.take(piece):
                await sink.ready()

    async def read(self, limit: int | None = None) -> bytes:
        """All of it; a little more than `limit` of a longer one."""
        body = bytearray()
        async for piece in self.chunks():
            body += piece
            if limit is not None and len(body) > limit:
                break
        return bytes(body)

    async def _next(self) -> bytes:
        try:
            return await _piece(self._response, self._upstream.timeout)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AskFailed(
                self._upstream.name, f"{failure_reason(error)} in the middle of its answer"
            ) from None

    async def __aenter__(self) -> UpstreamAnswer:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._response.close()  # one that was read to its end has given its connection back already
        if (on_close := self.on_close) is not None:
            self.on_close = None
            on_close()


async def ask(
    session: aiohttp.ClientSession, upstream: UpstreamConfig, key: str | None, model: str, call: Call
) -> UpstreamAnswer:
    """Send `call` for `model` and wait for the first bytes of the answer; signs of life are none.

    An answer that finds fault with the request (400, 422, ...) is returned as any other. Raises AskFailed where
    the next upstream may do better; also BadRequest, if no body can be made of the client's.
    """
    url = url_for(upstream, call.path)
    if url is None:
        raise AskFailed(upstream.name, f"{call.path} is no part of OpenAI's API")
    if call.hops >= MAX_HOPS:
        raise AskFailed(
            upstream.name, "the request has come through too many hal0s already; do they ask in a circle?"
        )
    body = call.body(model)
    try:
        response = await send(session, upstream, url, key, call, body)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise AskFailed(upstream.name, failure_reason(error), link=is_link_failure(error)) from None
    try:
        return await _begun(upstream, key, model, response)
    except BaseException:
        response.close()
        raise


async def send(
    session: aiohttp.ClientSession,
    upstream: UpstreamConfig,
    url: str,
    key: str | None,
    call: Call,
    body: bytes,
) -> aiohttp.ClientResponse:
    """The answer's head. `connect` bounds the name's lookup, the connection and TLS; everything is bounded
    besides, for a server may never read what it is sent."""
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
    """For the session: tells `Sent`."""

    async def reused(_session: aiohttp.ClientSession, context: Any, _params: object) -> None:
        context.trace_request_ctx.connected(kept=True)

    async def made(_session: aiohttp.ClientSession, context: Any, _params: object) -> None:
        context.trace_request_ctx.connected(kept=False)

    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(reused)
    config.on_connection_create_end.append(made)
    return config


async def _begun(
    upstream: UpstreamConfig, key: str | None, model: str, response: aiohttp.ClientResponse
) -> UpstreamAnswer:
    if response.status >= 300:
        return await _error_answer(upstream, key, model, response)
    kind = response.headers.get("Content-Type", "")
    first = answer = b""
    try:
        while not answer and (piece := await _piece(response, upstream.timeout)):
            first += piece
            answer = answer_in(kind, first)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise AskFailed(upstream.name, failure_reason(error)) from None
    if (reason := failure_in(answer)) is not None:
        raise AskFailed(upstream.name, redact(reason, key))
    return UpstreamAnswer(upstream, model, response, first)


async def _error_answer(
    upstream: UpstreamConfig, key: str | None, model: str, response: aiohttp.ClientResponse
) -> UpstreamAnswer:
    """Errors are small and may quote the key."""
    body = b""
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):  # the status says enough
        async with asyncio.timeout(_ERROR_SECONDS):
            while len(body) < _MAX_ERROR and (more := await response.content.readany()):
                body += more
    response.close()
    text = redact(body.decode(errors="replace"), key)
    if moves_on(response.status):
        reason = redact(status_reason(response.status, response.reason or "", text.encode()), key)
        final = response.headers.get("X-Should-Retry", "").lower() == "false"
        retry, mends = _retry_after(response), False if final else None
        raise AskFailed(upstream.name, reason, answered=response.status, retry=retry, mends=mends)
    return UpstreamAnswer(upstream, model, response, text.encode())


async def _piece(response: aiohttp.ClientResponse, seconds: float) -> bytes:
    """What has come, b"" at the end."""
    async with asyncio.timeout(seconds):
        return await response.content.readany()


def _head(response: aiohttp.ClientResponse) -> Head:
    headers = {name.lower(): value for name, value in response.headers.items()}
    if headers.pop("content-encoding", None) or response.status >= 300:
        headers.pop("content-length", None)  # of what came, which is not what is handed on
    length = headers.get("content-length", "")
    is_stream = headers.get("content-type", "").startswith("text/event-stream")
    return Head(
        response.status,
        response.reason or "",
        headers,
        length=int(length) if length.isdecimal() else None,
        is_stream=is_stream,
    )


def _told_by(upstream: UpstreamConfig, response: aiohttp.ClientResponse) -> str | None:
    return response.headers.get("X-Hal0-Served-By") if upstream.kind is UpstreamKind.HAL0 else None


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    text = response.headers.get("Retry-After", "")
    return min(float(text), 3600.0) if text.isdecimal() else None
