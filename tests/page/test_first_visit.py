"""What a person meets who opens the address in a browser for the first time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from router.config.sizes import memory_size
from router.state import Snapshot
from tests.app import scenes
from tests.e2e.harness import Hal0
from tests.page.conftest import Visitor
from tests.page.stand_in import StandIn, asked

Begin = Callable[[Snapshot], Awaitable[StandIn]]

AXE = Path(__file__).parent / "node" / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = ("slots", "chat", "models", "activity", "logs", "settings")
PHONE = {"width": 390, "height": 844}
MOMENTS = (
    scenes.empty,
    scenes.first_start_bare,
    scenes.ready,
    scenes.switching,
    scenes.failed,
    scenes.no_room,
    scenes.overlap,
    scenes.two_gpus,
    scenes.twelve_slots,
    scenes.long_names,
    scenes.remote,
    scenes.remote_lost,
    scenes.downloading,
)


async def axe(page: Page) -> list[str]:
    """What axe-core finds: rules of WCAG 2.2 AA, and its best practices."""
    await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {violation['help']}: {node['html']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


async def wide(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    return int(await page.evaluate("document.documentElement.scrollWidth - innerWidth"))


async def test_a_first_visit_shows_what_runs_and_says_hello(hal0: Hal0, visit: Visitor) -> None:
    seen = await visit()
    page = await seen.page(hal0.url)
    card = page.get_by_role("article", name="primary")
    await expect(card.locator(".chip")).to_have_text("Ready")
    await expect(card.locator(".serving")).to_have_text("alpha")
    await expect(page).to_have_title("Slots – hal0")
    await expect(page.locator(".endpoint code")).to_have_text(f"{hal0.url}/v1")
    await card.get_by_role("link", name="Try it with primary").click()
    await page.get_by_label("Message", exact=True).fill("Hello?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".answer .markdown")).to_have_text("Alpha is the one who speaks.")
    assert seen.hosts == {hal0.url.removeprefix("http://")}


async def test_without_a_model_it_says_what_to_do(stand_in: Begin, visit: Visitor) -> None:
    url = (await stand_in(Snapshot())).url
    page = await (await visit()).page(url)
    await expect(page.get_by_text("No model yet")).to_be_visible()
    await page.get_by_role("link", name="fetch one from Hugging Face").click()
    await expect(page.get_by_role("heading", name="Models")).to_be_visible()
    await expect(page.get_by_label("Repository")).to_be_visible()


async def test_whoever_comes_later_sees_the_hour_before(stand_in: Begin, visit: Visitor) -> None:
    moment = scenes.ready()
    shown = await stand_in(moment)
    (device, *_) = moment.memory
    for minutes, used in ((50, device.total // 8), (30, device.total // 2), (10, device.total // 8)):
        memory = (replace(device, used=used), *moment.memory[1:])
        shown.history.note(memory, time.time() - 60 * minutes)
    page = await (await visit()).page(shown.url)
    curve = page.get_by_role("article", name=device.name).locator("figure.hour")
    most = f"The last hour of {device.name}: at most {memory_size(device.total // 2)} used"
    await expect(curve.get_by_role("img", name=most, exact=True)).to_be_visible()
    await expect(curve.locator("canvas")).to_be_visible()


async def test_a_browser_that_runs_no_scripts_is_told_so(hal0: Hal0, visit: Visitor) -> None:
    page = await (await visit(java_script_enabled=False)).page(hal0.url)
    await expect(page.locator("noscript p")).to_contain_text("This page needs JavaScript")


@pytest.mark.parametrize("moments", [MOMENTS[::3], MOMENTS[1::3], MOMENTS[2::3]], ids=["one", "two", "three"])
@pytest.mark.parametrize(
    "look",
    [{}, {"color_scheme": "dark"}, {"viewport": PHONE, "has_touch": True}],
    ids=["light", "dark", "phone"],
)
async def test_axe_finds_nothing_and_nothing_sticks_out(
    stand_in: Begin, visit: Visitor, look: dict[str, Any], moments: tuple[Callable[[], Snapshot], ...]
) -> None:
    seen = await visit(**look)
    for moment in moments:
        shown = await stand_in(moment())
        shown.ended(*(asked(n) for n in range(3)), asked(3, status=502, code="engine.failed", error="It died."))
        page = await seen.page(shown.url)
        # Every view once, of one moment; of the others the first, where they differ.
        for view in VIEWS if moment is scenes.ready else VIEWS[:3]:
            await page.goto(f"{shown.url}/#/{view}")
            await expect(page.locator("main h1")).to_be_visible()
            if view == "activity":
                await page.get_by_role("button", name="details").first.click()
                await expect(page.locator(".timeline li")).not_to_have_count(0)
            assert await axe(page) == [], (moment.__name__, view)
            assert await wide(page) <= 0, (moment.__name__, view)
        await page.close()


async def test_every_view_is_in_sight_on_a_phone(hal0: Hal0, visit: Visitor) -> None:
    page = await (await visit(viewport=PHONE, has_touch=True)).page(hal0.url)
    for link in await page.get_by_role("navigation", name="Views").get_by_role("link").all():
        await expect(link).to_be_in_viewport(ratio=1)
    await page.set_viewport_size({"width": 280, "height": 700})
    await page.goto(f"{hal0.url}/#/settings")
    await expect(page.get_by_role("link", name="Settings")).to_be_in_viewport(ratio=1)


async def test_a_slot_is_switched_by_keyboard_alone(hal0: Hal0, visit: Visitor) -> None:
    page = await (await visit()).page(hal0.url)
    select = page.get_by_label("Model", exact=True)
    await expect(select).to_be_enabled()
    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    for _ in range(10):
        await page.keyboard.press("Tab")
        if await select.evaluate("node => node === document.activeElement"):
            break
    await expect(select).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Load beta in primary")).to_be_focused()
    await page.keyboard.press("Enter")
    await hal0.until_ready("beta")
    await expect(page.locator(".serving")).to_have_text("beta")
    await expect(page.locator("[role=status].heard").first).to_have_text("primary: Ready beta")


async def test_its_policy_stops_what_is_not_of_the_page(hal0: Hal0, visit: Visitor) -> None:
    """A second line of defence, should anything ever get past the sanitiser."""
    seen = await visit()
    page = await seen.page(hal0.url)
    await expect(page.locator(".serving")).to_have_text("alpha")
    tried = [
        "document.body.innerHTML = '<img src=x onerror=\"window.hacked=1\">'",
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.hacked=2'}))",
        "document.body.setAttribute('onclick', 'window.hacked=3'), document.body.click()",
        "setTimeout('window.hacked=5')",
    ]
    for attempt in tried:
        await page.evaluate(f"() => {{ try {{ {attempt} }} catch (error) {{ return String(error) }} }}")
    for picture in ("https://evil.example/x.png", "//evil.example/y.png"):
        await page.evaluate("src => document.body.append(Object.assign(new Image(), {src}))", picture)
    assert (
        await page.evaluate("fetch('https://evil.example/').then(() => 'sent', () => 'stopped')") == "stopped"
    )
    assert await page.evaluate("window.hacked") is None
    assert seen.faults, "the browser says what it stopped"
    seen.expected = ("",)
    seen.hosts.discard("evil.example")  # asked for, and stopped
