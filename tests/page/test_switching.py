"""Two pages, the tray's menu, the snapshot and the answers agree, whoever gave the order."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from app.texts import common as text
from app.views.menu import Row, menu_spec
from router.state import Snapshot
from router.wire.snapshot_read import parse_snapshot
from tests.e2e.conftest import ALPHA, BETA
from tests.e2e.harness import Hal0
from tests.engines.running import make_server
from tests.page.conftest import Visitor

SENTENCES = {"alpha": ALPHA, "beta": BETA}


async def snapshot_of(hal0: Hal0) -> Snapshot:
    return parse_snapshot(await hal0.state(), time.time())


def rows(spec: tuple[Row, ...]) -> Iterator[Row]:
    for row in spec:
        yield row
        yield from rows(row.rows)


async def agree(hal0: Hal0, pages: list[Page], name: str = "primary") -> None:
    """What the tray's menu says is compared as it is drawn from this very snapshot (app.views.menu)."""
    snapshot = await snapshot_of(hal0)
    slot = snapshot.slot(name)
    assert slot is not None and slot.serving is not None
    menu = {row.key: row for row in rows(menu_spec(snapshot, time.time()).rows)}
    checked = [key for key, row in menu.items() if row.radio and row.checked]
    assert checked == [f"model:{slot.serving}"]
    assert text.state(slot) in menu[f"slot:{name}"].text
    for page in pages:
        card = page.get_by_role("article", name=name)
        await expect(card.locator(".chip")).to_have_text(text.state(slot))
        await expect(card.locator(".serving")).to_have_text(slot.serving)
        await expect(card.get_by_label("Model", exact=True)).to_have_value(slot.serving)


def is_restarted(pid: int) -> Callable[[dict[str, Any]], bool]:
    return lambda slot: slot["state"] == "ready" and slot["pid"] != pid


async def load_by_page(page: Page, model: str) -> None:
    card = page.get_by_role("article", name="primary")
    await card.get_by_label("Model", exact=True).select_option(model)
    button = card.get_by_role("button", name=f"Load {model} in primary")
    if await button.count():  # what is loaded already need not be loaded
        await button.click()


async def test_all_agree_after_every_step_of_a_random_sequence(hal0: Hal0, visit: Visitor) -> None:
    dice = random.Random(13)
    pages = [await (await visit()).page(hal0.url), await (await visit()).page(hal0.url)]
    await agree(hal0, pages)
    wanted = "alpha"
    for _ in range(14):
        how = dice.choice(["page 0", "page 1", "api", "request", "unload", "restart"])
        wanted = wanted if how in ("unload", "restart") else dice.choice(list(SENTENCES))
        card = pages[dice.randrange(2)].get_by_role("article", name="primary")
        if how.startswith("page"):
            await load_by_page(pages[int(how[-1])], wanted)
        elif how == "api":
            assert (await hal0.post("/api/slots/primary/load", {"model": wanted}))[0] == 200
        elif how == "request":
            assert await hal0.chat(wanted) == SENTENCES[wanted]
        elif how == "restart" and (before := await hal0.slot())["state"] == "ready":
            await card.get_by_role("button", name="Restart primary").click()
            await hal0.until_slot(is_restarted(before["pid"]), "restarted")
        elif how == "unload" and (await hal0.slot())["state"] == "ready":
            await card.get_by_role("button", name="Unload primary").click()
            await hal0.until_slot(lambda s: s["state"] == "unloaded", "unloaded")
        if how not in ("unload", "restart"):
            await hal0.until_ready(wanted)
        else:
            await hal0.until_slot(lambda s: s["state"] in ("ready", "unloaded"), "at rest")
        await agree(hal0, pages)
    assert await hal0.chat("primary") == SENTENCES[wanted]


async def test_both_pages_tell_the_percent_and_either_can_cancel(
    make_hal0: Callable[[str], Hal0], tmp_path: Path, model_folder: Path, visit: Visitor
) -> None:
    """The engine says 30 % and then nothing more (a hand-written one: a real one would not stand still)."""
    (model_folder / "hang.gguf").write_bytes((model_folder / "alpha.gguf").read_bytes())
    (model_folder / "good.gguf").write_bytes((model_folder / "alpha.gguf").read_bytes())
    hal0 = make_hal0("slots:\n  primary: {model: good, autoload: true}\n")
    hal0.env["HAL0_LLAMA_SERVER"] = str(make_server(tmp_path / "misbehaving-server"))
    await hal0.start()
    await hal0.until_ready("good")
    pages = [await (await visit()).page(hal0.url), await (await visit()).page(hal0.url)]
    await load_by_page(pages[0], "hang")
    for page in pages:
        card = page.get_by_role("article", name="primary")
        await expect(card.locator(".chip")).to_have_text("Loading 30%")
        await expect(card.get_by_role("progressbar")).to_have_attribute("value", "30")
        await expect(card.locator("[aria-current=step]")).to_have_text("Loading")
    slot = (await snapshot_of(hal0)).slot("primary")
    assert slot is not None and text.state(slot) == "Loading 30%"
    menu = {row.key: row for row in menu_spec(await snapshot_of(hal0), time.time()).rows}
    assert "30%" in menu["slot:primary"].text
    await pages[1].get_by_role("button", name="Cancel the switch of primary").click()
    await hal0.until_ready("good")
    await agree(hal0, pages)


async def test_what_went_wrong_is_told_in_the_engine_s_words(
    make_hal0: Callable[[str], Hal0], model_folder: Path, visit: Visitor
) -> None:
    alpha = (model_folder / "alpha.gguf").read_bytes()
    (model_folder / "odd.gguf").write_bytes(alpha.replace(b"blk.0.attn_norm.weight", b"xxx.0.attn_norm.weight"))
    hal0 = make_hal0("slots:\n  primary: {model: alpha, autoload: true}\n")
    await hal0.start()
    await hal0.until_ready("alpha")
    page = await (await visit()).page(hal0.url)
    await load_by_page(page, "odd")
    card = page.get_by_role("article", name="primary")
    await expect(card.locator(".problem")).to_contain_text("odd")
    told = (await hal0.slot())["last_error"]["message"]
    await expect(card.locator(".problem p").first).to_have_text(told)
    await hal0.until_ready("alpha")
    await expect(card.locator(".serving")).to_have_text("alpha")


async def test_what_was_picked_and_is_loaded_already_is_not_kept_as_a_wish(hal0: Hal0, visit: Visitor) -> None:
    """Or the list would say it still when somebody else has loaded another."""
    page = await (await visit()).page(hal0.url)
    select = page.get_by_role("article", name="primary").get_by_label("Model", exact=True)
    await select.select_option("beta")
    await select.select_option("alpha")
    assert (await hal0.post("/api/slots/primary/load", {"model": "beta"}))[0] == 200
    await agree(hal0, [page])
