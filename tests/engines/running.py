"""How the tests run `misbehaving.py`, and deadlines for what they wait for."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import psutil

from tests.homes import BUILT, system_variables

PROGRAM = Path(__file__).with_name("misbehaving.py")
DEADLINE_SECONDS = 20.0 if sys.platform != "win32" else 120.0  # under Wine a program's start takes long
# The exit codes of engines that were asked to end, or killed: as hal0 has no console that it shares with them,
# Windows knows the latter only, and psutil's number for it.
ENDED = -signal.SIGTERM if sys.platform != "win32" else 15
KILLED = -signal.SIGKILL if sys.platform != "win32" else 15
T = TypeVar("T")


def command(behaviour: str, port: int | str) -> list[str]:
    """argv; `-I -S` halves the interpreter's start."""
    return [sys.executable, "-I", "-S", str(PROGRAM), "--port", str(port), "--behaviour", behaviour]


def make_server(path: Path) -> Path:
    """An executable to be HAL0_LLAMA_SERVER: the name of the model it is given says how it behaves."""
    return make_program(path, PROGRAM)


def make_program(path: Path, script: Path, *arguments: str) -> Path:
    """An executable that runs that Python script with these arguments and its own."""
    command = " ".join(f'"{part}"' for part in (sys.executable, "-I", "-S", script, *arguments))
    if sys.platform == "win32":
        path = path.with_suffix(".exe")
        path.write_bytes((BUILT / "stand-in.exe").read_bytes() + f"#!run {command}\0".encode())
        return path
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)
    return path


def environment(*, child_mode: bool) -> dict[str, str]:
    env = {**system_variables(), "LANG": "C.UTF-8"}
    return env | ({"LLAMA_SERVER_ROUTER_PORT": "1"} if child_mode else {})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def soon(awaitable: Awaitable[T], what: str = "") -> T:
    """The result, within the deadline."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await awaitable
    except TimeoutError:
        raise AssertionError(f"waited {DEADLINE_SECONDS:.0f} s for {what or awaitable}") from None


class Still:
    """A condition for `until`: that a number has stopped moving, for twenty looks."""

    def __init__(self, number: Callable[[], int]) -> None:
        self._number = number
        self._last: int | None = None
        self._looks = 0

    def __call__(self) -> bool:
        before, self._last = self._last, self._number()
        self._looks = self._looks + 1 if self._last == before else 0
        return self._looks >= 20


async def until(condition: Callable[[], bool], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    """For what tells nobody when it happens: look again and again, within the deadline."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not condition():
        assert loop.time() < end, f"waited {seconds:.1f} s for {what}"
        await asyncio.sleep(0.01)


async def gone(processes: list[psutil.Process], seconds: float = DEADLINE_SECONDS) -> None:
    """Every one of them ends within `seconds`; one that only waits to be reaped counts as ended."""
    await until(lambda: not any(is_alive(p) for p in processes), f"the end of {processes}", seconds)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
