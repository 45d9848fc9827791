"""Draws the page for browsers into PNG files: for people who look, and for the manual.

    .venv/bin/python packaging/page_pictures.py FOLDER

Needs Debian's Chromium. Some moments, light, dark and 390 pixels wide; `page.png` is docs/images/page.png.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# pytest and others bring a package called `packaging`; this folder must not shadow it.
sys.path[:] = [str(ROOT), *(entry for entry in sys.path if Path(entry).resolve() != Path(__file__).parent)]

from playwright.async_api import Browser, async_playwright  # noqa: E402

from router.state import Snapshot  # noqa: E402
from tests.app import scenes  # noqa: E402
from tests.page.stand_in import StandIn, asked  # noqa: E402

LOOKS: dict[str, dict[str, Any]] = {
    "": {"viewport": {"width": 1080, "height": 760}},
    "-dark": {"viewport": {"width": 1080, "height": 760}, "color_scheme": "dark"},
    "-phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
}
PICTURES: dict[str, tuple[Callable[[], Snapshot], str]] = {
    "page": (scenes.switching, "slots"),
    "first-run": (scenes.first_start_bare, "slots"),
    "failed": (scenes.failed, "slots"),
    "no-room": (scenes.no_room, "slots"),
    "two-gpus": (scenes.two_gpus, "slots"),
    "long-names": (scenes.long_names, "slots"),
    "remote": (scenes.remote, "slots"),
    "models": (scenes.planner, "models"),
    "downloading": (scenes.downloading, "models"),
    "activity": (scenes.ready, "activity"),
    "logs": (scenes.ready, "logs"),
    "settings": (scenes.ready, "settings"),
}


def main() -> int:
    arguments = argparse.ArgumentParser(description="Draw hal0's page for browsers.")
    arguments.add_argument("folder", type=Path)
    folder: Path = arguments.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(draw_all(folder))
    return 0


async def draw_all(folder: Path, names: Collection[str] = PICTURES.keys()) -> None:
    async with async_playwright() as driver, AsyncExitStack() as stack:
        records = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        program = shutil.which("chromium")
        browser = await driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name in names:
            moment, view = PICTURES[name]
            stand_in = StandIn(recent(moment()), records)
            await stand_in.start()
            remember(stand_in)
            for suffix, look in LOOKS.items():
                await draw(browser, f"{stand_in.url}/#/{view}", look, folder / f"{name}{suffix}.png")
            await stand_in.close()
        await browser.close()


def recent(snapshot: Snapshot) -> Snapshot:
    """The scenes are of long ago."""
    ago = time.time() - scenes.NOW
    slots = [
        replace(
            slot,
            idle_since=slot.idle_since and slot.idle_since + ago,
            progress=slot.progress and replace(slot.progress, began_at=slot.progress.began_at + ago),
            last_error=slot.last_error and replace(slot.last_error, at=slot.last_error.at + ago),
        )
        for slot in snapshot.slots
    ]
    return replace(snapshot, slots=tuple(slots))


def remember(stand_in: StandIn) -> None:
    """An hour of memory, and some requests."""
    memory, now = stand_in.store.snapshot.memory, time.time()
    for second in range(-3600, 1, 30):
        wave = 0.75 + 0.25 * math.tanh(math.sin(second / 500) * 4)
        held = [
            replace(
                d, used=int(d.used - d.used_by_slots * (1 - wave)), used_by_slots=int(d.used_by_slots * wave)
            )
            for d in memory
        ]
        stand_in.history.note(held, now + second)
    for number in range(12):
        slot = {"slot": "coder", "model": "gemma-27b"} if number % 3 else {}
        failed = {"status": 502, "code": "engine.failed", "error": "The engine stopped."} if number == 7 else {}
        request = asked(number, ended=0.4 + number * number / 20, **slot, **failed)
        request.at = now - 90 + 7 * number
        stand_in.ended(request)


async def draw(browser: Browser, url: str, look: dict[str, Any], file: Path) -> None:
    context = await browser.new_context(**look)
    page = await context.new_page()
    await page.goto(url)
    await page.locator("main h1").wait_for()
    if url.endswith("/slots") and await page.locator(".hour").count():
        await page.locator(".hour canvas").first.wait_for()
    elif url.endswith("/activity"):
        await page.get_by_role("button", name="details").nth(2).click()
        await page.locator(".timeline").wait_for()
    await page.wait_for_timeout(500)  # curves and fits come a moment later
    await page.screenshot(path=file, full_page=True)
    await context.close()


if __name__ == "__main__":
    sys.exit(main())
