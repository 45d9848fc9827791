"""The window on a real X server: who shows it, and who keeps hal0 alive."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time

from tests.desktop.conftest import Desktop
from tests.desktop.sessions import Session
from tests.desktop.test_tray import APP, environment, ready_item

WAIT_SECONDS = 15.0


def windows(session: Session) -> list[str]:
    """X ids of the visible windows titled exactly hal0."""
    argv = ["xdotool", "search", "--onlyvisible", "--name", "^hal0$"]
    return subprocess.run(argv, env=session.env, capture_output=True, text=True, timeout=30).stdout.split()


def wait_for_windows(session: Session, count: int) -> list[str]:
    deadline = time.monotonic() + WAIT_SECONDS
    while len(found := windows(session)) != count:
        assert time.monotonic() < deadline, f"waited for {count} windows, there are {len(found)}"
    return found


async def test_a_second_launch_shows_the_first_one_s_window_and_ends(desktop: Desktop) -> None:
    session = desktop.session
    first = session.launch([*APP, "--hidden"], environment())
    await ready_item(desktop)
    assert windows(session) == []
    second = session.launch(APP, environment())
    assert await asyncio.to_thread(second.wait, 20) == 0, session.log_of(second)
    assert session.log_of(second) == "hal0 is already running; its window is now open.\n"
    wait_for_windows(session, 1)
    session.screenshot("window")
    assert first.poll() is None


async def test_a_click_on_the_icon_opens_the_window_and_closing_it_hides_it(desktop: Desktop) -> None:
    session = desktop.session
    process = session.launch([*APP, "--hidden"], environment())
    item = await ready_item(desktop)
    await item.activate()
    window = wait_for_windows(session, 1)[0]
    session.xdotool("windowfocus", "--sync", window, "key", "ctrl+w")
    wait_for_windows(session, 0)
    assert process.poll() is None
    await item.click("Open hal0")
    wait_for_windows(session, 1)


async def test_without_a_tray_the_window_opens_and_closing_it_asks(bare_desktop: Desktop) -> None:
    session = bare_desktop.session
    process = session.launch([*APP, "--announce"], environment())
    window = wait_for_windows(session, 1)[0]
    session.xdotool("windowfocus", "--sync", window, "key", "ctrl+w")
    wait_for_windows(session, 2)
    session.screenshot("closing-without-a-tray")
    process.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(process.wait, 20) == 0, session.log_of(process)
    (line,) = session.log_of(process).splitlines()
    assert line.endswith("no tray icon, as this desktop has no tray: hal0 is in its window")


async def test_a_router_that_does_not_start_says_so_and_ends_with_an_error(bare_desktop: Desktop) -> None:
    session = bare_desktop.session
    process = session.launch(APP, environment() | {"FAKE_START_ERROR": "The config names a folder twice."})
    wait_for_windows(session, 2)
    session.screenshot("start-failed")
    box = session.xdotool("search", "--onlyvisible", "--name", "^hal0$").split()
    for window in box:
        session.xdotool("windowfocus", "--sync", window, "key", "Return")
    assert await asyncio.to_thread(process.wait, 20) == 1, session.log_of(process)


async def test_without_a_display_it_says_what_to_do_instead_of_aborting(bare_desktop: Desktop) -> None:
    none = {"DISPLAY": "", "QT_QPA_PLATFORM": ""}
    process = bare_desktop.session.launch(APP, environment() | none)
    assert await asyncio.to_thread(process.wait, 20) == 2
    assert "hal0 serve" in bare_desktop.session.log_of(process)
