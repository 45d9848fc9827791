"""An answer on its way to the client. It may come from an engine or from anything else that is an `Answer`."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from aiohttp import web

from router.activity.usage import Heard
from router.base.errors import EngineRefused, RouterError
from router.server.request.client import Client
from router.server.request.connection import Sink
from router.wire.encode import Encoder
from router.wire.http1 import Head
from router.wire.rename import Rename

_PASSED_BACK = ("Content-Type", "Content-Encoding", "Content-Disposition", "Cache-Control")
_MAX_ERROR_BODY = 1024 * 1024
_WHOLE = 256 * 1024  # bytes of an answer that is collected first, to be sent with its head in one write


class Answer(Protocol):
    """Whoever answers (`router.server.request.engines.Answer` is an engine's): status and headers are known,
    the body is still to come. Use as `async with`: leaving early frees who answers."""

    @property
    def head(self) -> Head: ...
    async def pump(self, sink: Sink) -> None:
        """Hand all of the body to `sink`, which may ask for a pause. Raises OSError if it breaks off."""

    async def read(self, limit: int | None = None) -> bytes:
        """Read all of it; a little more than `limit` of a longer one."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Relay:
    """Turns the answer's bytes into the client's; the sink of what is not collected first.

    `rename`: None when who answers names itself as hal0 does. `heard` is told the answer's bytes as they come,
    `on_end` that it is complete, from when on an error behind it would be no HTTP.
    """

    def __init__(
        self,
        client: Client,
        encoder: Encoder,
        rename: Rename | None,
        heard: Heard,
        on_end: Callable[[], object],
    ) -> None:
        self._client = client
        self._encoder = encoder
        self._rename = rename
        self._heard = heard
        self._hear_more: Callable[[bytes], object] | None = None
        self._on_end = on_end
        self._held = b""  # until the client's answer has begun

    async def run(self, answer: Answer) -> web.StreamResponse:
        """Serve the client. Raises RouterError for what can still be told, OSError if the answer breaks off."""
        head, client = answer.head, self._client
        if head.status >= 400:
            raise await _refused(answer)
        client.answered = True
        if client.response is None and not self._encoder.translates:
            if 0 < (head.length or 0) <= _WHOLE:
                body = self._translated(await answer.read())
                self._on_end()
                return await client.whole(head.status, _headers(head), body + self._last())
            await client.begin(head.status, _headers(head), None if self._rename else head.length)
        await answer.pump(self)
        self._on_end()
        return await client.end(self._last())

    def take(self, piece: bytes) -> bool:
        out = self._translated(piece)
        if not out:
            return True
        if self._client.response is None:
            self._held += out
            return False
        return self._client.send(out)

    async def ready(self) -> None:
        if self._client.response is None:
            await self._client.begin_early()
        if self._held:
            held, self._held = self._held, b""
            self._client.send(held)
        await self._client.drained()

    def _translated(self, piece: bytes) -> bytes:
        if self._hear_more is not None:
            self._hear_more(piece)
        else:
            self._hear(piece)
        return self._encoder.feed(self._rename.feed(piece) if self._rename else piece)

    def _hear(self, piece: bytes) -> None:
        heard = self._heard
        heard.take(piece)
        if heard.begun:
            self._hear_more = heard.more  # for each token of a long answer, one call

    def _last(self) -> bytes:
        rest = self._encoder.feed(self._rename.finish()) if self._rename else b""
        return rest + self._encoder.finish()


def _headers(head: Head) -> dict[str, str]:
    """Return the headers that are passed on. All else (Server, CORS, hop-by-hop) is the engine's own
    business."""
    return {name: head.headers[name.lower()] for name in _PASSED_BACK if name.lower() in head.headers}


async def _refused(answer: Answer) -> RouterError:
    """Return the engine's own error, with its status."""
    raw = await answer.read(_MAX_ERROR_BODY)
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = raw
    return EngineRefused.from_body(answer.head.status, body)
