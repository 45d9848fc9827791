"""What one server elsewhere says of itself: asked seldom, once at a time, in the background only if it is used.

What was told holds for a while. Then an upstream that was well is asked for answers as before, and looked at
again meanwhile; one that was down or unknown is looked at first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import aiohttp

from router.base.error_text import error_text
from router.base.tasks import spawn
from router.config.schema import UpstreamConfig, UpstreamKind
from router.state import Snapshot, UpstreamState, UpstreamStatus
from router.upstreams.answer import AskFailed
from router.upstreams.answer_shapes import fault_in
from router.upstreams.call import Call, url_for
from router.upstreams.failure_reasons import failure_reason, is_link_failure, status_reason
from router.upstreams.keys import redact
from router.upstreams.listing import Listing, next_page, parse_listing
from router.upstreams.sending import send
from router.upstreams.waking import send_packet
from router.wire.lenient import json_or_none

log = logging.getLogger(__name__)

WELL_SECONDS: Final = 30.0
"""For so long an upstream that was well counts as well."""

DOWN_SECONDS: Final = (2.0, 5.0, 10.0, 30.0)
"""For so long one counts as down after the first failure in a row, the second, …"""

USED_SECONDS: Final = 300.0
"""One that was used in this time is looked at in the background, too."""

WAKE_LOOK_SECONDS: Final = 1.0
"""Between two looks at one that is being woken; each is preceded by a packet, for the first may come while it
is still falling asleep."""

WAKE_PAUSE_SECONDS: Final = 300.0
"""For so long one that did not wake up is not waited for again, but for a person."""

_LIST_SECONDS: Final = 10.0
_MAX_LIST: Final = 16 * 1024 * 1024
_NO_LIST: Final = (404, 405, 501)
_LOCKED: Final = (401, 403)
_MOST_PAGES: Final = 50
_NAME_THEM: Final = "; if it answers all the same, name its models under models:"
_CALL: Final = Call("/v1/models", lambda _model: b"", method="GET")

Look = Callable[[UpstreamConfig], Awaitable[Listing]]


class Watch:
    """One upstream, on the router's loop.

    Attributes:
        config: what hal0.yaml says of it.
        status: as last seen.
        found_at: the base_url at which its list was found, None while that is not known.
        bound: a slot has no other engine, so it is looked at all the time.
    """

    def __init__(self, config: UpstreamConfig, look: Look, changed: Callable[[], None]) -> None:
        models = config.models or ()
        self._waking: asyncio.Task[None] | None = None
        self._not_woken_until = float("-inf")
        self._out_of_reach = False
        self.config = config
        self.status = UpstreamStatus(
            config.name,
            config.kind,
            config.base_url,
            models=models,
            context_lengths=(None,) * len(models),
            wakes=config.wake is not None,
        )
        self.bound = False
        self.found_at: str | None = None
        self._look_at = look
        self._changed = changed
        self._due_at = float("-inf")
        self._used_until = float("-inf")
        self._failures = 0
        self._looking: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._not_followed: str | None = None
        self._left_out = 0

    async def fresh(self) -> UpstreamStatus:
        """Return what it is like now, or was a little while ago. Never raises; waits for as long as a look
        takes."""
        self._used_until = _now() + USED_SECONDS
        if _now() >= self._due_at:
            looking = self.look()
            if self.status.state is not UpstreamState.OK:
                await asyncio.wait({looking})  # it may be given up; whoever waits goes on
        elif self._timer is None:
            self._plan()
        return self.status

    def look_if_due(self) -> None:
        """Look, if that is due, for somebody who wants to see what there is and does not wait."""
        if _now() >= self._due_at:
            self.look()
        elif self.bound and self._timer is None and self._looking is None:
            self._plan()  # since a moment ago

    def look(self) -> asyncio.Task[None]:
        """Look now; whoever wants that meanwhile waits for the same look."""
        if self._looking is None:
            self._looking = spawn(self._look(), name=f"look at upstream {self.config.name}")
        return self._looking

    @property
    def sleeps(self) -> bool:
        """Whether waking it may help: it has an address for that, and is out of reach for no other reason that
        is known."""
        if self._waking is not None:
            return True
        tried = _now() < self._not_woken_until
        down = self.status.state is UpstreamState.DOWN and self._out_of_reach
        return self.config.wake is not None and down and not tried

    def wake(self) -> asyncio.Task[None]:
        """Wake it and wait until it answers, for `wake_timeout` at most; `status` says what came of it. Whoever
        wants that meanwhile waits for the same."""
        if self._waking is None:
            self._waking = spawn(self._wake(), name=f"wake upstream {self.config.name}")
        return self._waking

    def failed(self, reason: str, *, link: bool = True) -> None:
        """Note that a request found it down; many that find out together count once. `link`: it is out of
        reach."""
        if self.status.state is not UpstreamState.DOWN or _now() >= self._due_at:
            self._down(reason, link=link)
            self._plan()

    def has_only(self, model: str) -> bool:
        """Return whether no other model of it is known: then what is wrong with that one is wrong with it."""
        return all(known == model for known in self.status.models)

    def answered(self) -> None:
        """Note that a request was answered: one success is enough."""
        self._failures = 0
        if self.status.state in (UpstreamState.DOWN, UpstreamState.WAKING):
            self._set(replace(self.status, state=UpstreamState.OK, error=self._not_followed))

    def report(self, remote: Snapshot | None, error: str | None) -> None:
        """Take another hal0's own word; None: there is none, with one sentence why. That it came or broke off
        is a reason to look, and no proof."""
        there = self.status.remote is not None
        self._not_followed = error
        down = self.status.state is UpstreamState.DOWN
        self._set(replace(self.status, remote=remote, error=self.status.error if down else error))
        if there is not (remote is not None):
            self.look()

    def resumed(self) -> None:
        """Look anew: what was known of it is from before this computer slept, and so are its failures."""
        self._failures, self._due_at, self._not_woken_until = 0, float("-inf"), float("-inf")
        self.look()

    def close(self) -> None:
        """Stop looking for good."""
        self._used_until, self.bound = float("-inf"), False
        for task in (self._looking, self._waking):
            if task is not None:
                task.cancel()
        if self._timer is not None:
            self._timer.cancel()

    async def _wake(self) -> None:
        name, limit = self.config.name, self.config.wake_timeout
        log.info("upstream %s is being woken", name)
        self._set(replace(self.status, state=UpstreamState.WAKING, error=None))
        try:
            async with asyncio.timeout(limit):
                await self._knock_until_awake()
        except TimeoutError:
            self._waking, self._not_woken_until = None, _now() + WAKE_PAUSE_SECONDS
            if self.status.state is UpstreamState.WAKING:
                self._down(f"it did not wake up within {limit:.0f} s")
                self._plan()
        finally:
            self._waking = None

    async def _knock_until_awake(self) -> None:
        while True:
            try:
                await send_packet(self.config)
            except OSError as error:
                log.warning("upstream %s cannot be woken: %s", self.config.name, error.strerror or error)
            await asyncio.wait({self.look()}, timeout=WAKE_LOOK_SECONDS)
            if self.status.state is UpstreamState.OK:
                return
            await asyncio.sleep(WAKE_LOOK_SECONDS)

    async def _look(self) -> None:
        try:
            found = await self._look_at(self.config)
        except AskFailed as error:
            self._down(error.reason, link=error.link)
        else:
            self._failures, self._not_woken_until = 0, float("-inf")
            self._due_at = _now() + WELL_SECONDS
            if self.status.state is UpstreamState.DOWN:
                log.info("upstream %s is back", self.config.name)
            if found.left_out not in (0, self._left_out):
                log.warning("upstream %s lists %d models without a usable id", self.config.name, found.left_out)
            self._left_out = found.left_out
            self.found_at = found.base_url or self.found_at
            self._set(
                replace(
                    self.status,
                    state=UpstreamState.OK,
                    models=found.models,
                    context_lengths=found.context_lengths,
                    error=self._not_followed,
                )
            )
        finally:
            self._looking = None
        self._plan()

    def _down(self, reason: str, *, link: bool = True) -> None:
        self._out_of_reach = link
        if self._waking is not None and link:
            self._due_at = _now() + WAKE_LOOK_SECONDS
            return  # as it was to be expected
        self._failures += 1
        self._due_at = _now() + DOWN_SECONDS[min(self._failures, len(DOWN_SECONDS)) - 1]
        if self.status.state is not UpstreamState.DOWN:
            log.warning("upstream %s is down: %s", self.config.name, reason)
        self._set(replace(self.status, state=UpstreamState.DOWN, error=_sentence(reason)))

    def _plan(self) -> None:
        """Plan the next look, if anybody cares; else the next request sees to it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.bound or _now() < self._used_until:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(self._due_at, loop.time() + DOWN_SECONDS[0]), self._timed)

    def _timed(self) -> None:
        self._timer = None
        self.look()

    def _set(self, status: UpstreamStatus) -> None:
        if status != self.status:
            self.status = status
            self._changed()


