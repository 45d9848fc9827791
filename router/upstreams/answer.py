"""One request to one server elsewhere, and its answer, handed on unbuffered as it comes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Protocol

import aiohttp

from router.base.error_text import error_text
from router.base.errors import UpstreamFailed, number_mends
from router.config.schema import UpstreamConfig, UpstreamKind
from router.config.sizes import memory_size
from router.upstreams import rankings
from router.upstreams.answer_shapes import (
    CHAT,
    RANKINGS,
    VECTORS,
    Fault,
    Sort,
    has_no_json,
    not_json,
    read_document,
    sort_of,
    takes_documents,
)
from router.upstreams.call import MAX_HOPS, Call, url_for
from router.upstreams.chunks import whole
from router.upstreams.failure_reasons import (
    failure_reason,
    is_link_failure,
    is_of_answer,
    moves_on,
    status_reason,
)
from router.upstreams.keys import redact
from router.upstreams.sending import send
from router.upstreams.stream import StreamGuard
from router.upstreams.stream_conversion import as_document, as_stream, can_stream
from router.upstreams.vectors import count_fault, in_numbers, in_order
from router.wire.http1 import Head
from router.wire.lenient import json_or_none

_MAX_ERROR: Final = 256 * 1024
_MAX_DETAILS: Final = 8 * 1024
_REFUSAL: Final = 1000
_JSON: Final = "application/json"
_STREAM: Final = "text/event-stream"
_LONGEST: Final = 256 * 1024 * 1024  # of a document: as long as a request may be
_ERROR_SECONDS: Final = 10.0


class Sink(Protocol):
    """Where an answer's body goes (router.server.request.relay)."""

    def take(self, piece: bytes) -> bool:
        """Take a piece. False: no more before `ready` has returned."""
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
        self,
        upstream: UpstreamConfig,
        model: str,
        response: aiohttp.ClientResponse,
        first: bytes,
        guard: StreamGuard | None = None,
        *,
        head: Head | None = None,
    ) -> None:
        """`first`: what is handed on of what has come; all of the answer if there is a `head` for it. `guard`
        reads the rest of a stream."""
        self.served_by = f"{upstream.name}/{_served_by(upstream, response) or model}"
        self.head = head or _head(response, is_stream=guard is not None)
        self.on_close: Callable[[], None] | None = None
        self._upstream = upstream
        self._response = response
        self._first = first
        self._guard = guard
        self._whole = head is not None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body, each time all that has come of it. Raises AskFailed if it breaks off. That is the end
        then: another upstream would say something else."""
        piece, self._first = self._first, b""
        if piece:
            yield piece
        while not self._whole:
            piece = await self._next()
            if piece:
                yield piece

    async def pump(self, sink: Sink) -> None:
        """Hand all of the body to `sink`. Raises AskFailed if it breaks off, and what `sink` raises."""
        async for piece in self.chunks():
            if not sink.take(piece):
                await sink.ready()

    async def read(self, limit: int | None = None) -> bytes:
        """Read all of it; a little more than `limit` of a longer one."""
        body = bytearray()
        async for piece in self.chunks():
            body += piece
            if limit is not None and len(body) > limit:
                break
        return bytes(body)

    async def _next(self) -> bytes:
        """b"" too where only a part of an event has come; at the end it is whole."""
        try:
            if self._guard is not None and self._guard.fault:
                raise self._guard.fault
            seconds = self._upstream.timeout
            if self._guard is None:
                piece = await _piece(self._response, seconds)
            else:
                piece = await _more(self._response, seconds, self._guard)
            self._whole = not piece
            if self._guard is None:
                return piece
            return self._guard.feed(piece) if piece else self._guard.finish()
        except Fault as fault:
            raise AskFailed(
                self._upstream.name, f"it broke off in the middle of its answer: {fault.reason}"
            ) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = failure_reason(error)
        raise AskFailed(self._upstream.name, f"{reason} in the middle of its answer")

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
        link = is_link_failure(error) and not is_of_answer(error)
        raise AskFailed(upstream.name, failure_reason(error), link=link) from None
    try:
        return await _begun(upstream, key, model, response, call)
    except BaseException:
        response.close()
        raise


async def _begun(
    upstream: UpstreamConfig, key: str | None, model: str, response: aiohttp.ClientResponse, call: Call
) -> UpstreamAnswer:
    if response.status >= 300:
        return await _error_answer(upstream, key, model, response)
    try:
        return await _judged(upstream, key, model, response, call)
    except Fault as fault:
        if fault.status is None:
            raise AskFailed(upstream.name, redact(fault.reason, key)) from None
        response.close()
        body = {"error": {"message": redact(fault.reason, key), "type": "invalid_request_error"}}
        return _refusal(upstream, model, response, fault.status, body)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise AskFailed(upstream.name, failure_reason(error)) from None


async def _judged(
    upstream: UpstreamConfig, key: str | None, model: str, response: aiohttp.ClientResponse, call: Call
) -> UpstreamAnswer:
    """Return the answer once it is known to be one. Raises Fault, and what aiohttp does.

    A document is read to its end for that: until then another server may answer instead.
    """
    kind = response.headers.get("Content-Type", "")
    first, sort = b"", None
    while sort is None:
        piece = await _piece(response, upstream.timeout)
        first += piece
        sort = sort_of(kind, first, complete=not piece)
    if not first.strip():
        raise Fault("its answer is empty")
    if sort is Sort.STREAM:
        return await _stream(upstream, key, model, response, call, first)
    if sort is Sort.OTHER and not takes_documents(call.path):
        return UpstreamAnswer(upstream, model, response, first)
    if sort is not Sort.DOCUMENT:
        page = await _rest(response, upstream.timeout, first, _MAX_ERROR)
        text = redact(page.decode(errors="replace"), key)
        raise Fault(not_json(text))
    raw = await _rest(response, upstream.timeout, first, _LONGEST)
    if len(raw) > _LONGEST:
        raise Fault(f"its answer is longer than {memory_size(_LONGEST)}")
    text = redact(_text(raw, response), key)
    document = read_document(call.path, text, strict="json" in kind.lower())
    if call.streams and can_stream(call.path):
        guard = StreamGuard(call.path, new_id=_new_id)  # what translates it must be able to read it
        events = guard.feed(as_stream(call.path, _mended(document, call)))
        return _whole(upstream, model, response, events + guard.finish(), _STREAM)
    mended = _mended(document, call)
    if document is not None and (mended is not document or has_no_json(text)):
        text = json.dumps(mended)
    return _whole(upstream, model, response, text.encode(errors="replace"), kind if document is None else _JSON)


def _mended(document: Any, call: Call) -> Any:
    """Return the document as every client reads it; itself where it is so. Raises Fault."""
    if call.path == CHAT:
        return whole(document, _new_id)
    if call.path == VECTORS:
        if (fault := count_fault(document, call.inputs)) is not None:
            raise Fault(fault)
        return in_order(document if call.takes_base64 else in_numbers(document))
    if call.path in RANKINGS:
        if (fault := rankings.place_fault(document, call.inputs)) is not None:
            raise Fault(fault)
        return rankings.in_numbers(document)
    return document


def _new_id() -> str:
    """Return an id for a tool call: nine letters and digits, as Mistral's templates want them."""
    return secrets.token_hex(5)[:9]


