"""The activity view: a real hal0's records of what real engines were asked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Locator, Page, expect

from tests.e2e.conftest import SLOTS
from tests.e2e.harness import Hal0
from tests.page.conftest import Visitor

TWO = "slots:\n  primary: {model: alpha, autoload: true}\n  coder: {model: beta, autoload: true}\n"


def rows_of(page: Page) -> Locator:
    return page.locator("tbody tr:not(.details)")


async def opened(hal0: Hal0, visit: Visitor) -> Page:
    return await (await visit()).page(f"{hal0.url}/#/activity")


async def fact(page: Page, name: str) -> str:
    return await page.locator(f".request div:has(> dt:text-is('{name}')) dd").inner_text()


async def test_requests_appear_as_they_end_and_are_filtered(
    make_hal0: Callable[[str], Hal0], visit: Visitor
) -> None:
    hal0 = make_hal0(TWO)
    await hal0.start()
    for slot in ("primary", "coder"):
        await hal0.until_ready(name=slot)
    page = await opened(hal0, visit)
    await expect(page.get_by_text("Nothing was asked yet")).to_be_visible()
    rows = rows_of(page)
    for count, model in enumerate(("primary", "coder", "primary"), 1):
        await hal0.chat(model)
        await expect(rows).to_have_count(count)
    assert (await hal0.ask("nobody"))[0] == 404
    await expect(rows).to_have_count(4)
    await expect(rows.nth(0)).to_contain_text("404 refused")
    cells = await rows.nth(2).locator("td").all_inner_texts()
    assert cells[1:3] == ["coder", "beta"] and cells[3].startswith("Python") and cells[4] == "200", cells

    await page.get_by_label("Only failures").check()
    await expect(rows).to_have_count(1)
    await hal0.chat("primary")
    assert (await hal0.ask("nobody either"))[0] == 404
    await expect(rows).to_have_count(2)
    await page.get_by_label("Slot").select_option("coder")
    await expect(page.get_by_text("No request matches")).to_be_visible()
    await page.get_by_label("Only failures").uncheck()
    await expect(rows).to_have_count(1)
    await hal0.chat("primary")
    await hal0.chat("coder")
    await expect(rows).to_have_count(2)
    await page.get_by_label("Slot").select_option("")
    await expect(rows).to_have_count(8)
    for words, count in (("beta", 2), ("no model or slot", 2), ("python", 8), ("nobody says that", 0)):
        await page.get_by_label("Search").fill(words)
        await expect(rows).to_have_count(count)
    await expect(page.get_by_text("All that are kept were searched")).to_be_visible()


async def test_what_happened_when(hal0: Hal0, visit: Visitor) -> None:
    await hal0.chat("beta")
    [told] = (await hal0.get("/api/activity"))["requests"]
    page = await opened(hal0, visit)
    await page.get_by_role("button", name="details").click()
    steps = page.locator(".timeline li")
    whole = await hal0.get(f"/api/activity/{told['id']}")
    what = [step["what"] for step in whole["timeline"]]
    assert "switch caused" in what and what[-1] == "last byte"
    await expect(steps.locator(".what")).to_have_text(what)
    assert await fact(page, "Request") == told["request"]
    assert await fact(page, "Switch") == "caused, alpha made room"
    counts = [told[f"tokens_{kind}"] for kind in ("prompt", "cached", "completion")]
    assert await fact(page, "Tokens") == "{} in ({} cached), {} out".format(*counts)


async def breaks(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b'data: {"choices": [{"index": 0, "delta": {"content": "so"}}]}\n\n')
    assert request.transport is not None
    request.transport.abort()
    return response


async def test_what_was_refused_and_what_failed_says_why(
    make_hal0: Callable[[str], Hal0], visit: Visitor
) -> None:
    far = web.Application()
    far.router.add_post("/v1/chat/completions", breaks)
    async with TestServer(far, host="127.0.0.1") as server:
        upstream = f'far: {{base_url: "http://127.0.0.1:{server.port}/v1", models: [breaks]}}'
        hal0 = make_hal0(f"{SLOTS}upstreams: {{{upstream}}}\nactivity: {{bodies: errors}}\n")
        await hal0.start()
        page = await opened(hal0, visit)
        _, refused = await hal0.ask("nobody")
        with contextlib.suppress(aiohttp.ClientError):
            await hal0.ask("far/breaks", stream=True)
        rows = rows_of(page)
        await expect(rows).to_have_count(2)
        broken = (await hal0.get("/api/activity?limit=1"))["requests"][0]
        assert broken["outcome"] == "broken" and broken["error"]
        sentences: list[tuple[str, str]] = [
            ("200 broken", broken["error"]),
            ("404 refused", refused["error"]["message"]),
        ]
        for row, (status, sentence) in zip(await rows.all(), sentences, strict=True):
            await expect(row.locator(".status")).to_have_text(status)
            await row.get_by_role("button").click()
            await expect(page.locator(".request .problem p").first).to_have_text(sentence)
            await row.get_by_role("button").click()
        await rows.last.get_by_role("button").click()
        await page.get_by_text("What was asked").click()
        await expect(page.get_by_role("region", name="What was asked")).to_contain_text('"nobody"')


async def test_all_is_forgotten_when_a_person_says_so(hal0: Hal0, visit: Visitor) -> None:
    page, other = await opened(hal0, visit), await opened(hal0, visit)
    await hal0.chat()
    for shown in (page, other):
        await expect(rows_of(shown)).to_have_count(1)
    forget = page.get_by_role("button", name="Forget all")
    page.once("dialog", lambda dialog: dialog.dismiss())
    await forget.click()
    await expect(rows_of(page)).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.accept())
    await forget.click()
    await expect(page.get_by_text("Nothing was asked yet")).to_be_visible()
    await expect(forget).to_be_disabled()
    assert (await hal0.get("/api/activity"))["kept"] == 0
    await expect(rows_of(other)).to_have_count(0)
    await expect(other.get_by_text("Nothing was asked yet")).to_be_visible()
    await hal0.chat()
    for shown in (page, other):
        await expect(rows_of(shown)).to_have_count(1)


async def test_what_is_not_kept_has_details_all_the_same(
    make_hal0: Callable[[str], Hal0], visit: Visitor
) -> None:
    hal0 = make_hal0(f"{SLOTS}activity: {{keep: 0}}\n")
    await hal0.start()
    await hal0.until_ready("alpha")
    page = await opened(hal0, visit)
    await hal0.chat()
    await page.get_by_role("button", name="details").click()
    await expect(page.locator(".timeline li .what").last).to_have_text("last byte")
    assert "alpha" in await fact(page, "Answered by")
    await expect(page.locator(".request .bad")).to_have_count(0)


async def test_older_ones_are_fetched_when_they_are_wanted(hal0: Hal0, visit: Visitor) -> None:
    for number in range(250):
        assert (await hal0.post(f"/v1/nothing/{number}"))[0] == 404
    page = await opened(hal0, visit)
    rows, older = rows_of(page), page.get_by_role("button", name="Older")
    await page.get_by_label("Search").fill("/v1/nothing/0")
    await expect(page.get_by_text("The newest 100 were searched")).to_be_visible()
    for _ in range(2):
        await older.click()
    await expect(rows).to_have_count(1)
    await page.get_by_label("Search").fill("")
    await expect(rows).to_have_count(250)
    await page.reload()
    for count in (100, 200, 250):
        await expect(rows).to_have_count(count)
        if count < 250:
            await older.click()
    await expect(older).to_have_count(0)
