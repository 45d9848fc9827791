"""How long the page for browsers takes until it can be used, in Debian's Chromium, and what it transfers.

    python -m benchmarks.page URL [URL…] [--visits 15]

Each URL is a running hal0 with at least one model. Several, such as before and after a change, are visited in
turn, and between them a page that holds nothing but a list: all have the same luck with what else the computer
does, and what is taken for that page is the browser's own start of a page. Each visit has a fresh profile, so
nothing is cached. Interactive: the first slot's list of models can be operated, and has been for a frame; the
time is the browser's own, from where the navigation starts. CPU: of all its processes, until then.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import psutil
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, async_playwright

CONTROL: Final = "<!doctype html><title>-</title><div class=slot><select><option>one</select></div>"
WAIT: Final = """new Promise(done => {
    const look = () => document.querySelector('.slot select:not(:disabled)') ? done(performance.now())
        : requestAnimationFrame(look);
    look();
})"""
COST: Final = """() => {
    const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        .filter(entry => !entry.name.includes('/api/') && entry.responseEnd <= window.usable);
    return {files: all.length, bytes: all.reduce((sum, entry) => sum + entry.encodedBodySize, 0)};
}"""


class Visit(NamedTuple):
    """`taken`: ms until interactive; `cpu`: ms; `files` and `bytes` had come by then."""

    taken: float
    cpu: float
    files: int
    bytes: int


async def visit(browser: Browser, url: str) -> Visit:
    context = await browser.new_context()
    page = await context.new_page()
    await page.add_init_script(f"window.interactive = {WAIT}.then(at => window.usable = at)")
    before = cpu_ms()
    await page.goto(url, wait_until="commit")
    taken: float = await page.evaluate("window.interactive")
    spent = cpu_ms() - before
    cost: dict[str, Any] = await page.evaluate(COST)
    await context.close()
    return Visit(taken, spent, **cost)


def cpu_ms() -> float:
    """What this process's children, the driver and the browser, have spent so far and still live."""
    spent = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        if "chrom" in process.name():
            spent += times.user + times.system
    return 1000 * spent


async def measure(urls: Sequence[str], visits: int) -> None:
    application = web.Application()
    application.router.add_get("/", control)
    async with TestServer(application, host="127.0.0.1") as server, async_playwright() as driver:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await driver.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        all_urls = [str(server.make_url("/")), *urls]
        seen: dict[str, list[Visit]] = {url: [] for url in all_urls}
        for url in all_urls:
            await visit(browser, url)  # starts the browser's own processes
        for _ in range(visits):
            for url in all_urls:
                seen[url].append(await visit(browser, url))
        await browser.close()
    bare = seen.pop(all_urls[0])
    for url, found in seen.items():
        tell(url, found, bare)
    tell("a page with one list", bare, bare)
    print(f"load {os.getloadavg()[0]:.1f}")


async def control(_request: web.Request) -> web.Response:
    return web.Response(text=CONTROL, content_type="text/html")


def tell(name: str, found: Sequence[Visit], bare: Sequence[Visit]) -> None:
    """The CPU's time is a mean: the system counts it in steps of 10 ms."""
    times = sorted(one.taken for one in found)
    middle, usual = statistics.median(times), statistics.median(one.taken for one in bare)
    cpu, usual_cpu = (statistics.fmean(one.cpu for one in visits) for visits in (found, bare))
    print(f"{name}: interactive after {middle:.0f} ms (median; {times[0]:.0f} to {times[-1]:.0f})")
    print(f"  {middle / usual:.2f} × the page with one list; CPU {cpu:.0f} ms, {cpu / usual_cpu:.2f} ×")
    print(f"  {found[-1].files} files, {found[-1].bytes / 1000:.1f} KB as sent")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("url", nargs="+")
    parser.add_argument("--visits", type=int, default=15)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.url, arguments.visits))


if __name__ == "__main__":
    main()
