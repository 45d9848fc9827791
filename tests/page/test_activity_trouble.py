"""The activity view in trouble: no contact, no key, no records, and far too many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from router.state import Snapshot
from tests.app import scenes
from tests.e2e.conftest import SLOTS
from tests.e2e.harness import Hal0
from tests.page.conftest import Visitor
from tests.page.stand_in import StandIn, asked
from tests.page.test_activity import TWO, opened, rows_of
from tests.page.test_links import FAR, KEY, with_key

Begin = Callable[[Snapshot], Awaitable[StandIn]]
RATE, SECONDS = 500, 4


# How long the page was deaf while the rows came: the longest gap between two turns of its loop.
async def meter(page: Page) -> Callable[[], Awaitable[float]]:
    """What it returns tells the seconds that the page's thread has computed since now, whatever else the
    processor did meanwhile."""
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})

    async def taken() -> float:
        metrics = (await session.send("Performance.getMetrics"))["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    before = await taken()

    async def since() -> float:
        return await taken() - before

    return since


async def test_what_came_while_there_was_no_contact_is_there_after_it(hal0: Hal0, visit: Visitor) -> None:
    page = await opened(hal0, visit)
    await hal0.chat()
    rows = rows_of(page)
    await expect(rows).to_have_count(1)
    assert await hal0.stop() == 0
    await expect(page.locator("header .chip")).to_have_text("Offline")
    await expect(rows).to_have_count(1)
    await hal0.start()
    await hal0.until_ready("alpha")
    await hal0.chat()
    await expect(rows).to_have_count(2)
    await hal0.chat()
    await expect(rows).to_have_count(3)


async def test_with_a_key_set_it_is_asked_for(make_hal0: Callable[[str], Hal0], visit: Visitor) -> None:
    """Also on this computer: what others asked is not for everybody."""
    hal0 = await with_key(make_hal0)
    page = await opened(hal0, visit)
    dialog = page.get_by_role("dialog", name="An API key is needed")
    await dialog.get_by_role("button", name="Not now").click()
    await expect(page.locator("main .bad")).not_to_be_empty()
    await page.reload()
    await dialog.get_by_label("API key").fill(KEY)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Nothing was asked yet")).to_be_visible()
    assert (await hal0.ask())[0] == 401
    await expect(rows_of(page).first).to_contain_text("401 refused")
    page.once("dialog", lambda asked: asked.accept())
    await page.get_by_role("button", name="Forget all").click()
    await expect(page.get_by_text("Nothing was asked yet")).to_be_visible()


async def test_a_key_for_some_slots_shows_what_was_asked_of_those(
    make_hal0: Callable[[str], Hal0], visit: Visitor
) -> None:
    guest = "{name: guest, key: guest-key, may: [observe], slots: [coder]}"
    hal0 = await with_key(make_hal0, f"{KEY}, {guest}", TWO)
    for slot in ("primary", "coder"):
        await hal0.until_ready(name=slot)

    async def ask(model: str) -> None:
        body = {"model": model, "messages": [{"role": "user", "content": "Hello?"}]}
        headers = {"Authorization": f"Bearer {KEY}"}
        async with hal0.session.post(f"{hal0.url}/v1/chat/completions", json=body, headers=headers) as answer:
            assert answer.status == 200

    await ask("primary")
    await ask("coder")
    page = await (await visit(extra_http_headers=FAR)).page(f"{hal0.url}/#/activity")
    await page.get_by_role("dialog").get_by_label("API key").fill("guest-key")
    await page.keyboard.press("Enter")
    rows = rows_of(page)
    await expect(rows).to_have_count(1)
    await ask("primary")
    await ask("coder")
    await expect(rows).to_have_count(2)
    for row in await rows.all():
        await expect(row.locator("td").nth(1)).to_have_text("coder")
    await rows.first.get_by_role("button").click()
    await expect(page.locator(".timeline li .what").last).to_have_text("last byte")
    await expect(page.locator("main .bad")).to_have_count(0)
    await expect(page.get_by_label("Slot").locator("option")).to_have_text(["all", "coder"])


async def test_what_cannot_be_recorded_is_said(make_hal0: Callable[[str], Hal0], visit: Visitor) -> None:
    hal0 = make_hal0(SLOTS)
    (hal0.home / "state" / "hal0" / "activity.db").mkdir(parents=True)
    await hal0.start()
    page = await opened(hal0, visit)
    await expect(page.get_by_text("Requests cannot be recorded in")).to_be_visible()
    await hal0.ask("nobody")
    await expect(rows_of(page)).to_have_count(1)


async def test_five_hundred_rows_a_second_do_not_stop_it(stand_in: Begin, visit: Visitor) -> None:
    """They are hal0's own records, of requests that nobody made: engines would not answer so many a second on
    a computer that draws them, too."""
    hal0 = await stand_in(scenes.ready())
    page = await (await visit()).page(f"{hal0.url}/#/activity")
    await expect(page.get_by_text("Nothing was asked yet")).to_be_visible()
    taken = await meter(page)
    loop = asyncio.get_running_loop()
    begun, sent = loop.time(), 0
    while sent < RATE * SECONDS:
        await asyncio.sleep(0.05)  # this is the rate, not a wait
        due = min(RATE * SECONDS, int((loop.time() - begun) * RATE))
        hal0.ended(*(asked(n) for n in range(sent, due)))
        sent = due
    hal0.ended(asked(sent, model="the-last"))
    newest = page.locator("tbody tr").first
    await expect(newest).to_contain_text("the-last")
    await newest.get_by_role("button").click()
    await expect(page.locator(".request dd").first).to_have_text(f"r{sent}")
    assert await rows_of(page).count() == 100, "no more are drawn than can be read"
    assert 0 < await taken() < SECONDS, "it keeps up with them"
    await page.get_by_role("button", name="Pause").click()
    hal0.ended(asked(sent + 1))
    await page.get_by_role("link", name="Slots").click()
    await expect(page.get_by_role("article", name="primary")).to_be_visible()


async def test_other_slots_requests_push_nothing_out_of_a_filter(stand_in: Begin, visit: Visitor) -> None:
    """More of them than the page holds."""
    hal0 = await stand_in(scenes.ready())
    hal0.ended(asked(0, slot="coder"))
    page = await (await visit()).page(f"{hal0.url}/#/activity")
    await page.get_by_label("Slot").select_option("coder")
    await expect(rows_of(page)).to_have_count(1)
    hal0.ended(*(asked(n) for n in range(1, 700)))
    hal0.ended(asked(700, slot="coder"))
    await expect(rows_of(page)).to_have_count(2)


async def test_a_hal0_without_records_says_so(hal0: Hal0, visit: Visitor) -> None:
    seen = await visit()
    await seen.context.route(
        "**/api/activity?*",
        lambda route: route.fulfill(status=404, json={"error": {"message": "There is nothing.", "code": "x"}}),
    )
    page = await seen.page(f"{hal0.url}/#/activity")
    await expect(page.get_by_text("There is nothing.")).to_be_visible()
