"""A tray beside a `hal0 serve`: it shows that one, commands it, outlives it, and leaves it running."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.desktop.conftest import Desktop
from tests.desktop.test_real_tray import CONFIG, SENTENCES, agrees, make_models
from tests.desktop.tray_client import TrayItem
from tests.e2e.harness import Hal0
from tests.fixtures_models import SpeakingModel
from tests.homes import PROGRAM


@dataclass
class Beside:
    """`serve` is the headless one, `tray` the process of the tray beside it."""

    serve: Hal0
    tray: subprocess.Popen[bytes]
    item: TrayItem


@pytest.fixture
async def beside(desktop: Desktop, llama_server: Path, speaking_model: SpeakingModel) -> AsyncIterator[Beside]:
    home = desktop.session.home
    make_models(home, speaking_model)
    serve = Hal0.prepare(home, llama_server, CONFIG)
    names = ("HAL0_CONFIG", "HAL0_LLAMA_SERVER")
    serve.env = desktop.session.env | {name: serve.env[name] for name in names}
    try:
        await serve.start()
        await serve.until_ready("alpha_q4")
        tray = desktop.session.launch([*PROGRAM, "tray", "--hidden"], serve.env)
        yield Beside(serve, tray, await desktop.bus.tray_item())
    finally:
        await serve.close()


def attached(serve: Hal0) -> str:
    assert serve.process is not None
    place = serve.url.removeprefix("http://")
    return f"hal0 · {place} · Running · attached to hal0 serve (process {serve.process.pid})"


async def test_it_shows_and_switches_the_one_that_runs_and_leaves_it_running(
    desktop: Desktop, beside: Beside
) -> None:
    serve, item = beside.serve, beside.item
    menu = await item.wait_label(attached(serve))
    assert menu.find("Close the tray (hal0 serve keeps running)")
    assert not menu.find("Start here").enabled
    await item.click("primary", "beta_q4")
    await agrees(serve, item, "beta_q4")
    done = await asyncio.to_thread(serve.cli, "switch", "primary", "alpha_q4")
    assert done.returncode == 0, done.stderr
    await agrees(serve, item, "alpha_q4")
    await item.click("Close the tray")
    assert await asyncio.to_thread(beside.tray.wait, 20) == 0, desktop.session.log_of(beside.tray)
    assert await serve.chat("primary") == SENTENCES["alpha_q4"], "the router goes on"


async def test_one_that_is_killed_is_lost_and_found_again(desktop: Desktop, beside: Beside) -> None:
    serve, item = beside.serve, beside.item
    await item.wait_label(attached(serve))
    solid = (await item.property("IconPixmap"))[0]
    await serve.kill()
    lost = await item.wait_label("Lost contact with hal0 at ")
    assert lost.find("Start here").enabled
    # While the notification stands, Qt puts its title and words in the tooltip's place.
    assert "Lost contact" in "".join((await item.property("ToolTip"))[2:])

    async def alarmed() -> bool:
        return bool((await item.property("IconPixmap"))[0] != solid)

    await desktop.bus.wait_until(alarmed, "the icon to change")
    await serve.start()
    await item.wait_label(attached(serve))
    await agrees(serve, item, "alpha_q4")


async def test_start_here_puts_a_router_of_its_own_in_its_place(desktop: Desktop, beside: Beside) -> None:
    serve, item = beside.serve, beside.item
    await item.wait_label(attached(serve))
    assert await serve.stop() == 0
    await item.wait_label("Lost contact with hal0 at ")
    await item.click("Start here")
    menu = await item.wait_label("Quit hal0 (stops 1 model)")
    assert menu.children[0].label.endswith(" · Running")
    await agrees(serve, item, "alpha_q4")
    await item.click("primary", "beta_q4")
    await agrees(serve, item, "beta_q4")
    # Who quits while a request is in flight is asked first.
    await item.wait_tool_tip("hal0 · primary: beta_q4 ready")
    await item.click("Quit hal0")
    assert await asyncio.to_thread(beside.tray.wait, 30) == 0, desktop.session.log_of(beside.tray)
    assert serve.engines() == []
