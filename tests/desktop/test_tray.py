"""The real tray, read and clicked the way a panel does it."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from tests.desktop.conftest import Desktop
from tests.desktop.tray_client import Entry, TrayItem

ROOT = Path(__file__).resolve().parents[2]
APP = [sys.executable, "-m", "tests.desktop.fake_app"]


def environment(step: float = 0.0) -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT), "FAKE_STEP": str(step), "PYTHONWARNINGS": "error"}


async def ready_item(desktop: Desktop) -> TrayItem:
    item = await desktop.bus.tray_item()
    await item.wait_label("Running")
    return item


def ids(menu: Entry) -> list[int]:
    return [entry.id for entry in menu.walk()]


def radio_labels(menu: Entry) -> list[str]:
    return [entry.label for entry in menu.walk() if entry.radio and entry.checked]


async def test_menu_says_what_is_served_with_every_character_intact(desktop: Desktop) -> None:
    desktop.session.launch([*APP, "--hidden"], environment())
    item = await ready_item(desktop)
    menu = await item.menu()
    top = [entry.label for entry in menu.children if not entry.separator]
    assert top == [
        "hal0 · 127.0.0.1:8080 · Running",
        "Open hal0",
        "Copy endpoint URL",
        "Try primary…",
        "primary · Qwen3-30B Q4_K_M · Ready",
        "embed · nothing loaded · Unloaded",
        "VRAM 19.2/24 GiB used · other apps 3.1 GiB",
        "Unload all",
        "Get models…",
        "Connect",
        "Local only",
        "Logs…",
        "Settings…",
        "Quit hal0 (stops 1 model)",
    ]
    primary = menu.find("primary")
    models = [(entry.label, entry.checked, entry.enabled) for entry in primary.children if entry.radio]
    assert models == [
        ("Qwen3-30B Q4_K_M   17.8 GB · loaded", True, True),
        ("Gemma-27B & vision   16.1 GB", False, True),
        ("Llama-70B Q4 · the file llama-70b.gguf is missing", False, False),
    ]


async def test_the_terminal_is_told_where_it_answers_and_where_the_icon_is(desktop: Desktop) -> None:
    process = desktop.session.launch([*APP, "--hidden", "--announce"], environment())
    item = await ready_item(desktop)
    await item.click("Quit hal0")
    assert await asyncio.to_thread(process.wait, 20) == 0
    (line,) = desktop.session.log_of(process).splitlines()
    assert line.endswith(" is up at http://127.0.0.1:8080/v1 · its icon is in the tray")


async def test_choosing_a_model_moves_the_mark_and_the_texts_but_no_row(desktop: Desktop) -> None:
    desktop.session.launch([*APP, "--hidden"], environment(step=0.3))
    item = await ready_item(desktop)
    before = await item.menu()
    assert radio_labels(before) == ["Qwen3-30B Q4_K_M   17.8 GB · loaded"]
    await item.click("primary", "Gemma-27B")
    loading = await item.wait_label("primary · → Gemma-27B & vision · Loading 45%")
    assert ids(loading) == ids(before)
    assert loading.find("primary", "Cancel switch").enabled
    assert not loading.find("primary", "Unload").enabled
    done = await item.wait_label("primary · Gemma-27B & vision · Ready")
    assert ids(done) == ids(before)
    assert radio_labels(done) == ["Gemma-27B & vision   16.1 GB · loaded"]
    assert done.find("primary", "Unload (frees 16.1 GiB)").enabled


async def test_icon_and_tooltip_follow_the_state(desktop: Desktop) -> None:
    desktop.session.launch([*APP, "--hidden"], environment())
    item = await ready_item(desktop)
    solid = (await item.property("IconPixmap"))[0]
    tooltip = (await item.property("ToolTip"))[2]
    assert tooltip == "hal0 · primary: Qwen3-30B Q4_K_M ready · embed: unloaded · VRAM 19.2/24 GiB used"
    await item.click("primary", "Unload")
    await item.wait_label("primary · Qwen3-30B Q4_K_M · Unloaded")

    async def redrawn() -> bool:
        return bool((await item.property("IconPixmap"))[0] != solid)

    await desktop.bus.wait_until(redrawn, "the hollow icon")


async def test_quit_from_the_tray_ends_the_process_cleanly(desktop: Desktop) -> None:
    process = desktop.session.launch([*APP, "--hidden"], environment())
    item = await ready_item(desktop)
    await item.click("Quit hal0")
    assert await asyncio.to_thread(process.wait, 20) == 0, desktop.session.log_of(process)
    assert desktop.session.log_of(process) == ""


async def test_sigterm_ends_the_process_cleanly(desktop: Desktop) -> None:
    process = desktop.session.launch([*APP, "--hidden"], environment())
    await ready_item(desktop)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 20) == 0, desktop.session.log_of(process)
    assert desktop.session.log_of(process) == ""
