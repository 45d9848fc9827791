"""One other hal0: what it says of itself, and commands to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from router.config.change import REMOVE, ConfigChange, ConfigDocument
from router.engine.find import EngineProblem
from router.errors import UpstreamFailed
from router.remote.install import install_engine
from router.remote.link import HEARTBEAT_SECONDS, EventLink, FindKey
from router.state import DownloadOrder, Snapshot
from router.tasks import spawn
from router.wire.config import parse_config_json
from router.wire.offer import Offer, parse_offer
from router.wire.plain import NotPlain, read

if TYPE_CHECKING:
    from router.engine.install.progress import OnProgress

READ_SECONDS = 10.0
"""For an answer that waits for nothing."""

APPLY_SECONDS = 60.0
"""For hal0.yaml to be written and in effect."""

HUB_SECONDS = 120.0
"""For Hugging Face to be asked, which may be slow, and asked again."""


class RemoteHal0:
    """Commands raise RouterError: what the other hal0 refused with, or UpstreamFailed without contact."""

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

    async def close(self) -> None:
        await self._link.close()

    # -- commands --------------------------------------------------------------------------------------

    async def load(self, slot: str, model: str, *, force: bool = False) -> None:
        """Returns when the model is ready there. However long: only lost contact ends the wait."""
        body: dict[str, Any] = {"model": model} | ({"force": True} if force else {})
        await self._order(_slot_path(slot, "load"), body)

    async def unload(self, slot: str) -> None:
        await self._order(_slot_path(slot, "unload"))

    async def unload_all(self) -> None:
        await self._order("/api/unload")

    async def restart(self, slot: str) -> None:
        await self._order(_slot_path(slot, "restart"))

    async def cancel(self, slot: str) -> None:
        await self._ask("POST", _slot_path(slot, "cancel"), {}, READ_SECONDS)

    async def cut(self, slot: str) -> None:
        await self._ask("POST", _slot_path(slot, "cut"), {}, READ_SECONDS)

    async def wait(self, slot: str) -> None:
        await self._ask("POST", _slot_path(slot, "wait"), {}, READ_SECONDS)

    async def logs(self, slot: str) -> list[str]:
        return self._lines(await self._ask("GET", _slot_path(slot, "logs"), None, READ_SECONDS), "lines")

    async def router_log(self) -> list[str]:
        return self._lines(await self._ask("GET", "/api/log", None, READ_SECONDS), "lines")

    async def engine_command(self, slot: str) -> list[str]:
        return self._lines(await self._ask("GET", _slot_path(slot, "command"), None, READ_SECONDS), "command")

    async def read_config(self) -> ConfigDocument:
        return self._document(await self._ask("GET", "/api/config", None, READ_SECONDS))

    async def edit_config(self, changes: Sequence[ConfigChange]) -> None:
        asked = [change_json(change) for change in changes]
        await self._ask("POST", "/api/config", {"changes": asked}, APPLY_SECONDS)

    async def engine_problem(self) -> EngineProblem | None:
        told = await self._ask("GET", "/api/engine", None, READ_SECONDS)
        try:
            return None if told["problem"] is None else read(EngineProblem, told["problem"])
        except (KeyError, TypeError, NotPlain):
            raise self._foreign() from None

    async def install_engine(self, on_progress: OnProgress) -> str:
        """Fetch a llama-server there; its version. `on_progress` is called on this loop; cancelling ends it."""
        return await install_engine(self._link, on_progress)

    async def offer(self, reference: str) -> Offer:
        """What that repository on Hugging Face has, for that computer."""
        told = await self._ask("GET", f"/api/hub/plan?ref={quote(reference, safe='')}", None, HUB_SECONDS)
        try:
            return parse_offer(told)
        except NotPlain:
            raise self._foreign() from None

    async def download(self, order: DownloadOrder, reference: str) -> None:
        """Carry out `order` there; what starts goes on by itself."""
        path = "/api/downloads" if order is DownloadOrder.START else f"/api/downloads/{order.value}"
        await self._order(path, {"reference": reference})

    # -- HTTP ------------------------------------------------------------------------------------------

    async def _order(self, path: str, body: dict[str, Any] | None = None) -> None:
        """A command that takes as long as it takes: while there is contact, somebody is at it."""
        self._link.check()
        asking = spawn(self._quietly("POST", path, body or {}), name=f"{path} at {self.base_url}")
        losing = spawn(self._link.lost.wait(), name=f"contact with {self.base_url}")
        try:
            await asyncio.wait({asking, losing}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise UpstreamFailed(f"{self.error} What was ordered there may go on.")
            if (refusal := asking.result()) is not None:
                raise refusal
        finally:
            asking.cancel()
            losing.cancel()

    async def _quietly(self, method: str, path: str, body: dict[str, Any]) -> Exception | None:
        """A refusal is the answer: its own task would log it a second time."""
        try:
            await self._ask(method, path, body, None)
        except Exception as error:  # noqa: BLE001 - it is raised by whoever waits
            return error
        return None

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None, seconds: float | None) -> Any:
        self._link.check()
        url, headers = URL(self.base_url + path, encoded=True), await self._link.headers()
        try:
            async with (
                asyncio.timeout(seconds),
                self._link.session.request(
                    method, url, json=body, headers=headers, allow_redirects=False
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

    def _lines(self, told: Any, name: str) -> list[str]:
        lines = told.get(name) if isinstance(told, dict) else None
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            raise self._foreign()
        return lines

    def _document(self, told: Any) -> ConfigDocument:
        try:
            config = parse_config_json(told["config"])
            return ConfigDocument(Path(told["file"]), bool(told["exists"]), str(told["text"]), config)
        except (KeyError, TypeError, NotPlain):
            raise self._foreign() from None

    def _foreign(self) -> UpstreamFailed:
        return UpstreamFailed(
            f"What answers at {self.base_url} is no hal0 of this version; bring both to the same."
        )


def _slot_path(slot: str, action: str) -> str:
    return f"/api/slots/{quote(slot, safe='')}/{action}"


def change_json(change: ConfigChange) -> dict[str, Any]:
    """As POST /api/config takes it."""
    path = list(change.path)
    return {"path": path, "remove": True} if change.value is REMOVE else {"path": path, "value": change.value}
