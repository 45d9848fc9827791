"""The client's side of a generation request: what has been sent to it, and what may still be."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from aiohttp import web

from router.base.errors import RouterError
from router.base.tasks import spawn
from router.server.request.writer import Writer
from router.slots.lease import Ticket
from router.state import StateStore
from router.wire.encode import EVENT_STREAM, JSON, Encoder

log = logging.getLogger(__name__)

SERVED_BY = "X-Hal0-Served-By"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Where a load is, as told to a waiting client (router.wire.encode.Waiting)."""

    phase: str
    percent: int | None
    model: str


class Client:
    """Attributes:
    response: None until the answer has begun.
    relayed: whether bytes of the engine's answer have been sent.
    answered: whether somebody's answer is being handed on: from then on nobody else's can be.
    served_by: the server elsewhere that answers, told in the answer's head (SERVED_BY).
    """

    def __init__(self, request: web.Request, encoder: Encoder) -> None:
        self.response: web.StreamResponse | None = None
        self.relayed = False
        self.answered = False
        self.served_by: str | None = None
        self._request = request
        self._encoder = encoder
        self._events = encoder.content_type == EVENT_STREAM and _wants_events(request)
        self._writer: Writer | None = None
        self._sent = 0
        self._beats = 0
        self._due = 0.0
        self._last_waiting: Waiting | None = None

    async def beat(self, waiting: Waiting) -> None:
        """Send a sign of life if one is due; begins the answer."""
        if self._encoder.content_type is None:
            return
        response = self.response or await self.begin_early()
        self._flush()
        loop = asyncio.get_running_loop()
        if loop.time() >= self._due:
            self._due = loop.time() + self._encoder.interval
            await response.write(self._encoder.beat(self._beats, waiting))
            self._beats += 1
        if self._events and waiting != self._last_waiting:
            self._last_waiting = waiting
            await response.write(_progress_event(waiting))

    async def until_next_beat(self, store: StateStore, ticket: Ticket) -> None:
        """Wait for the lease or the next beat, and for each step where the client asked for progress events."""
        loop = asyncio.get_running_loop()
        timeout = self._encoder.interval if self.response is None else max(0.0, self._due - loop.time())
        if not self._events:
            await asyncio.wait([ticket.outcome], timeout=timeout)
            return
        changed = loop.create_future()
        unsubscribe = store.subscribe(lambda _s: None if changed.done() else changed.set_result(None))
        try:
            await asyncio.wait([ticket.outcome, changed], timeout=timeout, return_when="FIRST_COMPLETED")
        finally:
            unsubscribe()
            changed.cancel()

    def send(self, out: bytes) -> bool:
        """Send bytes of the engine's answer, which has begun. False: the client is slow, wait for `drained`."""
        assert self._writer is not None, "the answer has begun"
        self.relayed = True
        return self._writer.write(out)

    def tell_served_by(self, server: str) -> None:
        """Say who answers: in the head or, where that is gone, in an event stream's comment."""
        if self.response is None:
            self.served_by = server
        elif self._encoder.content_type == EVENT_STREAM and self.served_by != server:
            self.send(f": hal0 served-by {server}\n\n".encode())

    async def drained(self) -> None:
        """Wait for a slow client."""
        self._flush()
        await self._request.writer.drain()

    @contextmanager
    def kept_alive(self, waiting: Callable[[], Waiting], hold: float = 0.0) -> Iterator[None]:
        """Send signs of life while the block waits for something else, `waiting` says for what; the first after
        `hold` seconds, if nothing has been sent yet. Leaving it waits for nothing: a cancellation there would
        lose what the block has got."""
        if self._encoder.content_type is None:
            yield
            return
        if self.response is None:
            self._due = asyncio.get_running_loop().time() + hold

        async def beats() -> None:
            with suppress(ConnectionError):  # the client left: its handler is being cancelled
                while True:
                    await asyncio.sleep(max(0.0, self._due - asyncio.get_running_loop().time()))
                    await self.beat(waiting())

        task = spawn(beats(), name="keep a client alive")
        try:
            yield
        finally:
            task.cancel()

    async def begin(
        self, status: int, headers: dict[str, str], length: int | None = None
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers=headers)
        if headers.get("Content-Type", "").startswith(EVENT_STREAM):
            response.headers["Cache-Control"] = "no-cache"
        response.content_length = length
        if self.served_by is not None:
            response.headers[SERVED_BY] = self.served_by
        self.response = response
        await response.prepare(self._request)
        chunked = response.headers.get("Transfer-Encoding") == "chunked"
        self._writer = Writer(self._request.transport, chunked=chunked)
        return response

    async def begin_early(self) -> web.StreamResponse:
        """Begin with what the encoder says of the answer."""
        return await self.begin(200, {"Content-Type": self._encoder.content_type or JSON})

    async def end(self, last: bytes = b"") -> web.StreamResponse:
        """Send what is left to say, and end the answer."""
        if self.response is None:
            return await self.whole(200, {"Content-Type": self._encoder.content_type or JSON}, last)
        self._flush()
        self._sent += len(last)
        await self.response.write_eof(last)
        return self.response

    async def whole(self, status: int, headers: dict[str, str], body: bytes) -> web.StreamResponse:
        """Send a complete answer, its head and body in one write (a write costs 30 µs)."""
        self.response = response = web.Response(status=status, headers=headers, body=body)
        if self.served_by is not None:
            response.headers[SERVED_BY] = self.served_by
        self.relayed = True
        self._sent += len(body)
        await response.prepare(self._request)
        await response.write_eof()
        return response

    async def fail(self, error: RouterError) -> web.StreamResponse:
        """Tell `error` as the answer's state allows; raises it when nothing has been sent yet."""
        if self.response is None or not self.response.prepared:
            raise error
        # In one line: engines quote what clients wrote.
        log.warning("answer broken off: %s", " ".join(error.message.split()))
        self._flush()
        late = self._encoder.late_error(error)
        # Fewer bytes than were announced would leave the client waiting for the others.
        fits = self.response.content_length is None
        if late and fits and not (self.relayed and self._encoder.content_type == JSON):
            await self.response.write(late)
            await self.response.write_eof()
        elif self._request.transport is not None:
            self._request.transport.abort()
        return self.response

    def _flush(self) -> None:
        if self._writer is not None:
            self._writer.flush()

    @property
    def sent(self) -> int:
        """Bytes of the answer, without signs of life."""
        return self._sent + (self._writer.sent if self._writer is not None else 0)

    @property
    def left(self) -> bool:
        return self._request.transport is None or self._request.transport.is_closing()


def _wants_events(request: web.Request) -> bool:
    return request.headers.get("X-Hal0-Progress", "").strip().lower() == "events"


def _progress_event(waiting: Waiting) -> bytes:
    body = {"phase": waiting.phase, "percent": waiting.percent, "model": waiting.model}
    return f"event: model_switching\ndata: {json.dumps(body)}\n\n".encode()
