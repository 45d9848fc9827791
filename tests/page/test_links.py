"""Keys, and a hal0 that goes away and comes back."""

from __future__ import annotations

import re
from collections.abc import Callable

from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from tests.e2e.conftest import SLOTS
from tests.e2e.harness import Hal0
from tests.page.conftest import Visitor
from tests.page.test_first_visit import axe

KEY = "correct-horse"
FAR = {"X-Forwarded-For": "192.0.2.7"}  # as through a proxy: not this computer


async def hello(_request: web.Request) -> web.Response:
    return web.Response(text="<h1>hello</h1>", content_type="text/html")


async def with_key(make_hal0: Callable[[str], Hal0], keys: str = KEY, slots: str = SLOTS) -> Hal0:
    hal0 = make_hal0(slots)
    config = hal0.home / "hal0.yaml"
    config.write_text(config.read_text().replace("server: {", f"server: {{api_keys: [{keys}], "))
    await hal0.start()
    return hal0


async def test_a_key_is_asked_for_once_and_a_wrong_one_is_refused(
    make_hal0: Callable[[str], Hal0], visit: Visitor
) -> None:
    hal0 = await with_key(make_hal0)
    seen = await visit(extra_http_headers=FAR)
    page = await seen.page(hal0.url)
    dialog = page.get_by_role("dialog", name="An API key is needed")
    await expect(dialog).to_be_visible()
    assert await page.locator("article").count() == 0, "nothing is shown without it"
    await dialog.get_by_label("API key").fill("wrong")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("alert")).to_contain_text("not one of server.api_keys")
    await dialog.get_by_label("API key").fill(KEY)
    await dialog.get_by_role("button", name="Open").click()
    await expect(page.get_by_role("article", name="primary").locator(".chip")).to_have_text("Ready")
    [cookie] = await seen.context.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and KEY not in cookie["value"]
    assert await page.evaluate("document.cookie") == ""
    again = await seen.page(hal0.url)
    await expect(again.get_by_role("article", name="primary").locator(".chip")).to_have_text("Ready")
    await again.goto(f"{hal0.url}/#/settings")
    await again.get_by_role("button", name="Sign this browser out").click()
    await again.reload()
    await expect(again.get_by_role("dialog", name="An API key is needed")).to_be_visible()


async def test_on_this_computer_it_is_asked_for_when_something_is_ordered(
    make_hal0: Callable[[str], Hal0], visit: Visitor
) -> None:
    """Reading needs none from here, as always; the order goes out again once the key is right."""
    hal0 = await with_key(make_hal0)
    await hal0.until_ready("alpha")
    page = await (await visit()).page(hal0.url)
    await page.get_by_role("button", name="Unload primary").click()
    dialog = page.get_by_role("dialog", name="An API key is needed")
    await dialog.get_by_label("API key").fill(KEY)
    await page.keyboard.press("Enter")
    await hal0.until_slot(lambda s: s["state"] == "unloaded", "unloaded")
    await expect(page.get_by_role("article", name="primary").locator(".chip")).to_have_text("Unloaded")
    await expect(dialog).to_be_hidden()


async def test_a_key_that_may_only_look_is_told_so_when_it_orders(
    make_hal0: Callable[[str], Hal0], visit: Visitor
) -> None:
    """One that may not even look is asked for another."""
    keys = f"{{name: phone, key: phone-key, may: [infer]}}, {{name: wall, key: {KEY}, may: [observe]}}"
    hal0 = await with_key(make_hal0, keys)
    await hal0.until_ready("alpha")
    page = await (await visit(extra_http_headers=FAR)).page(hal0.url)
    dialog = page.get_by_role("dialog", name="An API key is needed")
    await dialog.get_by_label("API key").fill("phone-key")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("alert")).to_contain_text('"phone" may not read the state')
    await dialog.get_by_label("API key").fill(KEY)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("article", name="primary").locator(".chip")).to_have_text("Ready")
    await page.get_by_role("button", name="Unload primary").click()
    await expect(page.get_by_text('"wall" may not give orders')).to_be_visible()
    assert (await hal0.slot())["state"] == "ready"


