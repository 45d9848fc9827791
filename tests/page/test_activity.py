"""The activity view over a stand-in for the records (tests/page/stand_in.py says which)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from playwright.async_api import expect

from router.state import Snapshot
from tests.app import scenes
from tests.page.conftest import Visitor
from tests.page.stand_in import StandIn, record

Begin = Callable[[Snapshot], Awaitable[StandIn]]
RATE, SECONDS = 500, 4

# How long the page was deaf while the rows came: the longest gap between two turns of its loop.
WATCH = """() => {
    window.longest = 0;
    let last = performance.now();
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
        const now = performance.now();
        window.longest = Math.max(window.longest, now - last);
        last = now;
        setTimeout(() => channel.port2.postMessage(0), 5);
    };
    channel.port2.postMessage(0);
}"""


async def test_what_was_kept_and_what_ends_now_is_shown_filtered(stand_in: Begin, visit: Visitor) -> None:
    hal0 = await stand_in(scenes.ready())
    hal0.ended(record(1), record(2, slot="coder", model="gemma-27b"))
    page = await (await visit()).page(f"{hal0.url}/#/activity")
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(2)
    hal0.ended(record(3, status=502, outcome="refused", failed=True, code="engine.failed", error="It died."))
    await expect(rows).to_have_count(3)
    await expect(rows.first).to_contain_text("502 refused")
    await page.get_by_label("Only failures").check()
    await expect(rows).to_have_count(1)
    await page.get_by_label("Only failures").uncheck()
    await page.get_by_label("Slot").select_option("coder")
    await expect(rows).to_have_count(1)
    hal0.ended(record(4, slot="coder"), record(5))
    await expect(rows).to_have_count(2)
    await page.get_by_label("Slot").select_option("")
    await page.get_by_label("Search").fill("gemma")
    await expect(rows).to_have_count(1)
    await page.get_by_label("Search").fill("nobody says that")
    await expect(page.get_by_text("No request has that")).to_be_visible()


async def test_a_request_s_timeline(stand_in: Begin, visit: Visitor) -> None:
    hal0 = await stand_in(scenes.ready())
    hal0.ended(record(1, switch="caused", switched_from="gemma-27b"))
    page = await (await visit()).page(f"{hal0.url}/#/activity")
    await page.get_by_role("button", name="details").click()
    steps = page.locator(".timeline li")
    await expect(steps).to_have_count(5)
    await expect(steps.nth(3)).to_contain_text("first byte310 ms")
    await expect(page.locator(".request dl")).to_contain_text("gemma-27b made room")
    await expect(page.locator(".request dl")).to_contain_text("812 in (640 cached), 93 out")


async def test_older_ones_are_fetched_when_they_are_wanted(stand_in: Begin, visit: Visitor) -> None:
    hal0 = await stand_in(scenes.ready())
    hal0.ended(*(record(n) for n in range(250)))
    page = await (await visit()).page(f"{hal0.url}/#/activity")
    rows = page.locator("tbody tr")
    for count in (100, 200, 250):
        await expect(rows).to_have_count(count)
        if count < 250:
            await page.get_by_role("button", name="Older").click()
    await expect(page.get_by_role("button", name="Older")).to_have_count(0)


async def test_five_hundred_rows_a_second_do_not_stop_it(stand_in: Begin, visit: Visitor) -> None:
    hal0 = await stand_in(scenes.ready())
    page = await (await visit()).page(f"{hal0.url}/#/activity")
    await expect(page.get_by_text("Nothing was asked yet")).to_be_visible()
    await page.evaluate(WATCH)
    loop = asyncio.get_running_loop()
    begun, sent = loop.time(), 0
    while sent < RATE * SECONDS:
        await asyncio.sleep(0.05)  # this is the rate, not a wait
        due = min(RATE * SECONDS, int((loop.time() - begun) * RATE))
        hal0.ended(*(record(n) for n in range(sent, due)))
        sent = due
    hal0.ended(record(sent, model="the-last"))
    newest = page.locator("tbody tr").first
    await expect(newest).to_contain_text("the-last")
    await newest.get_by_role("button").click()
    await expect(page.locator(".request dd").first).to_have_text(f"r{sent}")
    assert await page.locator("tbody tr:not(.details)").count() == 100, "no more are drawn than can be read"
    assert await page.evaluate("window.longest") < 1000
    await page.get_by_role("button", name="Pause").click()
    hal0.ended(record(sent + 1))
    await page.get_by_role("link", name="Slots").click()
    await expect(page.get_by_role("article", name="primary")).to_be_visible()


async def test_a_hal0_without_records_says_so(stand_in: Begin, visit: Visitor) -> None:
    hal0 = await stand_in(scenes.ready())
    seen = await visit()
    await seen.context.route(
        "**/api/activity?*",
        lambda route: route.fulfill(status=404, json={"error": {"message": "There is nothing.", "code": "x"}}),
    )
    page = await seen.page(f"{hal0.url}/#/activity")
    await expect(page.get_by_text("There is nothing.")).to_be_visible()