def _text(raw: bytes, response: aiohttp.ClientResponse) -> str:
    """Return the document as UTF-8 has it, else as its Content-Type says."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        with contextlib.suppress(LookupError, UnicodeDecodeError):
            return raw.decode(response.charset or "utf-8")
        return raw.decode("utf-8-sig", errors="replace")


async def _stream(
    upstream: UpstreamConfig,
    key: str | None,
    model: str,
    response: aiohttp.ClientResponse,
    call: Call,
    first: bytes,
) -> UpstreamAnswer:
    """Return a stream that has begun; as one document where none was asked for."""
    collects = not call.streams and takes_documents(call.path)
    guard = StreamGuard(call.path, lambda text: redact(text, key), _new_id)
    out, piece = guard.feed(first), first
    while piece and not guard.fault and (collects or not guard.has_content):
        piece = await _more(response, upstream.timeout, guard)
        out += guard.feed(piece) if piece else guard.finish()
        if collects and len(out) > _LONGEST:
            raise Fault(f"its answer is longer than {memory_size(_LONGEST)}")
    if guard.fault:  # nobody was told what came before it
        raise guard.fault
    if collects:
        return _whole(upstream, model, response, as_document(call.path, out), _JSON)
    if not piece:
        return _whole(upstream, model, response, out, _STREAM)
    return UpstreamAnswer(upstream, model, response, out, guard)


async def _rest(response: aiohttp.ClientResponse, seconds: float, first: bytes, limit: int) -> bytes:
    """Return the rest of a body, of which a document that is whole may end before its announced length."""
    body = bytearray(first)
    try:
        while len(body) <= limit and (more := await _piece(response, seconds)):
            body += more
    except aiohttp.ClientPayloadError:
        if json_or_none(bytes(body)) is None:
            raise
    return bytes(body)


def _whole(
    upstream: UpstreamConfig,
    model: str,
    response: aiohttp.ClientResponse,
    body: bytes,
    content_type: str,
) -> UpstreamAnswer:
    head = _head(response, is_stream=content_type == _STREAM)
    headers = {**head.headers, "content-type": content_type, "content-length": str(len(body))}
    return UpstreamAnswer(
        upstream, model, response, body, head=replace(head, headers=headers, length=len(body))
    )


async def _error_answer(
    upstream: UpstreamConfig, key: str | None, model: str, response: aiohttp.ClientResponse
) -> UpstreamAnswer:
    """Return errors are small and may quote the key."""
    raw = b""
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):  # the status says enough
        async with asyncio.timeout(_ERROR_SECONDS):
            while len(raw) < _MAX_ERROR and (more := await response.content.readany()):
                raw += more
    response.close()
    text = redact(raw.decode(errors="replace"), key)
    if moves_on(response.status):
        reason = redact(status_reason(response.status, response.reason or "", text), key)
        final = response.headers.get("X-Should-Retry", "").lower() == "false"
        retry, mends = _retry_after(response), False if final else None
        raise AskFailed(upstream.name, reason, answered=response.status, retry=retry, mends=mends)
    said = error_text(text, _REFUSAL)
    if not said:
        phrase = f"{response.status} {response.reason or ''}".strip()
        said = f'Upstream "{upstream.name}" refused the request with {phrase} and says no more.'
    error = {**_envelope_of(text), "message": said}
    return _refusal(upstream, model, response, response.status, {"error": error})


def _envelope_of(text: str) -> Mapping[str, Any]:
    """Return what OpenAI's envelope says beside its message; a long one is for nobody."""
    document = json_or_none(text) if len(text) <= _MAX_DETAILS else None
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else {}


