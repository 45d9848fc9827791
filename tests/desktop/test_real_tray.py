"""The promise itself: hal0's icon in a real tray, real engines behind it, clicks that change the answers."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.base.tasks import spawn
from tests.desktop.conftest import Desktop
from tests.desktop.panel import menus, open_first_submenu, open_menu, submenu
from tests.desktop.tray_client import Entry, TrayItem
from tests.e2e.harness import Hal0
from tests.engines.slow import slow_server
from tests.fixtures_models import SpeakingModel
from tests.homes import PROGRAM

SENTENCES = {"alpha_q4": "Alpha is the one who speaks.", "beta_q4": "Beta answers you this time."}
SECOND_CHOICE = 66
"""Pixels from the top of the slot's submenu to the middle of its second model, in xfce's default font."""

SLOW_SECONDS = 4.0

CONFIG = "slots:\n  primary: {model: alpha_q4, autoload: true}\n"


def make_models(home: Path, speaking_model: SpeakingModel) -> None:
    (home / "models").mkdir()
    for name, sentence in SENTENCES.items():
        shutil.copy(speaking_model(sentence, name), home / "models" / f"{name}.gguf")


async def launch(desktop: Desktop, llama_server: Path, speaking_model: SpeakingModel) -> Hal0:
    """`hal0` itself in the session, with the first model ready."""
    home = desktop.session.home
    make_models(home, speaking_model)
    hal0 = Hal0.prepare(home, llama_server, CONFIG)
    # One home for the tray and for the command line beside it.
    hal0.env = desktop.session.env | {
        "HAL0_CONFIG": hal0.env["HAL0_CONFIG"],
        "HAL0_LLAMA_SERVER": hal0.env["HAL0_LLAMA_SERVER"],
    }
    hal0.process = desktop.session.launch([*PROGRAM, "tray", "--hidden"], hal0.env)
    (home / "output.log").touch()
    await hal0.until_up()
    await hal0.until_ready("alpha_q4")
    return hal0


@pytest.fixture
async def real(
    desktop: Desktop, llama_server: Path, speaking_model: SpeakingModel
) -> AsyncIterator[tuple[Hal0, TrayItem]]:
    hal0 = await launch(desktop, llama_server, speaking_model)
    try:
        yield hal0, await desktop.bus.tray_item()
    finally:
        await hal0.close()


def checked(menu: Entry) -> list[str]:
    """The model ids whose radio mark is set."""
    return [e.label.split()[0] for e in menu.find("primary").children if e.radio and e.checked]


async def agrees(hal0: Hal0, item: TrayItem, model: str) -> None:
    """Snapshot, model list, tray menu and answer all say `model`."""
    slot = await hal0.until_ready(model)
    assert (slot["model"], slot["target"], slot["loaded"]) == (model, None, [model])
    rows = {row["id"]: row for row in (await hal0.get("/v1/models"))["data"]}
    assert rows["primary"]["model"] == model
    assert [n for n in SENTENCES if rows[n]["status"]["value"] == "loaded"] == [model]
    menu = await item.wait_for(
        lambda m: m.find("primary").label == f"primary · {model} · Ready", f"the tray to say {model} is ready"
    )
    assert checked(menu) == [model]
    assert await hal0.chat("primary") == SENTENCES[model]


async def test_clicking_the_other_model_changes_the_answer(real: tuple[Hal0, TrayItem]) -> None:
    hal0, item = real
    await agrees(hal0, item, "alpha_q4")
    await item.click("primary", "beta_q4")
    await agrees(hal0, item, "beta_q4")


async def test_tray_cli_and_requests_agree_after_every_random_step(real: tuple[Hal0, TrayItem]) -> None:
    hal0, item = real
    dice = random.Random(3)
    rows = len(list((await item.menu()).walk()))
    for _ in range(12):
        model = dice.choice(list(SENTENCES))
        how = dice.choice(["tray", "tray", "cli", "request", "api"])
        if how == "tray":
            await item.click("primary", model)
        elif how == "cli":
            done = await asyncio.to_thread(hal0.cli, "switch", "primary", model)
            assert done.returncode == 0, done.stderr
        elif how == "request":
            assert await hal0.chat(model) == SENTENCES[model]
        else:
            assert (await hal0.post("/api/slots/primary/load", {"model": model}))[0] == 200
        await agrees(hal0, item, model)
        assert len(list((await item.menu()).walk())) == rows


async def test_unloading_and_quitting_from_the_tray_leave_no_engine(real: tuple[Hal0, TrayItem]) -> None:
    hal0, item = real
    await item.click("Unload all")
    await hal0.until_slot(lambda s: s["state"] == "unloaded", "the slot to be empty")
    assert hal0.engines() == []
    assert await hal0.chat("primary") == SENTENCES["alpha_q4"], "the next request loads again"
    engines = hal0.engines()
    # Who quits while a request is in flight is asked first.
    await item.wait_tool_tip("hal0 · primary: alpha_q4 ready")
    await item.click("Quit hal0")
    assert hal0.process is not None
    assert await asyncio.to_thread(hal0.process.wait, 20) == 0
    assert engines and not any(engine.is_running() for engine in engines)


async def test_a_second_hal0_shows_the_first_ones_window(real: tuple[Hal0, TrayItem]) -> None:
    hal0, _item = real
    second = await asyncio.to_thread(hal0.cli)
    assert second.returncode == 0 and "already running" in second.stderr


async def test_in_a_real_panel_a_mouse_picks_the_model(
    panel_desktop: Desktop, llama_server: Path, speaking_model: SpeakingModel
) -> None:
    hal0 = await launch(panel_desktop, llama_server, speaking_model)
    try:
        item = await panel_desktop.bus.tray_item()
        await agrees(hal0, item, "alpha_q4")
        session = panel_desktop.session
        open_first_submenu(session, open_menu(session))
        session.screenshot("real-tray-1-menu")
        left, top, *_ = submenu(session)
        session.xdotool("mousemove", left + 60, top + SECOND_CHOICE, "click", 1)
        await agrees(hal0, item, "beta_q4")
        open_first_submenu(session, open_menu(session))
        session.screenshot("real-tray-2-switched")
    finally:
        await hal0.close()


async def test_progress_moves_in_the_open_menu_while_a_slow_engine_loads(
    panel_desktop: Desktop, llama_server: Path, speaking_model: SpeakingModel
) -> None:
    slow = slow_server(panel_desktop.session.home, llama_server, SLOW_SECONDS)
    hal0 = await launch(panel_desktop, slow, speaking_model)
    try:
        item = await panel_desktop.bus.tray_item()
        await agrees(hal0, item, "alpha_q4")
        before = await item.menu()
        session = panel_desktop.session
        open_first_submenu(session, open_menu(session))
        open_menus = menus(session)
        switch = spawn(hal0.post("/api/slots/primary/load", {"model": "beta_q4"}), name="load through the API")
        states, seconds = [], []
        while not switch.done():
            menu = await item.menu()
            assert [entry.id for entry in menu.walk()] == [entry.id for entry in before.walk()]
            collect(states, menu.find("primary").label)
            if collect(seconds, menu.find("primary").children[0].label) and len(seconds) == 3:
                session.screenshot("real-tray-3-slow-load")
            await asyncio.sleep(0.02)
        assert (await switch)[0] == 200
        assert states[0] == "primary · alpha_q4 · Ready" or states[0].startswith("primary · → beta_q4")
        assert "primary · → beta_q4 · Starting" in states
        assert len([words for words in seconds if words.startswith("Switching for")]) >= 3, seconds
        await agrees(hal0, item, "beta_q4")
        assert len(menus(session)) == len(open_menus), "the panel closed the open menu: a row came or went"
    finally:
        await hal0.close()


def collect(seen: list[str], label: str) -> bool:
    """Keep `label` if it is another than the last; whether it was."""
    if seen and seen[-1] == label:
        return False
    seen.append(label)
    return True


async def test_a_model_loaded_through_the_api_appears_in_the_tray(real: tuple[Hal0, TrayItem]) -> None:
    hal0, item = real
    assert (await hal0.post("/api/slots/primary/load", {"model": "beta_q4"}))[0] == 200
    await agrees(hal0, item, "beta_q4")
    await item.wait_tool_tip("hal0 · primary: beta_q4 ready")
