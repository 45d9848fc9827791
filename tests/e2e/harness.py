"""A real `hal0 serve` in private folders, with real models and the real engine; and a client for it."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from tests.homes import PROGRAM, home_variables, system_variables

WAIT_SECONDS = 30.0 if sys.platform != "win32" else 120.0  # under Wine a program's start takes long

CONFIG_HOME = "APPDATA" if sys.platform == "win32" else "XDG_CONFIG_HOME"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def own_folder(home: Path, kind: str) -> Path:
    """Where a hal0 with `private_env` keeps its `data`, `state` or `cache`."""
    if sys.platform != "win32":
        return home / kind / "hal0"
    local = home / "AppData" / "Local" / "hal0"
    return local / "Cache" if kind == "cache" else local


def private_env(home: Path, llama_server: Path) -> dict[str, str]:
    """An environment in which hal0 sees nothing of this computer's user."""
    folders = {f"XDG_{n}_HOME": str(home / n.lower()) for n in ("CONFIG", "DATA", "STATE", "CACHE")}
    return {
        **system_variables(),
        "LANG": "C.UTF-8",
        "HAL0_LLAMA_SERVER": str(llama_server),
        "PYTHONWARNINGS": "error",
        **home_variables(home),
        **folders,
    }


if sys.platform == "win32":
    import ctypes

    def press_ctrl_c(_process: subprocess.Popen[bytes]) -> None:
        """Press it in the console, which this one shares with every hal0 of a test."""
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.SetConsoleCtrlHandler(None, True)  # not here; what was started before is not asked
        if not kernel.GenerateConsoleCtrlEvent(signal.CTRL_C_EVENT, 0):
            raise ctypes.WinError(ctypes.get_last_error())

    def hear_ctrl_c() -> None:
        """A new process does not hear it if the one that starts it does not."""
        ctypes.WinDLL("kernel32").SetConsoleCtrlHandler(None, False)

else:

    def press_ctrl_c(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGINT)

    def hear_ctrl_c() -> None:
        """Inherited from tests.surroundings."""


