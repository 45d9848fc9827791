"""Models on the page: those that hal0 fetched can be deleted, and only while nobody uses them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from router.config.schema import Kind
from router.orders.kinds import Load
from router.state import ModelStatus
from tests.app import scenes
from tests.e2e.harness import Hal0
from tests.e2e.test_downloads import state_is
from tests.fixtures_models import SpeakingModel
from tests.hub_server import HubServer, hub_server
from tests.page.conftest import Visitor
from tests.page.stand_in import asked
from tests.page.test_first_visit import PHONE, Begin, axe, wide
from tests.page.test_links import FAR, KEY

REPO = "org/gamma-GGUF"
ID = "gamma-Q4_K_M"


@pytest.fixture
def hub(speaking_model: SpeakingModel) -> Iterator[HubServer]:
    with hub_server() as running:
        running.add(REPO, {f"{ID}.gguf": speaking_model("Gamma came.", "gamma").read_bytes()})
        yield running


@pytest.fixture
async def hal0(make_hal0: Callable[[str], Hal0], hub: HubServer) -> AsyncIterator[Hal0]:
    """It has fetched gamma."""
    running = make_hal0("slots:\n  primary: {model: alpha, autoload: true}\n")
    running.env["HF_ENDPOINT"] = hub.url
    await running.start()
    await running.until_ready("alpha")
    assert (await running.post("/api/downloads", {"reference": REPO}))[0] == 202
    await running.until_part("downloads", state_is("done"), "gamma to come")
    await running.until_state(lambda s: any(model["id"] == ID for model in s["models"]), "it to be offered")
    yield running


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name="Models", exact=True).get_by_role("article", name=name, exact=True)


def file_of(hal0: Hal0) -> Path:
    return hal0.home / "data" / "hal0" / "models" / "org" / "gamma-GGUF" / "Q4_K_M" / f"{ID}.gguf"


async def press(page: Page, answer: bool) -> str:
    """Press Delete and answer its question; what was asked."""
    asked: list[str] = []

    async def respond(dialog: object) -> None:
        asked.append(dialog.message)  # type: ignore[attr-defined]
        await (dialog.accept() if answer else dialog.dismiss())  # type: ignore[attr-defined]

    page.once("dialog", respond)
    await page.get_by_role("button", name=f"Delete {ID}").click()
    [question] = asked
    return question


async def test_a_model_is_deleted_when_a_person_says_so(hal0: Hal0, visit: Visitor) -> None:
    seen = await visit()
    page, other = await seen.page(f"{hal0.url}/#/models"), await seen.page(f"{hal0.url}/#/models")
    await expect(row(page, ID)).to_be_visible()
    assert await axe(page) == []
    await expect(row(page, "alpha").get_by_role("button", name="Delete")).to_have_count(0)
    question = await press(page, answer=False)
    assert ID in question and f"{REPO}:Q4_K_M" in question
    await expect(page.get_by_role("button", name=f"Delete {ID}")).to_be_enabled()
    assert file_of(hal0).is_file()
    await press(page, answer=True)
    await expect(page.get_by_text(f"{REPO}:Q4_K_M is deleted.")).to_be_visible()
    for shown in (page, other):
        await expect(row(shown, ID)).to_have_count(0)
        await expect(shown.get_by_role("list", name="Downloads")).to_have_count(0)
    assert not file_of(hal0).exists()


async def test_one_that_is_in_use_says_where(hal0: Hal0, visit: Visitor) -> None:
    assert (await hal0.post("/api/slots/primary/load", {"model": ID}))[0] == 200
    page = await (await visit()).page(f"{hal0.url}/#/models")
    await press(page, answer=True)
    await expect(
        page.get_by_text(f"{ID} is in use in primary: unload primary, then delete it.")
    ).to_be_visible()
    assert file_of(hal0).is_file() and await hal0.chat() == "Gamma came."


async def test_a_key_that_may_only_look_deletes_nothing(hal0: Hal0, visit: Visitor) -> None:
    config = hal0.home / "hal0.yaml"
    keys = f"{{name: wall, key: {KEY}, may: [observe]}}"
    config.write_text(config.read_text().replace("server: {", f"server: {{api_keys: [{keys}], "))
    assert (await hal0.post("/api/reload"))[0] == 200
    page = await (await visit(extra_http_headers=FAR)).page(f"{hal0.url}/#/models")
    await page.get_by_role("dialog").get_by_label("API key").fill(KEY)
    await page.keyboard.press("Enter")
    await expect(row(page, ID)).to_be_visible()
    await press(page, answer=True)
    await expect(page.get_by_text('"wall" may not give orders')).to_be_visible()
    assert file_of(hal0).is_file()


RIGHT_TO_LEFT = "نموذج كبير"
TURNING = "evil \u202edaol\u2066"


async def test_names_that_run_the_other_way_turn_nothing_around_them(stand_in: Begin, visit: Visitor) -> None:
    """They are isolated where they stand among other words; as everywhere they are shown in their own order."""
    moment = scenes.ready()
    names = {"first": RIGHT_TO_LEFT, "second": TURNING, "third": "Qwen 3"}
    models = tuple(ModelStatus(id_, name, Kind.CHAT, size_bytes=10**9) for id_, name in names.items())
    slot = replace(moment.slots[0], model="first", loaded=("first",), choices=tuple(names))
    shown = await stand_in(replace(moment, models=models, slots=(slot,)))
    shown.ended(asked(1, model=RIGHT_TO_LEFT))
    page = await (await visit()).page(shown.url)
    one = f"\u2068{RIGHT_TO_LEFT}\u2069"
    options = page.get_by_label("Model", exact=True).locator("option")
    await expect(options).to_have_text(
        [f"{one} · 1 GB · loaded", "\u2068evil daol\u2069 · 1 GB", "Qwen 3 · 1 GB"]
    )
    await page.goto(f"{shown.url}/#/models")
    rows = page.get_by_role("list", name="Models", exact=True).get_by_role("heading", level=3)
    await expect(rows).to_have_text([one, "\u2068evil daol\u2069", "Qwen 3"])
    await page.goto(f"{shown.url}/#/activity")
    await expect(page.locator("tbody td:nth-child(3)")).to_have_text([one])


async def test_two_hundred_models_are_found_by_name(stand_in: Begin, visit: Visitor) -> None:
    moment = scenes.ready()
    models = tuple(ModelStatus(f"model-{n:03d}", f"Model {n}", Kind.CHAT) for n in range(200))
    slot = replace(moment.slots[0], model="model-000", loaded=(), choices=tuple(m.id for m in models))
    shown = await stand_in(replace(moment, models=models, slots=(slot,)))
    page = await (await visit(viewport=PHONE)).page(f"{shown.url}/#/models")
    rows = page.get_by_role("list", name="Models", exact=True).get_by_role("listitem")
    await expect(rows).to_have_count(200)
    assert await wide(page) <= 0
    await page.get_by_label("Search").fill("model 19")
    await expect(rows).to_have_count(11)
    await rows.last.get_by_role("button", name="Load").click()
    await expect(page.get_by_role("button", name="Load").last).to_be_enabled()
    assert shown.orders == [str(Load("primary", "model-199"))]
