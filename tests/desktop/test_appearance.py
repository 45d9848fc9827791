"""Light and dark on a desktop that Qt does not ask by itself: over the portal that it speaks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dbus_fast import BusType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.service import ServiceInterface, dbus_method, dbus_signal

from app.system.appearance import KEY, PORTAL, PORTAL_PATH, SETTINGS, SPACE
from tests.desktop.conftest import Desktop

ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 20.0
# Says each colour scheme that Qt comes to have, and takes choices from its first argument, one at each change.
PROGRAM = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from app.system.appearance import Appearance, ColourScheme
app = QApplication([])
choices = iter(sys.argv[2:])
def say():
    dark = app.palette().window().color().lightness() < 128
    print(app.styleHints().colorScheme().name, "dark" if dark else "light", flush=True)
    if choice := next(choices, None):
        scheme.choose(Appearance(choice))
app.styleHints().colorSchemeChanged.connect(lambda: QTimer.singleShot(0, say))  # the palette comes after it
scheme = ColourScheme(Appearance(sys.argv[1]))
app.exec()
"""


class Portal(ServiceInterface):
    """What a desktop's portal says of its colours; 1 is dark, 2 is light."""

    def __init__(self, value: int) -> None:
        super().__init__(SETTINGS)
        self.value = value

    @dbus_method()
    def Read(self, space: "s", key: "s") -> "v":  # type: ignore[name-defined]  # noqa: F821, N802, UP037
        assert (space, key) == (SPACE, KEY)
        return Variant("v", Variant("u", self.value))

    @dbus_signal()
    def SettingChanged(self) -> "ssv":  # type: ignore[name-defined]  # noqa: F821, N802, UP037
        return [SPACE, KEY, Variant("u", self.value)]


async def lines(read: Callable[[], str], count: int) -> list[str]:
    async with asyncio.timeout(WAIT_SECONDS):
        while len(found := read().splitlines()) < count:
            await asyncio.sleep(0.02)
    return found


async def test_the_desktops_colours_are_followed_unless_a_person_chose(bare_desktop: Desktop) -> None:
    session = bare_desktop.session
    address = session.env["DBUS_SESSION_BUS_ADDRESS"]
    bus = await MessageBus(bus_address=address, bus_type=BusType.SESSION).connect()
    portal = Portal(1)
    bus.export(PORTAL_PATH, portal)
    await bus.request_name(PORTAL)
    env = {"PYTHONPATH": str(ROOT)}
    follows = session.launch([sys.executable, "-c", PROGRAM, "system"], env)
    assert await lines(lambda: session.log_of(follows), 1) == ["Dark dark"], session.log_of(follows)
    portal.value = 2
    portal.SettingChanged()
    assert await lines(lambda: session.log_of(follows), 2) == ["Dark dark", "Light light"]
    portal.value = 1
    chose = session.launch([sys.executable, "-c", PROGRAM, "dark", "light"], env)
    assert await lines(lambda: session.log_of(chose), 2) == ["Dark dark", "Light light"]
    portal.SettingChanged()
    assert (await lines(lambda: session.log_of(follows), 3))[2] == "Dark dark"
    assert len(session.log_of(chose).splitlines()) == 2, "what the desktop says is no matter there"
    bus.disconnect()


async def test_without_a_portal_qt_decides(bare_desktop: Desktop) -> None:
    session = bare_desktop.session
    chose = session.launch([sys.executable, "-c", PROGRAM, "dark", "system"], {"PYTHONPATH": str(ROOT)})
    assert await lines(lambda: session.log_of(chose), 2) == ["Dark dark", "Light light"]


if sys.platform != "linux":
    pytest.skip("an X11 and D-Bus session is Linux's", allow_module_level=True)