async def list_models(session: aiohttp.ClientSession, upstream: UpstreamConfig, key: str | None) -> Listing:
    """Return what it lists, or what hal0.yaml names for it: then no list is needed. Raises AskFailed.

    Where base_url has no list it is looked for with `/v1`, or without.
    """
    failed: AskFailed | None = None
    for base_url in base_urls(upstream):
        try:
            found = await _listed(session, replace(upstream, base_url=base_url), key)
            return replace(found, base_url=base_url).limited_to(upstream.models)
        except AskFailed as error:
            if error.link:
                raise
            # The first tells more; but a key that the other does not accept proves that the API is there.
            if failed is None or (error.answered in _LOCKED and failed.answered in _NO_LIST):
                failed = error
            if error.answered is not None and error.answered not in (200, *_NO_LIST):
                break
    assert failed is not None, "every upstream has an address"
    if upstream.models is not None:
        return Listing().limited_to(upstream.models)
    raise failed


def base_urls(upstream: UpstreamConfig) -> tuple[str, ...]:
    """Return the address as written, and as it may have been meant."""
    written = upstream.base_url
    if upstream.kind is UpstreamKind.HAL0:
        return (written,)
    other = written.removesuffix("/v1") if written.endswith("/v1") else f"{written}/v1"
    return (written, other)


