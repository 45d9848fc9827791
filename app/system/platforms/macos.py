"""macOS: a LaunchAgent (launchd.plist(5)). Not run in CI: untested but for the file's content."""

from __future__ import annotations

import plistlib
from collections.abc import Sequence
from pathlib import Path

from router.base.files import write_atomic

LABEL = "io.github.hal0.tray"


def is_enabled() -> bool:
    try:
        return starts(agent_file().read_bytes())
    except FileNotFoundError:
        return False


def enable(command: Sequence[str]) -> None:
    """launchd reads the file at the next login; hal0 runs already."""
    write_atomic(agent_file(), launch_agent(command))


def disable() -> None:
    agent_file().unlink(missing_ok=True)


def agent_file() -> Path:
    return Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"


def launch_agent(command: Sequence[str]) -> bytes:
    """Return the property list that runs `command` once at each login; a quit is not undone (no KeepAlive)."""
    agent = {
        "Label": LABEL,
        "ProgramArguments": list(command),
        "RunAtLoad": True,
        "ProcessType": "Interactive",
        "LimitLoadToSessionType": "Aqua",
    }
    return plistlib.dumps(agent)


def starts(data: bytes) -> bool:
    """Return whether a property list is in force; one that cannot be read is not."""
    try:
        agent = plistlib.loads(data)
    except (plistlib.InvalidFileException, ValueError):
        return False
    return isinstance(agent, dict) and bool(agent.get("RunAtLoad")) and not agent.get("Disabled", False)
