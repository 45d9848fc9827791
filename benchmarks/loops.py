"""Which event loop runs: the same one for hal0 and for what it is compared with."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

NAMES = ("asyncio", "uvloop")


def run(main: Coroutine[Any, Any, None], loop: str) -> None:
    """`asyncio.run` on the loop of that name."""
    factory = importlib.import_module("uvloop").new_event_loop if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


def fastest() -> str:
    """For the stub and the load: whichever costs this computer less, as they are not what is measured."""
    return "uvloop" if importlib.util.find_spec("uvloop") else "asyncio"


def loop_of(pid: int) -> str:
    """The loop a running Python process has loaded (Linux: its mapped libraries say so)."""
    return "uvloop" if "/uvloop/" in Path(f"/proc/{pid}/maps").read_text() else "asyncio"