async def _listed(session: aiohttp.ClientSession, upstream: UpstreamConfig, key: str | None) -> Listing:
    """Ask for all pages. Raises AskFailed."""
    url = url_for(upstream, _CALL.path)
    assert url is not None, "every upstream lists its models there"
    document = await _page(session, upstream, url, key)
    listing = parse_listing(document)
    if listing is None:
        said = error_text(document).rstrip(" .") if fault_in(document) else ""
        what = f"its model list: {said}" if said else f"what answers at {url} is no model list"
        raise AskFailed(upstream.name, f"{what}; correct its base_url", answered=200)
    for _ in range(_MOST_PAGES):
        if (query := next_page(document)) is None:
            break
        try:
            document = await _page(session, upstream, f"{url}?{query}", key)
        except AskFailed as error:
            log.warning("upstream %s: %s; its list is not complete", upstream.name, error.reason)
            break
        more = listing.and_more(parse_listing(document) or Listing())
        if more.models == listing.models:
            break
        listing = more
    return listing


async def _page(session: aiohttp.ClientSession, upstream: UpstreamConfig, url: str, key: str | None) -> object:
    """Ask for one page, as JSON. Raises AskFailed."""
    patience = replace(upstream, timeout=min(upstream.timeout, _LIST_SECONDS))
    try:
        async with await send(session, patience, url, key, _CALL, b"") as response:
            async with asyncio.timeout(patience.timeout):
                body = redact((await _whole(response)).decode("utf-8-sig", errors="replace"), key)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        # With its models named, one that only does not list them is well.
        link = upstream.models is None or is_link_failure(error)
        raise AskFailed(upstream.name, failure_reason(error), link=link) from None
    if response.status != 200:
        reason = redact(status_reason(response.status, response.reason or "", body), key)
        may_be_named = upstream.kind is not UpstreamKind.HAL0 and response.status in (*_NO_LIST, *_LOCKED)
        named = _NAME_THEM if may_be_named else ""
        raise AskFailed(upstream.name, f"its model list: {reason}{named}", answered=response.status)
    document = json_or_none(body)
    if document is None and body.strip():
        said = error_text(body, 100).rstrip(" .")
        raise AskFailed(
            upstream.name,
            f'what answers at {url} is no model list; correct its base_url ("{said}")',
            answered=200,
        )
    return document


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    while len(body) < _MAX_LIST and (more := await response.content.readany()):
        body += more
    return body


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}."


def _now() -> float:
    return asyncio.get_running_loop().time()
