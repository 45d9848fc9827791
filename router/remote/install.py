"""Having another hal0 fetch a llama-server for its computer, and watching it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import aiohttp

from router.remote.link import HEARTBEAT_SECONDS, EventLink, patience
from router.wire.json_dataclass import read
from router.wire.sse import Event, SseParser

if TYPE_CHECKING:
    from router.engine.install.progress import OnProgress


async def install_engine(link: EventLink, on_progress: OnProgress) -> str:
    """Return the version that was installed there. Raises RouterError; cancelling ends it there, too."""
    link.check()
    try:
        url, headers = link.base_url + "/api/engine/install", await link.headers()
        async with link.session.post(url, json={}, headers=headers, allow_redirects=False) as answer:
            if answer.content_type != "text/event-stream":
                raise link.refusal(answer.status, await answer.read())
            return await _watch(answer, link, on_progress)
    except (aiohttp.ClientError, OSError) as error:
        raise link.no_answer(error) from error


async def _watch(answer: aiohttp.ClientResponse, link: EventLink, on_progress: OnProgress) -> str:
    parser = SseParser()
    while True:
        async with asyncio.timeout(patience(HEARTBEAT_SECONDS)):
            piece = await answer.content.readany()
        for event in parser.feed(piece):
            if (version := _step(event, link, on_progress)) is not None:
                return version
        if not piece:
            raise aiohttp.ServerDisconnectedError


def _step(event: Event, link: EventLink, on_progress: OnProgress) -> str | None:
    """Return the version, once it is installed."""
    from router.engine.install.progress import InstallProgress  # 20 ms of every start otherwise

    document = event.json()
    if event.name == "error":
        status = document.get("status")
        raise link.refusal(status if isinstance(status, int) else 502, json.dumps(document).encode())
    if event.name == "progress":
        on_progress(read(InstallProgress, document))
    return str(document.get("version")) if event.name == "installed" else None
