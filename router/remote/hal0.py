"""One other hal0: what it says of itself, and orders to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar, cast

import aiohttp
from yarl import URL

from router.base.errors import UpstreamFailed
from router.base.tasks import spawn
from router.orders.kinds import InstallEngine
from router.orders.order import Call, Order, encode
from router.remote.install import install_engine
from router.remote.link import HEARTBEAT_SECONDS, EventLink, FindKey
from router.state import Snapshot
from router.wire.json_dataclass import SchemaMismatch

R = TypeVar("R")


class RemoteHal0:
    """Orders raise RouterError: what the other hal0 refused with, or UpstreamFailed without contact."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        on_change: Callable[[], None] = lambda: None,
        *,
        heartbeat: float = HEARTBEAT_SECONDS,
        find_key: FindKey | None = None,
    ) -> None:
        """See EventLink; `heartbeat`: seconds. Follows from now on, until `close`."""
        self._link = EventLink(base_url, api_key, on_change, heartbeat=heartbeat, find_key=find_key)

    @property
    def base_url(self) -> str:
        return self._link.base_url

    @property
    def snapshot(self) -> Snapshot:
        """What it said last; an empty one before the first contact."""
        return self._link.snapshot

    @property
    def connected(self) -> bool:
        return self._link.connected

    @property
    def error(self) -> str | None:
        """One sentence why there is no contact; None also while the first try is under way."""
        return self._link.error

    def again(self) -> None:
        """Follow anew, at once; see EventLink."""
        self._link.again()

    async def close(self) -> None:
        await self._link.close()

    async def carry_out(self, order: Order[R]) -> R:
        """Return when it is done there. However long: only lost contact ends the wait."""
        if isinstance(order, InstallEngine):
            return cast(R, await install_engine(self._link, order.on_progress))
        call = encode(order)
        answer = await (self._wait_for(call) if call.seconds is None else self._ask(call))
        if order.outcome is None:
            return None  # type: ignore[return-value]  # R is None where there is no outcome
        try:
            done: R = order.outcome.read(answer)
        except (KeyError, TypeError, SchemaMismatch):
            raise self._foreign() from None
        return done

    # -- HTTP ------------------------------------------------------------------------------------------

    async def _wait_for(self, call: Call) -> Any:
        """Wait for as long as it takes: while there is contact, somebody is at it."""
        self._link.check()
        asking = spawn(self._quietly(call), name=f"{call.target} at {self.base_url}")
        losing = spawn(self._link.lost.wait(), name=f"contact with {self.base_url}")
        try:
            await asyncio.wait({asking, losing}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise UpstreamFailed(f"{self.error} What was ordered there may go on.")
            answer = asking.result()
            if isinstance(answer, Exception):
                raise answer
            return answer
        finally:
            asking.cancel()
            losing.cancel()

    async def _quietly(self, call: Call) -> Any:
        """Return a refusal as an answer: its own task would log it a second time."""
        try:
            return await self._ask(call)
        except Exception as error:  # noqa: BLE001 - it is raised by whoever waits
            return error

    async def _ask(self, call: Call) -> Any:
        self._link.check()
        url, headers = URL(self.base_url + call.target, encoded=True), await self._link.headers()
        try:
            async with (
                asyncio.timeout(call.seconds),
                self._link.session.request(
                    call.method, url, json=call.body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                raw = await answer.read()
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise self._link.no_answer(error) from error
        if answer.status >= 400:
            raise self._link.refusal(answer.status, raw, answer.headers.get("Retry-After"))
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            raise self._foreign() from None

    def _foreign(self) -> UpstreamFailed:
        return UpstreamFailed(
            f"What answers at {self.base_url} is another version of hal0; update both to the same one."
        )
