"""Follows another hal0's events: what it says of itself, and whether there is contact."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import aiohttp

from router.base.errors import RouterError, UpstreamFailed
from router.base.os_errors import connection_words
from router.base.tasks import spawn
from router.remote.answers import error_of
from router.state import Snapshot
from router.upstreams.keys import redact
from router.wire.snapshot_read import SchemaMismatch, apply_change, parse_snapshot
from router.wire.sse import Event, SseParser

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
"""How often the other one is asked to show that it lives."""

USUAL_HEARTBEAT = 15.0
"""How often one does that cannot be asked."""

CONNECT_SECONDS = 5.0
LONGEST_EVENT = 8 << 20
"""Bytes; a snapshot of hundreds of models is a tenth of it."""
FIRST_DELAY, LONGEST_DELAY = 0.5, 15.0
HEADER = "X-Hal0-Heartbeat"
FindKey = Callable[[str | None], Awaitable[str | None]]


def patience(heartbeat: float) -> float:
    """Return seconds of silence after which contact is lost: two signs of life did not come."""
    return 2 * heartbeat + 2


class EventLink:
    """Keeps `snapshot` up to date for as long as it runs; a lost link is a state, and is tried again.

    Attributes:
        base_url: without a slash at its end.
        snapshot: what the other one said last; an empty one before the first contact.
        connected: whether that is what it says now.
        error: one sentence why not; None also before the first try has ended.
        lost: set while there is an `error`.
        session: the HTTP client, for whoever asks the same hal0 for something.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        on_change: Callable[[], None],
        *,
        heartbeat: float = HEARTBEAT_SECONDS,
        find_key: FindKey | None = None,
    ) -> None:
        """Made and used on one event loop; `on_change` is called there after every change of an attribute.

        `find_key` turns `api_key` as it is written into the key, and raises RouterError where it cannot.
        """
        self.base_url = base_url.rstrip("/")
        self.snapshot = Snapshot()
        self.connected = False
        self.error: str | None = None
        self.lost = asyncio.Event()
        self._on_change = on_change
        self._heartbeat = heartbeat
        self._written_key = api_key
        self._find_key = find_key
        self._key: str | None = None  # that was sent last
        self._delay = FIRST_DELAY
        self._met = False
        # No proxy from the environment: the other one is a computer at hand, and its key is nobody else's.
        self.session = aiohttp.ClientSession(
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            connector=aiohttp.TCPConnector(limit=0),
        )
        self._following = self._begin()

    def _begin(self) -> asyncio.Task[None]:
        return spawn(self._run(), name=f"follow {self.base_url}")

    def check(self) -> None:
        """Raise UpstreamFailed without contact. A command before the first try has ended is tried."""
        if self.lost.is_set():
            raise UpstreamFailed(self.error or "")

    def no_answer(self, error: BaseException) -> UpstreamFailed:
        """Return the error of a command whose request failed with `error`."""
        reason = reason_of(error)
        return UpstreamFailed(f"hal0 at {self.base_url} did not answer ({reason}); see that it runs there.")

    async def headers(self) -> dict[str, str]:
        """Return what every request to the other one carries. Raises RouterError."""
        find, written = self._find_key, self._written_key
        key = written if find is None else await find(written)
        self._key = key
        return {"Authorization": f"Bearer {key}"} if key else {}

    def refusal(self, status: int, body: bytes, retry_after: str | None = None) -> RouterError:
        """Return what an answer with that status says; it may quote the key."""
        redacted = redact(body.decode(errors="replace"), self._key).encode()
        return error_of(status, redacted, retry_after, self.base_url)

    def again(self) -> None:
        """Follow anew, at once: nothing is known any more of what was said before this computer slept."""
        self._following.cancel()
        self._delay, self.connected, self.error = FIRST_DELAY, False, None
        self.lost.clear()
        self._following = self._begin()
        self._on_change()

    async def close(self) -> None:
        """Stop following; whoever waits for an answer hears nothing more."""
        self._following.cancel()
        await asyncio.wait({self._following})
        await self.session.close()

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except RouterError as error:
                self._lose(error.message)
            except (aiohttp.ClientError, OSError, SchemaMismatch) as error:
                self._lose(self._sentence(reason_of(error)))
            except Exception:
                # A bug must not look like a hal0 in which nothing happens.
                log.exception("following %s failed", self.base_url)
                self._lose(self._sentence("its answer could not be read; the log says more"))
            await asyncio.sleep(self._delay)
            self._delay = min(LONGEST_DELAY, 2 * self._delay)

    async def _follow(self) -> None:
        """Follow until contact is lost; raise why."""
        params = {"heartbeat": f"{self._heartbeat:g}"}
        url, headers = self.base_url + "/api/events", await self.headers()
        # A server that takes the connection and then says nothing has no contact either.
        async with asyncio.timeout(patience(self._heartbeat)):
            answer = await self.session.get(url, params=params, headers=headers, allow_redirects=False)
        async with answer:
            if answer.content_type != "text/event-stream":
                async with asyncio.timeout(patience(self._heartbeat)):
                    body = await answer.read()
                raise self.refusal(answer.status, body, answer.headers.get("Retry-After"))
            await self._listen(answer)

    async def _listen(self, answer: aiohttp.ClientResponse) -> None:
        silence = patience(self._heartbeat if HEADER in answer.headers else USUAL_HEARTBEAT)
        parser = SseParser()
        while True:
            try:
                async with asyncio.timeout(silence):
                    piece = await answer.content.readany()
            except TimeoutError:
                raise UpstreamFailed(self._sentence(f"no sign of life for {silence:.0f} s")) from None
            if not piece:
                raise UpstreamFailed(self._sentence("it closed the connection"))
            for event in parser.feed(piece):
                self._take(event)
            if parser.waiting > LONGEST_EVENT:
                raise UpstreamFailed(self._sentence("it sends too much at once"))

    def _take(self, event: Event) -> None:
        if event.name == "snapshot":
            snapshot = parse_snapshot(event.json())
            if not self._met:
                log.info("hal0 at %s is there", self.base_url)
            self._met, self._delay = True, FIRST_DELAY
        elif event.name == "change":
            snapshot = apply_change(self.snapshot, event.json())
        else:
            return  # a newer version's
        self.snapshot, self.connected, self.error = snapshot, True, None
        self.lost.clear()
        self._on_change()

    def _lose(self, sentence: str) -> None:
        if self.error == sentence:
            return
        log.info("%s", sentence)
        self.connected, self.error = False, sentence
        self.lost.set()
        self._on_change()

    def _sentence(self, reason: str) -> str:
        if self._met:
            return f"Lost contact with hal0 at {self.base_url} ({reason}); retrying."
        return f"No hal0 answers at {self.base_url} ({reason}); see that it runs there. It is tried again."


def reason_of(error: BaseException) -> str:
    """Return the words of a failed connection, without numbers and class names."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection"
    found: BaseException = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    # asyncio's own words name a socket's address, too
    words = connection_words(found) if isinstance(found, OSError) else None
    return words or str(found) or type(found).__name__
