"""All servers elsewhere: what they are like, and asking them in turn. Lives on the router's loop.

The one owner of `Snapshot.upstreams` and of the slots that an upstream serves.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final

import aiohttp

from router.base.errors import BadRequest, LocalOnly, RouterError, UpstreamFailed, UpstreamNotFound
from router.base.names import shown
from router.base.version import __version__
from router.config.schema import Config, SlotConfig, UpstreamConfig
from router.config.upstreams import split_target
from router.resolve import Route
from router.state import SlotStatus, Snapshot, StateStore, UpstreamState, UpstreamStatus
from router.upstreams.answer import AskFailed, UpstreamAnswer, ask
from router.upstreams.call import Call
from router.upstreams.fallback import Tried, Wanted, attempt, fallbacks, falls_back, no_route
from router.upstreams.health import Watch, base_urls, list_models
from router.upstreams.keys import KeyMissing, Keys
from router.upstreams.listing import Listing
from router.upstreams.sending import traces
from router.upstreams.slots import Bound

log = logging.getLogger(__name__)

_NOT_ASKED: Final = "Not asked: nothing may leave this computer (local_only)."
_MAX_HEADER: Final = 64 * 1024  # bytes: gateways send policies longer than aiohttp's 8 KiB
_WRONG_KEY: Final = 401
_UNPAID: Final = 402
_NO_SUCH_PATH: Final = (404, 405)


class UpstreamRegistry:
    """Made once; `use` tells it what hal0.yaml says, at the start and after each change."""

    def __init__(
        self, store: StateStore, keys: Keys | None = None, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        """`ssl_context`: whom to trust; without one, whom this computer trusts."""
        self._store = store
        self._keys = keys or Keys()
        self._ssl = ssl_context
        self._session: aiohttp.ClientSession | None = None
        self._former: list[aiohttp.ClientSession] = []
        self._configs: Mapping[str, UpstreamConfig] = MappingProxyType({})
        self._watches: dict[str, Watch] = {}
        self._bound: dict[str, Bound] = {}
        self._order: tuple[str, ...] = ()
        self._local_only = False
        self._closed = False

    # -- the configuration -----------------------------------------------------------------------------

    def use(self, config: Config) -> None:
        """Go on with these upstreams, and with those of the slots that one serves. Looks at new ones once."""
        self._configs, self._local_only = config.upstreams, config.local_only
        self._order = tuple(config.slots)
        kept = {} if config.local_only else self._watches
        before, self._watches = self._watches, {}
        for name, upstream in config.upstreams.items():
            old = kept.get(name)
            same = old is not None and old.config == upstream
            self._watches[name] = old if same and old else Watch(upstream, self._look, self.publish)
        for name, watch in before.items():
            if self._watches.get(name) is not watch:
                watch.close()
                self._keys.forget(watch.config.api_key)
        self._bind([slot for slot in config.slots.values() if slot.upstream is not None])
        self.publish()
        if not (self._local_only or self._closed):
            for watch in self._watches.values():
                watch.look_if_due()

    def _bind(self, slots: Sequence[SlotConfig]) -> None:
        before, self._bound = self._bound, {}
        for slot in slots:
            bound = self._bound[slot.name] = before.get(slot.name) or Bound(slot)
            bound.config = slot
        names = {split_target(bound.target)[0] for bound in self._bound.values()}
        for name, watch in self._watches.items():
            watch.bound = name in names and not self._local_only

    def publish(self) -> None:
        """Tell everyone. A slot that is only leaving, and has an engine still, is shown until it is gone."""
        snapshot = self._store.snapshot
        states = {state.name: state for state in self.statuses()}
        ours = {name: b.status(states.get(split_target(b.target)[0])) for name, b in self._bound.items()}
        slots = ours | {slot.name: slot for slot in snapshot.slots if slot.upstream is None}
        ordered = [slots.pop(name) for name in self._order if name in slots]
        self._store.update(
            upstreams=tuple(states.values()), local_only=self._local_only, slots=(*ordered, *slots.values())
        )

    def statuses(self) -> tuple[UpstreamStatus, ...]:
        """Return the upstreams as last seen."""
        seen = [watch.status for watch in self._watches.values()]
        return tuple(replace(state, error=_NOT_ASKED) for state in seen) if self._local_only else tuple(seen)

    def remote_says(self, name: str, remote: Snapshot | None, error: str | None) -> None:
        """Take what another hal0 says of itself now; None: there is no contact, `error` says why if it is
        known."""
        watch = self._watches.get(name)
        if watch is not None and not self._local_only:
            watch.report(remote, error)

    async def wake(self, name: str) -> None:
        """Wake the upstream, and return when it answers. Raises UpstreamNotFound, BadRequest where
        it cannot be woken, UpstreamFailed, LocalOnly."""
        if self._local_only:
            raise local_only(name)
        watch = self._watches.get(name)
        if watch is None:
            others = ", ".join(self._watches) or "none"
            raise UpstreamNotFound(f'There is no upstream "{shown(name)}"; there are: {others}.')
        if watch.config.wake is None:
            raise BadRequest(
                f'Upstream "{name}" has no address to be woken by; write it as wake: under upstreams: in '
                "hal0.yaml."
            )
        await asyncio.wait({watch.look()})
        if watch.status.state is not UpstreamState.OK:
            await asyncio.wait({watch.wake()})
        if watch.status.state is not UpstreamState.OK:
            raise UpstreamFailed(f'Upstream "{name}": {watch.status.error or "it was given up."}')

    def look(self) -> None:
        """Look again at what was last seen long ago: somebody reads the list of models, and does not wait."""
        if not (self._local_only or self._closed):
            for watch in self._watches.values():
                watch.look_if_due()

    def resumed(self) -> None:
        """Judge all afresh, over new connections: the other ends of the old ones may have given them up
        unheard. Answers that come over those may go on."""
        if self._local_only or self._closed:
            return
        if self._session is not None:
            self._former.append(self._session)
            self._session = None
        for watch in self._watches.values():
            watch.resumed()

    async def close(self) -> None:
        """Drop everything that is under way."""
        self._closed = True
        for watch in self._watches.values():
            watch.close()
        for session in (*self._former, *([self._session] if self._session is not None else [])):
            await session.close()

    # -- requests --------------------------------------------------------------------------------------

    async def answer(self, route: Route, call: Call) -> UpstreamAnswer:
        """Ask the upstream for its answer to a request that was routed to it (`route.upstream`).

        Raises UpstreamFailed, or NoRoute where several were asked; LocalOnly.
        """
        slot = self._store.snapshot.slot(route.slot) if route.slot else None
        if slot is None:
            target = f"{route.upstream}/{route.model}"
            return await self._first(target, [Wanted(target)], call)
        targets = [Wanted(slot.upstream or ""), *fallbacks(slot, route.model)]
        answer = await self._first(slot.name, targets, call)
        if (bound := self._bound.get(slot.name)) is not None:
            self._count(bound, answer)
        return answer

    async def instead_of(
        self, slot: SlotStatus, model: str | None, error: RouterError, call: Call
    ) -> UpstreamAnswer:
        """Ask the slot's `fallback` for an answer in its place. `model`: the one the request named, if any.

        Raises `error` itself where nobody may answer instead; else NoRoute that names all and why.
        """
        if not slot.fallback or self._local_only or not falls_back(error):
            raise error
        tried = Tried(slot.name, error.message.rstrip("."), error.retry_after, error.mends)
        return await self._first(slot.name, fallbacks(slot, model), call, [tried])

    async def instead_now(self, slot: SlotStatus, place: str, call: Call) -> UpstreamAnswer:
        """Ask `place`, one of the slot's `fallback`, before the slot itself. Raises UpstreamFailed."""
        names = tuple(wanted.names for wanted in fallbacks(slot, None) if wanted.target == place)
        return await self._first(slot.name, [Wanted(place, *names[:1])], call)

    async def _first(
        self, name: str, wanted: Sequence[Wanted], call: Call, tried: Sequence[Tried] = ()
    ) -> UpstreamAnswer:
        """Ask `wanted` in their order; return the first answer."""
        if self._local_only:
            raise local_only(name)
        failed = list(tried)
        for one in wanted:
            upstream = split_target(one.target)[0]
            if (watch := self._watches.get(upstream)) is not None:
                await watch.fresh()
                if watch.sleeps:
                    await asyncio.wait({watch.wake()})  # for many at once; it may be given up
                watch = self._watches.get(upstream)  # hal0.yaml may say otherwise by now
            found = attempt(one, self._configs, self.statuses())
            if watch is None or found.model is None:
                failed.append(Tried(found.upstream, found.reason))
                continue
            try:
                return await self._ask_awake(watch, found.model, call)
            except AskFailed as error:
                log.warning("upstream %s did not answer: %s", found.upstream, error.reason)
                by = f"{found.upstream}/{found.model}"
                failed.append(Tried(by, error.reason, error.retry_after, error.mends))
        if len(failed) == 1:
            raise UpstreamFailed(
                f'Upstream "{failed[0].by}" did not answer: {failed[0].reason}.',
                details={"upstream": failed[0].by, "reason": failed[0].reason},
                retry_after=failed[0].retry_after,
                mends=failed[0].mends,
            )
        raise no_route(name, failed)

    async def _ask_awake(self, watch: Watch, model: str, call: Call) -> UpstreamAnswer:
        """Ask one that was well a little while ago, and once more if it has fallen asleep since."""
        try:
            return await self._ask(watch, model, call)
        except AskFailed as error:
            if not (error.link and watch.sleeps):
                raise
            await asyncio.wait({watch.wake()})
            if watch.status.state is not UpstreamState.OK:
                raise
        return await self._ask(watch, model, call)

    async def _ask(self, watch: Watch, model: str, call: Call) -> UpstreamAnswer:
        try:
            answer = await self._answer_of(watch, model, call)
        except AskFailed as error:
            if error.answered == _WRONG_KEY:
                self._keys.forget(watch.config.api_key)
            if error.link or (error.answered in (_WRONG_KEY, _UNPAID) and watch.has_only(model)):
                watch.failed(error.reason, link=error.link)
            elif error.answered == _WRONG_KEY:
                watch.look()  # some take a key for some models only: the list tells if it is no good at all
            raise
        watch.answered()
        return answer

    async def _answer_of(self, watch: Watch, model: str, call: Call) -> UpstreamAnswer:
        """Ask where its list was found; without a list, at one address after the other."""
        key = await self._key(watch.config)
        addresses = base_urls(watch.config) if watch.found_at is None else (watch.found_at,)
        failed: AskFailed | None = None
        for base_url in addresses:
            try:
                answer = await ask(self._client(), replace(watch.config, base_url=base_url), key, model, call)
            except AskFailed as error:
                failed = failed or error
                if error.answered not in _NO_SUCH_PATH:
                    raise failed from None
            else:
                watch.found_at = base_url
                return answer
        assert failed is not None, "every upstream has an address"
        raise failed

    def _count(self, bound: Bound, answer: UpstreamAnswer) -> None:
        bound.in_flight += 1
        bound.served_by = answer.served_by if answer.served_by != bound.target else None
        answer.on_close = partial(self._ended, bound)
        self.publish()

    def _ended(self, bound: Bound) -> None:
        bound.in_flight -= 1
        self.publish()

    # -- the network -----------------------------------------------------------------------------------

    async def _look(self, upstream: UpstreamConfig) -> Listing:
        try:
            return await list_models(self._client(), upstream, await self._key(upstream))
        except AskFailed as error:
            if error.answered == _WRONG_KEY:
                self._keys.forget(upstream.api_key)
            raise

    async def _key(self, upstream: UpstreamConfig) -> str | None:
        try:
            return await self._keys.find(upstream.api_key)
        except KeyMissing as error:
            raise AskFailed(upstream.name, str(error)) from None

    def _client(self) -> aiohttp.ClientSession:
        """Return the only way out of this computer; closed for as long as nothing may leave it."""
        if self._local_only or self._closed:
            raise local_only("an upstream")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=self._ssl or True, keepalive_timeout=30.0),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"hal0/{__version__}"},
                timeout=aiohttp.ClientTimeout(total=None),
                trace_configs=[traces()],
                max_line_size=_MAX_HEADER,
                max_field_size=_MAX_HEADER,
            )
        return self._session


def local_only(name: str) -> LocalOnly:
    return LocalOnly(
        f'"{name}" is answered by another server, and nothing may leave this computer now; set local_only: '
        "false in hal0.yaml, or switch that off in the tray."
    )
