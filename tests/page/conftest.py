"""`visit`: a person with a browser, Debian's Chromium; `stand_in`: an endpoint that shows any moment.

What a page does wrong unseen fails its test: an error of its scripts, anything that its own policy had to stop,
and a request to anybody but hal0.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from router.state import Snapshot
from tests.e2e.conftest import hal0, make_hal0, model_folder  # noqa: F401 - fixtures: a real one
from tests.page.stand_in import StandIn

WAIT_MS = 20_000
expect.set_options(timeout=WAIT_MS)


@dataclass
class Visit:
    """What was seen in one browser context. `faults` must be empty in the end, but for those that have one of
    `expected` in them."""

    context: BrowserContext
    faults: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    expected: tuple[str, ...] = ()

    async def page(self, url: str) -> Page:
        page = await self.context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: self.faults.append(f"{error}\n{error.stack}"))
        page.on("console", self._heard)
        page.on("request", lambda request: self.hosts.add(_host(request.url)))
        await page.goto(url)
        return page

    def unexpected(self) -> list[str]:
        return [fault for fault in self.faults if not any(words in fault for words in self.expected)]

    def _heard(self, message: ConsoleMessage) -> None:
        # An answer of 401, and a server that is away, are no faults of the page.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.faults.append(message.text)


def _host(url: str) -> str:
    parts = urlsplit(url)
    return parts.netloc if parts.scheme in ("http", "https") else f"{parts.scheme}:"


Visitor = Callable[..., Awaitable[Visit]]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("chromium is missing: run `python packaging/system_packages.py test` (make test does).")
    # Root may not have a sandbox; what is visited is ours.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as driver:
        launched = await driver.chromium.launch(executable_path=program, args=arguments)
        yield launched
        await launched.close()


@pytest.fixture
async def visit(browser: Browser) -> AsyncIterator[Visitor]:
    """`await visit(**context options)`: a fresh profile."""
    visits: list[Visit] = []

    async def begin(**options: Any) -> Visit:
        visits.append(Visit(await browser.new_context(**options)))
        return visits[-1]

    yield begin
    for made in visits:
        await made.context.close()
    assert [fault for made in visits for fault in made.unexpected()] == []
    for made in visits:
        assert {host for host in made.hosts if not host.startswith("127.0.0.1:")} <= {"data:", "blob:"}


@pytest.fixture
async def stand_in(tmp_path: Path) -> AsyncIterator[Callable[[Snapshot], Awaitable[StandIn]]]:
    made: list[StandIn] = []

    async def begin(snapshot: Snapshot) -> StandIn:
        made.append(StandIn(snapshot, tmp_path))
        await made[-1].start()
        return made[-1]

    yield begin
    for one in made:
        await one.close()
