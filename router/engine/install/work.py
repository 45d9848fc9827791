"""Blocking work and tools, so that cancelling an install never leaves something still writing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from router.base.errors import InstallFailed
from router.base.tasks import spawn
from router.engine.environment import scrubbed
from router.platforms import current as platform

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run work like asyncio.to_thread, but a cancelled caller first waits for the thread: its files are cleaned
    up next, and a thread cannot be stopped."""
    loop = asyncio.get_running_loop()
    running = loop.run_in_executor(None, partial(work, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.gather(running, return_exceptions=True)
        raise


def tool_environment(base: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for programs of the system: without a PyInstaller bundle's libraries, but with the
    way to the network."""
    proxies = {name: value for name, value in base.items() if name.upper().endswith("_PROXY")}
    return {**scrubbed(base), **proxies}


async def run_tool(
    argv: Sequence[str | Path], *, cwd: Path, environment: Mapping[str, str] | None = None
) -> str:
    """Run a program to its end and return its output. Raises InstallFailed with its own complaint.

    The program and all it started are ended if the caller is cancelled.
    """
    name = Path(argv[0]).name
    starting = spawn(_start(argv, cwd, environment), name=f"start {name}")
    try:
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # It may run already: asyncio would end the tool then, and leave alone what that has started.
        if isinstance(process := await starting, asyncio.subprocess.Process):
            await _end(process)
        raise
    if isinstance(process, OSError):
        raise InstallFailed(f"{name} could not be started: {process.strerror}.") from process
    platform.adopt(process.pid)
    try:
        raw, _ = await process.communicate()
    finally:
        await _end(process)
    output = raw.decode(errors="replace")
    if process.returncode != 0:
        raise InstallFailed(f"{name} ended with code {process.returncode}: {complaint(output)}")
    return output


async def _start(
    argv: Sequence[str | Path], cwd: Path, environment: Mapping[str, str] | None
) -> asyncio.subprocess.Process | OSError:
    """Start a tool; return the error instead of raising it, as whoever waits reports it."""
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=cwd,
            env=tool_environment(os.environ) if environment is None else environment,
            **platform.spawn_options(),
        )
    except OSError as error:
        return error


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill a tool with all it has started, if it still runs."""
    if process.returncode is None:
        platform.kill(process.pid)
        await process.wait()


def complaint(output: str) -> str:
    """Return the line of a tool's output that says what went wrong: apt and pip mark theirs, else the last
    one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    marked = next((line for line in lines if line.startswith(("E: ", "ERROR: ", "error: "))), None)
    return (marked or (lines[-1] if lines else "it printed nothing"))[:300]