async def test_who_has_no_key_is_told_what_is_missing_and_asked_no_further(
    make_hal0: Callable[[str], Hal0], visit: Visitor
) -> None:
    keys = f"{{name: phone, key: phone-key, may: [infer]}}, {{name: wall, key: {KEY}, may: [observe]}}"
    hal0 = await with_key(make_hal0, keys)
    page = await (await visit(extra_http_headers=FAR)).page(hal0.url)
    dialog, banner = page.get_by_role("dialog", name="An API key is needed"), page.locator(".banner")
    again = page.get_by_role("button", name="Enter a key")
    for key, sentence in ((None, "needs an API key"), ("phone-key", '"phone" may not read the state')):
        if key is not None:
            await again.click()
            await dialog.get_by_label("API key").fill(key)
            await page.keyboard.press("Enter")
            await expect(dialog.get_by_role("alert")).to_contain_text(sentence)
        await dialog.get_by_role("button", name="Not now").click()
        await expect(banner).to_contain_text(sentence)
        await expect(page.locator("header .chip")).to_have_text("Key needed")
        await expect(dialog).to_be_hidden()
    await expect(banner).to_contain_text("may: [observe]")
    assert await axe(page) == []
    await again.click()
    await dialog.get_by_label("API key").fill(KEY)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("article", name="primary")).to_be_visible()
    await expect(banner).to_have_count(0)


async def test_too_many_wrong_keys_have_to_wait(make_hal0: Callable[[str], Hal0], visit: Visitor) -> None:
    hal0 = await with_key(make_hal0)
    page = await (await visit(extra_http_headers=FAR)).page(hal0.url)
    dialog = page.get_by_role("dialog")
    for number in range(4):
        await expect(dialog.get_by_label("API key")).to_have_value("")
        await dialog.get_by_label("API key").fill(f"guess {number}")
        async with page.expect_response("**/api/login"):
            await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("alert")).to_contain_text("Too many wrong keys")


async def test_another_program_s_page_cannot_use_the_cookie(
    make_hal0: Callable[[str], Hal0], visit: Visitor
) -> None:
    """A page on another port of the same computer is of the same site: SameSite lets the cookie through."""
    hal0 = await with_key(make_hal0)
    await hal0.until_ready("alpha")
    seen = await visit(extra_http_headers=FAR)
    page = await seen.page(hal0.url)
    await page.get_by_role("dialog").get_by_label("API key").fill(KEY)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("article", name="primary")).to_be_visible()
    elsewhere = web.Application()
    elsewhere.router.add_get("/", hello)
    other = await seen.context.new_page()
    how = "{method: 'POST', body: '{}', credentials: 'include', mode: 'no-cors'}"
    send = f"url => fetch(url, {how}).then(answer => answer.type)"
    async with TestServer(elsewhere, host="127.0.0.1") as server:
        await other.goto(str(server.make_url("/")))
        async with other.expect_response(re.compile("/api/unload")) as told:
            await other.evaluate(send, f"{hal0.url}/api/unload")
    assert (await told.value).status in (401, 403)
    assert (await hal0.slot())["state"] == "ready"


async def test_it_says_that_hal0_is_away_and_comes_back_by_itself(hal0: Hal0, visit: Visitor) -> None:
    page = await (await visit()).page(hal0.url)
    card = page.get_by_role("article", name="primary")
    await expect(card.locator(".chip")).to_have_text("Ready")
    assert await hal0.stop() == 0
    await expect(page.locator("header .chip")).to_have_text("Offline")
    await expect(page.get_by_text("No contact with hal0")).to_be_visible()
    await expect(card.get_by_label("Model", exact=True)).to_be_disabled()
    await expect(card.get_by_role("button", name="Load alpha in primary")).to_be_disabled()
    await hal0.start()
    await expect(page.locator("header .chip")).to_have_text("Running")
    await expect(page.get_by_text("No contact with hal0")).to_be_hidden()
    await hal0.until_ready("alpha")
    await expect(card.locator(".chip")).to_have_text("Ready")
    assert (await hal0.post("/api/slots/primary/load", {"model": "beta"}))[0] == 200
    await expect(card.locator(".serving")).to_have_text("beta")