@dataclass
class Hal0:
    """One hal0. `port` is its endpoint's, `host` where it is reached; `within`
    is put before its command, to run it elsewhere than here."""

    home: Path
    env: dict[str, str]
    port: int
    process: subprocess.Popen[bytes] | None = None
    session: aiohttp.ClientSession = field(default_factory=aiohttp.ClientSession)
    host: str = "127.0.0.1"
    within: tuple[str, ...] = ()

    @classmethod
    def prepare(cls, home: Path, llama_server: Path, config: str = "") -> Hal0:
        """`config` is hal0.yaml without its server and engine sections; `{models}` is the model folder."""
        port = free_port()
        first = 10000 + (port * 40) % 20000
        (home / "models").mkdir(parents=True, exist_ok=True)
        head = f"server: {{port: {port}}}\nengine: {{ports: [{first}, {first + 39}]}}\n"
        dirs = "" if "model_dirs" in config else f"model_dirs: [{home / 'models'}]\n"
        (home / "hal0.yaml").write_text(head + dirs + config, encoding="utf-8")
        env = private_env(home, llama_server) | {"HAL0_CONFIG": str(home / "hal0.yaml")}
        return cls(home, env, port)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def own_folder(self, kind: str) -> Path:
        return own_folder(self.home, kind)

    # -- life ------------------------------------------------------------------------------------------

    async def start(self, *arguments: str) -> None:
        """Run `hal0 serve` and wait until it answers."""
        hear_ctrl_c()
        with (self.home / "output.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: ASYNC220 - forks and returns
                [*self.within, *PROGRAM, *(arguments or ("serve",))],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        await self.until_up()

    async def until_up(self) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                assert self.process is None or self.process.poll() is None, self.output()
                try:
                    await self.state()
                except aiohttp.ClientError:
                    await asyncio.sleep(0.02)
                else:
                    return

    def output(self) -> str:
        return (self.home / "output.log").read_text(errors="replace")

    async def until_output(self, words: str) -> None:
        """The log is written by a thread, and the lines of quick successions together."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while words not in self.output():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"waited for {words!r} in the log:\n{self.output()}") from None

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it and return its exit code. Windows has no signal but its console's Ctrl+C."""
        assert self.process is not None
        if sys.platform == "win32":
            press_ctrl_c(self.process)
        else:
            self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, WAIT_SECONDS)

    async def kill(self) -> None:
        """End it as a crash would: it cannot tidy up."""
        assert self.process is not None
        self.process.kill()
        await asyncio.to_thread(self.process.wait, WAIT_SECONDS)

    async def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            await self.kill()
        await self.session.close()

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another `hal0` command beside it."""
        argv = [*PROGRAM, *arguments]
        return subprocess.run(
            argv, env=self.env, capture_output=True, encoding="utf-8", timeout=60, check=False
        )

    # -- the endpoint ----------------------------------------------------------------------------------

    async def get(self, path: str, **headers: str) -> Any:
        async with self.session.get(self.url + path, headers=headers) as answer:
            return await answer.json()

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        async with self.session.post(self.url + path, json=body or {}) as answer:
            return answer.status, await answer.json()

    async def chat(self, model: str | None = "primary", **more: Any) -> str:
        """What the model says. Fails the test on any error."""
        status, body = await self.ask(model, **more)
        assert status == 200, body
        return str(body["choices"][0]["message"]["content"])

    async def ask(self, model: str | None = "primary", **more: Any) -> tuple[int, Any]:
        body = {"messages": [{"role": "user", "content": "Hello?"}], **more}
        return await self.post("/v1/chat/completions", body if model is None else {"model": model, **body})

    # -- the state object ------------------------------------------------------------------------------

    async def state(self) -> dict[str, Any]:
        state: dict[str, Any] = await self.get("/api/state")
        return state

    async def slot(self, name: str = "primary") -> dict[str, Any]:
        return next(s for s in (await self.state())["slots"] if s["name"] == name)

    async def events(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """(name, data) of each event as it comes."""
        async with self.session.get(self.url + "/api/events") as answer:
            name = ""
            async for raw in answer.content:
                line = raw.decode().rstrip()
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield name, json.loads(line.removeprefix("data: "))

    async def until_state(self, wanted: Callable[[dict[str, Any]], object], what: str) -> dict[str, Any]:
        """Ask for the whole state at each event until it is as wanted."""
        state: dict[str, Any] = {}
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                async for _event in self.events():
                    state = await self.state()
                    if wanted(state):
                        return state
        except TimeoutError:
            told = json.dumps(state)[:3000]
            raise AssertionError(f"waited for {what}: {told}\n{self.output()}") from None
        raise AssertionError(f"the events ended while waiting for {what}\n{self.output()}")

    async def until_part(self, part: str, wanted: Callable[[list[dict[str, Any]]], bool], what: str) -> None:
        """Follow the events until that list of the state, as `downloads`, is as wanted."""
        last: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                async for _event, data in self.events():
                    last = data.get(part, last)
                    if wanted(last):
                        return
        except TimeoutError:
            raise AssertionError(f"waited for {what}; {part}: {last}\n{self.output()}") from None
        raise AssertionError(f"the events ended while waiting for {what}\n{self.output()}")

    async def until_slot(
        self, wanted: Callable[[dict[str, Any]], bool], what: str, name: str = "primary"
    ) -> dict[str, Any]:
        """Follow the events until the slot is as wanted."""
        last: dict[str, Any] = {}
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                async for _event, data in self.events():
                    for slot in data.get("slots", []):
                        if slot["name"] == name:
                            last = slot
                    if last and wanted(last):
                        return last
        except TimeoutError:
            raise AssertionError(f"waited for {what}; the slot is {last}\n{self.output()}") from None
        raise AssertionError(f"the event stream ended while waiting for {what}\n{self.output()}")

    async def until_ready(self, model: str | None = None, name: str = "primary") -> dict[str, Any]:
        return await self.until_slot(
            lambda s: s["state"] == "ready" and model in (None, s["model"]), f"{model or name} ready", name
        )

    def engines(self) -> list[psutil.Process]:
        """Every llama-server whose command line names one of this hal0's models or its own folder."""
        return [p for p in psutil.process_iter() if is_engine_of(p, self.home)]


def is_engine_of(process: psutil.Process, home: Path) -> bool:
    """Not those that only answer a question: about flags, or (on port 0) about memory."""
    try:
        argv = process.cmdline()
        if "--port" not in argv or ("--port", "0") in itertools.pairwise(argv):
            return False
        if (parent := process.parent()) is not None and parent.cmdline() == argv:
            return False  # a wrapper's child between fork and exec
        config = Path(process.environ().get(CONFIG_HOME, ""))
        return config.is_relative_to(home) and config not in (home / "config", home / "AppData" / "Roaming")
    except (psutil.Error, OSError):
        return False
