"""How long the page for browsers takes until it can be used, in Debian's Chromium, and what it transfers.

    python -m benchmarks.page URL [URL…] [--visits 15]

Each URL is a running hal0 with at least one model. Several, such as before and after a change, are visited in
turn: all have the same luck with what else the computer does. Each visit has a fresh profile, so nothing is
cached. Interactive: the first slot's list of models can be operated; the time is the browser's own, from where
the navigation starts.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
from collections.abc import Sequence
from typing import Any

from playwright.async_api import Browser, async_playwright

WAIT = """new Promise(done => {
    const look = () => document.querySelector('.slot select:not(:disabled)') ? done(performance.now())
        : requestAnimationFrame(look);
    look();
})"""
COST = """() => {
    const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        .filter(entry => !entry.name.includes('/api/'));
    return {files: all.length, bytes: all.reduce((sum, entry) => sum + entry.encodedBodySize, 0)};
}"""


async def visit(browser: Browser, url: str) -> tuple[float, dict[str, Any]]:
    """(ms until interactive, {files, bytes})"""
    context = await browser.new_context()
    page = await context.new_page()
    await page.add_init_script(f"window.interactive = {WAIT}")
    await page.goto(url, wait_until="commit")
    taken: float = await page.evaluate("window.interactive")
    cost: dict[str, Any] = await page.evaluate(COST)
    await context.close()
    return taken, cost


async def nothing(browser: Browser, url: str) -> float:
    """ms until a file of text is there: what the browser and this computer's load cost by themselves."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{url.rstrip('/')}/page/vendor/licenses/htm.txt")
    taken: float = await page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    await context.close()
    return taken


async def measure(urls: Sequence[str], visits: int) -> None:
    seen: dict[str, list[tuple[float, dict[str, Any]]]] = {url: [] for url in urls}
    bare = []
    async with async_playwright() as driver:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await driver.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        for url in urls:
            await visit(browser, url)  # starts the browser's own processes
        for _ in range(visits):
            bare.append(await nothing(browser, urls[0]))
            for url in urls:
                seen[url].append(await visit(browser, url))
        await browser.close()
    for url, found in seen.items():
        tell(url, found)
    print(f"a file of text after {statistics.median(bare):.0f} ms ({min(bare):.0f} to {max(bare):.0f})")
    print(f"load {os.getloadavg()[0]:.1f}")


def tell(url: str, found: Sequence[tuple[float, dict[str, Any]]]) -> None:
    times = sorted(taken for taken, _cost in found)
    cost = found[-1][1]
    spread = f"median; {times[0]:.0f} to {times[-1]:.0f}"
    print(f"{url}: interactive after {statistics.median(times):.0f} ms ({spread})")
    print(f"  {cost['files']} files, {cost['bytes'] / 1000:.1f} KB as sent")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("url", nargs="+")
    parser.add_argument("--visits", type=int, default=15)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.url, arguments.visits))


if __name__ == "__main__":
    main()
