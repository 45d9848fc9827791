"""How a program of Wine's, or of Windows', is run in the private Debian."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading

from debian import Debian

SCREEN = ("xvfb-run", "-a", "-s", "-screen 0 2560x1800x24")
"""Put before a command: an X server of its own."""


def wine(system: Debian, *argv: str, **variables: str) -> int:
    """Run it there and return its exit code. Its standard input is a terminal: from that Wine makes a console,
    without which there is no Ctrl+C. `variables` are added to its environment."""
    environment = system.environment(
        WINEPREFIX="/cache/prefix",
        WINEDEBUG="-all",
        WINEDLLOVERRIDES="mscoree,mshtml=",  # asks about neither at the first start
        XDG_RUNTIME_DIR="/tmp",  # noqa: S108 - wants to be named; nothing is put there
        PYTHONDONTWRITEBYTECODE="1",
        **variables,
    )
    terminal, inside = os.openpty()
    threading.Thread(target=drain, args=(terminal,), daemon=True).start()
    try:
        return subprocess.run(system.command(*argv), env=environment, stdin=inside, check=False).returncode
    finally:
        os.close(inside)


def drain(terminal: int) -> None:
    """Read what Wine draws on its console, until nobody has it open."""
    with contextlib.suppress(OSError):
        while os.read(terminal, 65536):
            pass


def windows_path(path: str) -> str:
    return "Z:" + path.replace("/", "\\")
