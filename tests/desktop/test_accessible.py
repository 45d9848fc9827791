"""What a screen reader is told of the running app, over AT-SPI itself: no control without a name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from tests.desktop.accessible import ENVIRONMENT, IS_INSTALLED, Node, Reader, click, reader
from tests.desktop.conftest import Desktop
from tests.desktop.test_tray import APP, environment
from tests.desktop.test_window import wait_for_windows

DEADLINE = 30.0
TABS = {
    "Slots": "Restart primary",
    "Models": "Search models",
    "Activity": "Only failures",
    "Logs": "Copy the log",
    "Settings": "Start hal0 when I log in",
}
"""Each tab, and what is to be seen once it is shown."""

PAGES = {
    "Server": "Generate",
    "Slots": "Name of a new slot",
    "Models": "Id of a new model",
    "Advanced": "First engine port",
}


def nameless(nodes: list[Node]) -> list[str]:
    """What a person would hear only the kind of, or the choice without the question."""
    silent = [node for node in nodes if node.is_control and not node.name.strip("…+ ")]
    vague = [node for node in nodes if node.role == "combo box" and not node.labelled]
    return [str(node) for node in (*silent, *vague)]


def called(name: str, role: str = "") -> Callable[[list[Node]], Node | None]:
    def look(nodes: list[Node]) -> Node | None:
        fitting = (node for node in nodes if node.name.startswith(name) and role in ("", node.role))
        return next(fitting, None)

    return look


@pytest.fixture
async def read(desktop: Desktop) -> AsyncIterator[Reader]:
    """The app with hand-written router, at its first page."""
    if not IS_INSTALLED:
        pytest.skip("not installed: at-spi2-core")
    desktop.session.launch(APP, environment() | ENVIRONMENT)
    wait_for_windows(desktop.session, 1)
    async with reader(desktop.session, desktop.bus) as reading:
        yield reading


async def test_every_control_of_the_running_app_has_a_name(desktop: Desktop, read: Reader) -> None:
    session, controls = desktop.session, 0
    start = await read.wait_for(called("Start using hal0"), DEADLINE, "the first page")
    assert nameless(await read.showing()) == []
    click(session, start)
    for tab, sign in TABS.items():
        click(session, await read.wait_for(called(tab, "page tab"), DEADLINE, f"the tab {tab}"))
        await read.wait_for(called(sign), DEADLINE, f"{sign} in {tab}")
        nodes = await read.showing()
        assert nameless(nodes) == []
        controls += sum(node.is_control for node in nodes)
    for page, sign in PAGES.items():
        click(session, await read.wait_for(called(page, "list item"), DEADLINE, f"the page {page}"))
        await read.wait_for(called(sign), DEADLINE, f"{sign} in {page}")
        nodes = await read.showing()
        assert nameless(nodes) == []
        controls += sum(node.is_control for node in nodes)
    assert controls > 100, "the tree was really walked"


async def test_the_dialogs_of_the_running_app_have_names_too(desktop: Desktop, read: Reader) -> None:
    session = desktop.session
    click(session, await read.wait_for(called("Get models…", "push button"), DEADLINE, "the first page"))
    await read.wait_for(called("Close", "push button"), DEADLINE, "the dialog")
    await read.wait_for(called("Get models", "dialog"), DEADLINE, "the dialog itself")
    assert nameless(await read.showing()) == []
