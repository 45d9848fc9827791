"""Reads a running program as a screen reader does: over AT-SPI, the accessibility bus of Linux desktops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.desktop.sessions import Session
from tests.desktop.tray_client import Bus

ENVIRONMENT = {"QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}
"""What makes Qt speak AT-SPI before anybody listens."""

IS_INSTALLED = Path("/usr/share/dbus-1/services/org.a11y.Bus.service").exists()
"""at-spi2-core, which the bus is from."""

REGISTRY = "org.a11y.atspi.Registry"
ROOT = "/org/a11y/atspi/accessible/root"
ACCESSIBLE = "org.a11y.atspi.Accessible"
COMPONENT = "org.a11y.atspi.Component"
CONTROLS = frozenset(
    {
        *(
            "button",
            "push button",
            "toggle button",
            "check box",
            "radio button",
            "combo box",
            "spin button",
            "spin box",
        ),
        *("text", "entry", "slider", "progress bar", "page tab", "menu item", "link", "button menu"),
        *("list", "list box", "tree", "tree table", "table", "list item", "column header"),
    }
)
"""Roles of what a person can use or has to read, as GetRoleName says them."""

ENABLED, FOCUSED, SHOWING = 8, 12, 25  # AtspiStateType
LABELLED_BY = 2  # AtspiRelationType
LOOK_SECONDS = 0.5
Place = tuple[str, str]


@dataclass(frozen=True)
class Node:
    """`extents`: x, y, width, height on the screen, in pixels. `labelled`: a combo box, whose name is what is
    chosen, has a label or a description that says what the choice is about."""

    place: Place
    name: str
    role: str
    states: int
    extents: tuple[int, int, int, int]
    inside: tuple[str, ...]
    labelled: bool = False

    def has(self, state: int) -> bool:
        return bool(self.states >> state & 1)

    @property
    def is_control(self) -> bool:
        return self.role in CONTROLS

    @property
    def middle(self) -> tuple[int, int]:
        x, y, width, height = self.extents
        return x + width // 2, y + height // 2

    def __str__(self) -> str:
        return f"{self.role} {self.name!r} in {' > '.join(self.inside[-2:])}"


class Reader:
    """Everything that is on the screen, as a screen reader finds it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def showing(self) -> list[Node]:
        """All nodes that are shown, parents before their children."""
        found: list[Node] = []
        for application in await self._children((REGISTRY, ROOT)):
            for window in await self._children(application):
                await self._walk(window, (), found)
        return found

    async def find(self, name: str, role: str = "") -> Node | None:
        """The first node shown whose name begins so."""
        for node in await self.showing():
            if node.name.startswith(name) and role in ("", node.role):
                return node
        return None

    async def wait_for(self, look: Callable[[list[Node]], Node | None], seconds: float, what: str) -> Node:
        """Look again and again, as nothing tells of every change; the deadline is far beyond what it takes."""
        try:
            async with asyncio.timeout(seconds):
                while (found := look(await self.showing())) is None:
                    await asyncio.sleep(LOOK_SECONDS)
                return found
        except TimeoutError:
            seen = [str(node) for node in await self.showing() if node.name]
            raise AssertionError(f"waited {seconds:.0f} s for {what}; there is {seen}") from None

    async def _walk(self, place: Place, inside: tuple[str, ...], found: list[Node]) -> None:
        node = await self._node(place, inside)
        if not node.has(SHOWING):
            return
        found.append(node)
        for child in await self._children(place):
            await self._walk(child, (*inside, node.name or node.role), found)

    async def _node(self, place: Place, inside: tuple[str, ...]) -> Node:
        to, path = place
        name = await self._bus.get(to, path, ACCESSIBLE, "Name")
        role = await self._bus.call(to, path, ACCESSIBLE, "GetRoleName")
        low, high = await self._bus.call(to, path, ACCESSIBLE, "GetState")
        extents: Any = (0, 0, 0, 0)
        if COMPONENT in await self._bus.call(to, path, ACCESSIBLE, "GetInterfaces"):
            extents = await self._bus.call(to, path, COMPONENT, "GetExtents", "u", 0)
        about = role == "combo box" and await self._is_explained(place)
        return Node(place, name, role, low | high << 32, tuple(extents), inside, about)

    async def _is_explained(self, place: Place) -> bool:
        to, path = place
        relations = await self._bus.call(to, path, ACCESSIBLE, "GetRelationSet")
        labelled = any(kind == LABELLED_BY and targets for kind, targets in relations)
        return labelled or bool(await self._bus.get(to, path, ACCESSIBLE, "Description"))

    async def _children(self, place: Place) -> list[Place]:
        to, path = place
        return [(name, child) for name, child in await self._bus.call(to, path, ACCESSIBLE, "GetChildren")]


@asynccontextmanager
async def reader(session: Session, bus: Bus) -> AsyncIterator[Reader]:
    """A screen reader's connection; the accessibility bus is started by the session's."""
    address = await bus.call("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress")
    connection = await Bus.connect(address)
    try:
        yield Reader(connection)
    finally:
        connection.close()


def click(session: Session, node: Node) -> None:
    """Move the mouse there and click, as a person does."""
    x, y = node.middle
    session.xdotool("mousemove", x, y, "click", 1)