def _refusal(
    upstream: UpstreamConfig,
    model: str,
    response: aiohttp.ClientResponse,
    status: int,
    error: Mapping[str, Any],
) -> UpstreamAnswer:
    """Return the refusal of a request that is at fault: an answer as any other."""
    headers = {"content-type": _JSON}
    head = Head(status, "", headers)
    return UpstreamAnswer(upstream, model, response, json.dumps(error).encode(), head=head)


async def _piece(response: aiohttp.ClientResponse, seconds: float) -> bytes:
    """Return what has come, b"" at the end."""
    async with asyncio.timeout(seconds):
        return await response.content.readany()


async def _more(response: aiohttp.ClientResponse, seconds: float, guard: StreamGuard) -> bytes:
    """Return what has come; b"" at the end, also where the connection does not end as announced behind all of
    the answer."""
    try:
        return await _piece(response, seconds)
    except (aiohttp.ClientError, TimeoutError, OSError):
        if not guard.complete:
            raise
        return b""


def _head(response: aiohttp.ClientResponse, *, is_stream: bool) -> Head:
    headers = {name.lower(): value for name, value in response.headers.items()}
    if headers.pop("content-encoding", None) or is_stream:
        headers.pop("content-length", None)  # of what came, which is not what is handed on
    if is_stream:
        headers["content-type"] = _STREAM
    length = headers.get("content-length", "")
    return Head(
        response.status,
        response.reason or "",
        headers,
        length=int(length) if length.isdecimal() else None,
        is_stream=is_stream,
    )


def _served_by(upstream: UpstreamConfig, response: aiohttp.ClientResponse) -> str | None:
    return response.headers.get("X-Hal0-Served-By") if upstream.kind is UpstreamKind.HAL0 else None


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    text = response.headers.get("Retry-After", "")
    return min(float(text), 3600.0) if text.isdecimal() else None
