"""Fixtures: a private X and D-Bus session, with a watcher of our own or with a real panel."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.desktop.sessions import Session, missing_programs, open_session, start_panel
from tests.desktop.tray_client import WATCHER, Bus


@dataclass
class Desktop:
    """`session` runs programs, `bus` talks to them."""

    session: Session
    bus: Bus


async def _open(home: Path, *needed: str) -> Desktop:
    if sys.platform != "linux":
        pytest.skip("an X11 and D-Bus session is Linux's")
    if missing := missing_programs(*needed):
        pytest.skip(f"not installed: {', '.join(missing)}")
    session = await open_session(home)
    try:
        return Desktop(session, await Bus.connect(session.env["DBUS_SESSION_BUS_ADDRESS"]))
    except BaseException:
        session.close()
        raise


@pytest.fixture
async def desktop(tmp_path: Path) -> AsyncIterator[Desktop]:
    """A session whose tray is our own watcher: everything is visible over D-Bus, nothing is drawn."""
    opened = await _open(tmp_path)
    try:
        await opened.bus.be_watcher()
        yield opened
    finally:
        opened.bus.close()
        opened.session.close()


@pytest.fixture
async def panel_desktop(tmp_path: Path) -> AsyncIterator[Desktop]:
    """A session with xfce4-panel: the tray a person sees."""
    opened = await _open(tmp_path, "xfce4-panel")
    try:
        start_panel(opened.session)

        async def ready() -> bool:
            return await opened.bus.owns_name(WATCHER)

        await opened.bus.wait_until(ready, "the panel's tray")
        yield opened
    finally:
        opened.bus.close()
        opened.session.close()


@pytest.fixture
async def bare_desktop(tmp_path: Path) -> AsyncIterator[Desktop]:
    """A session without any tray."""
    opened = await _open(tmp_path)
    try:
        yield opened
    finally:
        opened.bus.close()
        opened.session.close()
