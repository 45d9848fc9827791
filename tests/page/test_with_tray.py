"""A real tray and two pages at once: whoever gives the order, all three show the same."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.desktop.conftest import Desktop, desktop  # noqa: F401 - a fixture
from tests.desktop.test_real_tray import SENTENCES, agrees, launch, real  # noqa: F401 - a fixture
from tests.desktop.tray_client import TrayItem
from tests.e2e.harness import Hal0
from tests.engines.running import make_server
from tests.fixtures_models import SpeakingModel
from tests.page.conftest import Visitor
from tests.page.test_switching import load_by_page


async def shows(page: Page, chip: str, model: str) -> None:
    card = page.get_by_role("article", name="primary")
    await expect(card.locator(".chip")).to_have_text(chip)
    # Where there is room, the model before answers while this one loads.
    await expect(card.locator(".serving")).to_have_text(re.compile(rf"^{model}( · \w+ answers until then)?$"))
    await expect(card.get_by_label("Model", exact=True)).to_have_value(model)


async def test_two_pages_and_the_tray_agree_after_every_random_step(
    real: tuple[Hal0, TrayItem],  # noqa: F811
    visit: Visitor,
) -> None:
    hal0, item = real
    pages = [await (await visit()).page(hal0.url), await (await visit()).page(hal0.url)]
    dice = random.Random(26)
    for _ in range(8):
        model = dice.choice(list(SENTENCES))
        how = dice.choice(["tray", "page 0", "page 1", "request"])
        if how == "tray":
            await item.click("primary", model)
        elif how == "request":
            assert await hal0.chat(model) == SENTENCES[model]
        else:
            await load_by_page(pages[int(how[-1])], model)
        await agrees(hal0, item, model)  # the tray's menu over D-Bus, the snapshot, the list, and an answer
        for page in pages:
            await shows(page, "Ready", model)


@pytest.fixture
async def standing(
    desktop: Desktop,  # noqa: F811
    tmp_path: Path,
    speaking_model: SpeakingModel,
) -> AsyncIterator[tuple[Hal0, TrayItem]]:
    """Its engine says 30 % of the model `hang` and then nothing more (a hand-written one: a real one would not
    stand still)."""
    hal0 = await launch(desktop, make_server(tmp_path / "misbehaving-server"), speaking_model)
    try:
        shutil.copy(hal0.home / "models" / "alpha_q4.gguf", hal0.home / "models" / "hang.gguf")
        assert (await hal0.post("/api/reload"))[0] == 200
        yield hal0, await desktop.bus.tray_item()
    finally:
        await hal0.close()


async def test_the_percent_of_a_switch_is_the_same_everywhere_and_the_tray_can_cancel_it(
    standing: tuple[Hal0, TrayItem], visit: Visitor
) -> None:
    hal0, item = standing
    pages = [await (await visit()).page(hal0.url), await (await visit()).page(hal0.url)]
    await load_by_page(pages[1], "hang")
    await item.wait_for(
        lambda menu: "30%" in menu.find("primary").label and "hang" in menu.find("primary").label,
        "the tray to say how far it is",
    )
    for page in pages:
        await shows(page, "Loading 30%", "hang")
        await expect(page.get_by_role("progressbar")).to_have_attribute("value", "30")
    await item.click("primary", "Cancel")
    await hal0.until_ready("alpha_q4")
    await item.wait_for(
        lambda menu: menu.find("primary").label == "primary · alpha_q4 · Ready", "it to be back"
    )
    for page in pages:
        await shows(page, "Ready", "alpha_q4")
