"""xfce4-panel under xdotool: where the icon and its menus are, as a person finds them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from tests.desktop.sessions import Session

WAIT_SECONDS = 15.0
ICON = (12, 16)
Box = tuple[int, int, int, int]


def visible_boxes(session: Session) -> list[Box]:
    """(x, y, width, height) of every window on the screen that is no bigger than a menu could be."""
    found = subprocess.run(
        ["xdotool", "search", "--onlyvisible", "--name", ".*"], env=session.env, capture_output=True, text=True
    ).stdout.split()
    boxes = []
    for window in found:
        shown = subprocess.run(
            ["xdotool", "getwindowgeometry", "--shell", window], env=session.env, capture_output=True, text=True
        )
        values = dict(line.split("=") for line in shown.stdout.split())
        if shown.returncode == 0 and values:
            boxes.append((int(values["X"]), int(values["Y"]), int(values["WIDTH"]), int(values["HEIGHT"])))
    return sorted(set(boxes))


def settle(look: Callable[[], list[Box]], what: str) -> list[Box]:
    """Look until there is something and it is the same twice: a popup moves while it opens."""
    deadline = time.monotonic() + WAIT_SECONDS
    before: list[Box] = []
    while time.monotonic() < deadline:
        now = look()
        if now and now == before:
            return now
        before = now
    raise AssertionError(f"waited {WAIT_SECONDS:.0f} s for {what}")


def menus(session: Session) -> list[Box]:
    """The popups: bigger than an icon, smaller than the panel."""
    return [box for box in visible_boxes(session) if box[3] > 60 and 100 < box[2] < 1000]


def coloured(session: Session, x: int, y: int) -> bool:
    """Whether that pixel is blue, as hal0's solid icon is and the panel is not."""
    argv = ["import", "-window", "root", "-crop", f"1x1+{x}+{y}", "-depth", "8", "rgb:-"]
    red, _green, blue = subprocess.run(argv, env=session.env, check=True, capture_output=True).stdout[:3]
    return blue > red + 60


def open_menu(session: Session, *, settled: bool = True) -> Box:
    """Right click the only icon of the panel; returns where its menu is. `settled`: wait for the solid icon."""
    x, y = ICON
    # The panel draws a registered icon some time later; a click before that opens the panel's own menu.
    settle(lambda: [(x, y, 1, 1)] if not settled or coloured(session, x, y) else [], "the icon in the panel")
    session.xdotool("mousemove", x, y, "click", 3)
    return settle(lambda: menus(session), "the tray menu")[0]


def open_first_submenu(session: Session, menu: Box) -> None:
    """Move the pointer down the menu until a second popup stands beside it."""
    left, top, _width, height = menu
    for y in range(top + 70, top + height, 20):
        session.xdotool("mousemove", left + 60, y)
        # GTK opens a submenu a quarter of a second after the pointer came to rest on it.
        deadline = time.monotonic() + 0.6
        while time.monotonic() < deadline:
            if len(found := menus(session)) > 1 and found == menus(session):
                return
    raise AssertionError("no entry of the menu opened a submenu")


def submenu(session: Session) -> Box:
    """Where the second popup is, right of the first."""
    return settle(lambda: menus(session)[1:] if len(menus(session)) > 1 else [], "the submenu")[0]
