"""Between the socket and the application: what cannot become a request is answered and logged here.

aiohttp answers such clients with text/plain and a traceback in the log. Here they get the envelope of the
dialect they were about to speak, and one line (`router.server.request.faults`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import http_exceptions, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpVersion10, RawRequestMessage
from aiohttp.streams import StreamReader

from router.base.errors import BadRequest, HeadersTooLarge, RouterError, UnknownExpectation, UrlTooLong
from router.config.sizes import memory_size
from router.server.middleware import error_response, refused
from router.server.request.body import CODINGS
from router.server.request.context import DEPLOYMENT, TARGET
from router.server.request.faults import ClientFaults, Fault, words_of

MAX_URL: Final = 64 * 1024
MAX_HEADER: Final = 64 * 1024
"""Bytes of one header. A page here sends the cookies of all programs on this computer: the usual 8 KiB are soon
reached."""
MAX_HEADERS: Final = 256

PlainPath = Callable[[str, str], tuple[str, str]]

_OPENING = 512  # bytes kept of each request: enough for the request line of every path there is
_REQUEST_LINE = re.compile(rb"[A-Z]+ ([!-~]+)")
_TLS = re.compile(rb"\x16\x03[\x00-\x04]")


class Runner(web.AppRunner):
    """Runs an application behind this edge. `plain_path(method, path)`: what a request's path stands for, and
    the model that it names, if it does."""

    def __init__(
        self, app: web.Application, faults: ClientFaults, plain_path: PlainPath, **options: Any
    ) -> None:
        super().__init__(app, **options)
        self._faults = faults
        self._plain_path = plain_path
        self._cancels = bool(options.get("handler_cancellation"))

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made, self._cancels, self._faults, self._plain_path)


class _Server(web.Server):
    """Makes the protocol of each connection, and the request of each head."""

    def __init__(
        self,
        made: web.Server,
        cancels: bool,
        faults: ClientFaults,
        plain_path: PlainPath,
    ) -> None:
        super().__init__(
            _answering(made.request_handler),
            request_factory=self._request,
            handler_cancellation=cancels,
            access_log=None,
            auto_decompress=False,  # router.server.request.body does that, or says why not
            max_line_size=MAX_URL,
            max_field_size=MAX_HEADER,
            max_headers=MAX_HEADERS,
        )
        self.faults = faults
        self._make = made.request_factory
        self._plain_path = plain_path

    def __call__(self) -> web.RequestHandler:
        return _Protocol(self, loop=self._loop, **self._kwargs)

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        path, model = self._plain_path(message.method, message.url.raw_path)
        if path != message.url.raw_path:
            url = message.url.with_path(path, encoded=True, keep_query=True)
            message = message._replace(path=url.raw_path_qs, url=url)
        if (
            message.version < HttpVersion10
        ):  # a line without a version: its answer is to have a head all the same
            message = message._replace(version=HttpVersion10)
        request = self._make(message, payload, protocol, writer, task)
        # Always: to be asked for what it has not costs a request as much as all else that is asked of it here.
        request[DEPLOYMENT] = model
        request[TARGET] = message.url.authority if message.url.absolute else ""
        if coding := message.headers.get("Content-Encoding"):
            request[CODINGS] = coding
        return request


class _Protocol(web.RequestHandler):
    """One connection. `handle_error` and `log_exception` are aiohttp's two ways out for all that goes wrong."""

    __slots__ = ("_faults", "_opening")

    def __init__(self, server: _Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._faults = server.faults
        self._opening = b""

    def data_received(self, data: bytes) -> None:
        start = data[:_OPENING]
        if _REQUEST_LINE.match(start) or not self._opening:  # else a further piece of the same request
            self._opening = start
        super().data_received(data)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if exc is not None and _is_clients(exc):
            self._note(exc)
        else:
            self.logger.error("bug while answering %s %s", request.method, request.path, exc_info=exc)
        if request.writer.output_size or isinstance(exc, ConnectionError):
            # A second head would be taken for the first one's content; or nobody is there to read one.
            raise ConnectionError("the client left")
        error = malformed(exc, self._opening) if exc is not None and _is_clients(exc) else _unforeseen()
        response = error_response(error, _path_of(self._opening))
        response.force_close()
        return response

    def log_exception(self, *args: Any, **more: Any) -> None:
        exc = more.get("exc_info")
        if isinstance(exc, BaseException) and _is_clients(exc):
            self._note(exc)
        else:
            super().log_exception(*args, **more)

    def _note(self, exc: BaseException) -> None:
        peer = self.peername
        name = str(peer[0]) if isinstance(peer, tuple) else peer
        if isinstance(exc, ConnectionError):
            self._faults.note(Fault.LEFT, name, str(exc))
        elif isinstance(exc, web.RequestPayloadError | http_exceptions.PayloadEncodingError):
            self._faults.note(Fault.BODY, name, words_of(exc))
        else:
            self._faults.note(Fault.MALFORMED, name, malformed(exc, self._opening).message)


def malformed(exc: BaseException, opening: bytes) -> RouterError:
    """Return what to tell a client whose bytes are no request that can be read; `opening`: how the last of its
    requests began."""
    if _TLS.match(opening):
        return BadRequest("This is http, not https: a TLS handshake came; write http:// in the client.")
    if opening.startswith(b"PRI * HTTP/2"):
        return BadRequest("This is HTTP/1.1, not HTTP/2; have the client speak HTTP/1.1.")
    if isinstance(exc, http_exceptions.LineTooLong):
        if str(exc.args[1:2]) == str((MAX_URL,)) and _is_start_of_path(exc.args[0], opening):
            return UrlTooLong(f"The URL is over {memory_size(MAX_URL)}; put the content into the body.")
        return HeadersTooLarge(f"A header is over {memory_size(MAX_HEADER)}; send less, such as fewer cookies.")
    if isinstance(exc, http_exceptions.InvalidURLError):
        return BadRequest("The request line holds no path that can be read; correct the address in the client.")
    reason = words_of(exc)
    if reason == "Too many headers received":
        return HeadersTooLarge(f"There are over {MAX_HEADERS} headers; send fewer.")
    return BadRequest(f"This is no HTTP request that can be read ({reason}); correct the client.")


def _is_start_of_path(line: object, opening: bytes) -> bool:
    found = _REQUEST_LINE.match(opening)
    start = bytes(line[:64]) if isinstance(line, bytes | bytearray) else str(line)[:64].encode()
    return found is not None and found[1].startswith(start.rstrip(b"."))


def _path_of(opening: bytes) -> str:
    found = _REQUEST_LINE.match(opening)
    return found[1].decode().partition("?")[0] if found else "/"


def _is_clients(exc: BaseException) -> bool:
    """Return whether it tells what a client did."""
    return isinstance(exc, http_exceptions.HttpProcessingError | web.RequestPayloadError | ConnectionError)


def _unforeseen() -> RouterError:
    return RouterError("hal0 met an unforeseen error; see hal0's log and report it.")


def _answering(
    handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    """`handle`, with aiohttp's own refusal before the middlewares (an unknown `Expect`) in the envelope."""

    def answer(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        return expected(request) if "Expect" in request.headers else handle(request)

    async def expected(request: web.BaseRequest) -> web.StreamResponse:
        try:
            response = await handle(request)
        except web.HTTPExpectationFailed:
            asked = request.headers.get("Expect", "")
            error = UnknownExpectation(
                f'hal0 knows no expectation "{asked[:40]}"; leave out the header Expect.'
            )
            assert isinstance(request, web.Request), "an application made it"
            return refused(error, request)
        return response

    return answer
