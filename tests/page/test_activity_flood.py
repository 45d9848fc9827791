"""The activity view under a flood: 500 requests a second that a real hal0 is really asked, over HTTP."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator

from playwright.async_api import expect

from router.base.tasks import spawn
from tests.e2e.harness import Hal0
from tests.page.conftest import Visitor
from tests.page.test_activity import opened, rows_of
from tests.page.test_activity_trouble import meter

RATE, SECONDS, LINES = 500, 4, 8
HELD, DRAWN = 500, 100
"""Requests that the page holds while nobody asks for older ones, and rows that it draws at first."""


class Flood:
    """Asks for models that nobody has, each another one: refused, recorded and told like every request, and
    no engine has to keep up. On a computer that is too busy it takes longer.

    Attributes:
        wanted: it goes on beyond SECONDS while this is true.
        sent: requests so far.
    """

    def __init__(self, hal0: Hal0) -> None:
        self._port = hal0.port
        self.wanted = True
        self.sent = 0

    async def run(self) -> None:
        numbers, began = itertools.count(1), asyncio.get_running_loop().time()
        await asyncio.gather(*(self._line(numbers, began) for _ in range(LINES)))

    async def _line(self, numbers: Iterator[int], began: float) -> None:
        """One connection of LINES; each takes the next request when it is due."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        loop = asyncio.get_running_loop()
        for number in numbers:
            if number > RATE * SECONDS and not self.wanted:
                break
            await asyncio.sleep(max(0.0, began + number / RATE - loop.time()))  # this is the rate, not a wait
            writer.write(_request(f"nobody-{number}"))
            self.sent = max(self.sent, number)
            status = await reader.readline()
            assert b" 404 " in status, status
            await _skip_answer(reader)
        writer.close()
        await writer.wait_closed()


def _request(model: str) -> bytes:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello?"}]}).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _skip_answer(reader: asyncio.StreamReader) -> None:
    length = 0
    while (line := await reader.readline()).strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    await reader.readexactly(length)


async def test_five_hundred_real_requests_a_second_are_shown_as_they_come(hal0: Hal0, visit: Visitor) -> None:
    page = await opened(hal0, visit)
    await expect(page.get_by_text("Nothing was asked yet")).to_be_visible()
    rows, pause = rows_of(page), page.get_by_role("button", name="Pause")
    taken = await meter(page)
    flood = Flood(hal0)
    running = spawn(flood.run(), name="flood")
    await expect(rows).to_have_count(DRAWN)

    # In the middle of it a person stops the list, looks at one of its requests, and lets it go on.
    await pause.click()
    asked = await rows.first.locator("td").nth(2).inner_text()
    await rows.first.get_by_role("button").click()
    await expect(page.locator(".request .problem p").first).to_contain_text(asked)
    assert not running.done(), "it was in the middle of it"
    flood.wanted = False
    await page.get_by_role("button", name="Go on").click()
    await running

    # What stands there in the end is what hal0 itself says, newest first, and no more than can be read.
    told = (await hal0.get(f"/api/activity?limit={DRAWN}"))["requests"]
    newest = [record["asked"] for record in told]
    assert set(newest[:LINES]) & {f"nobody-{flood.sent - n}" for n in range(LINES)}
    await expect(rows.locator("td:nth-child(3)")).to_have_text(newest)
    await expect(page.get_by_text("came faster than they could be told")).to_have_count(0)
    await page.get_by_label("Search").fill("nobody-at-all")
    await expect(page.get_by_text(f"The newest {HELD} were searched")).to_be_visible()
    assert 0 < await taken() < flood.sent / RATE, "it keeps up with them: 1.3 s for 2,600"
