"""One installed hal0 as a person has it: nothing of this checkout's environment reaches it."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.desktop.conftest import Desktop
from tests.e2e.harness import Hal0
from tests.fixtures_models import SpeakingModel
from tests.packaging.machines import SYSTEM_PATH, Machine

SENTENCES = {"alpha_q4": "Alpha is the one who speaks.", "beta_q4": "Beta answers you this time."}
CONFIG = "slots:\n  primary: {model: alpha_q4, autoload: true}\n"
STOP_SECONDS = 30


@dataclass
class Installed:
    """`program` is hal0 as `machine` names it; `hal0` asks what it runs."""

    machine: Machine
    program: str | Path
    hal0: Hal0

    @classmethod
    def prepare(
        cls, machine: Machine, program: str | Path, home: Path, llama_server: Path, speaking: SpeakingModel
    ) -> Installed:
        (home / "models").mkdir(parents=True)
        for name, sentence in SENTENCES.items():
            shutil.copy(speaking(sentence, name), home / "models" / f"{name}.gguf")
        hal0 = Hal0.prepare(home, llama_server, CONFIG)
        hal0.env = {**hal0.env, "PATH": SYSTEM_PATH}
        hal0.env.pop("PYTHONWARNINGS")
        (home / "output.log").touch()
        return cls(machine, program, hal0)

    @classmethod
    async def in_tray(
        cls,
        desktop: Desktop,
        machine: Machine,
        program: str | Path,
        llama_server: Path,
        speaking: SpeakingModel,
    ) -> Installed:
        """`hal0 tray --hidden` on that desktop, with alpha ready."""
        session = desktop.session
        made = cls.prepare(machine, program, session.home / "user", llama_server, speaking)
        made.hal0.env = {**session.env, **made.hal0.env}
        made.hal0.process = session.launch(made.argv("tray", "--hidden"), made.hal0.env)
        await made.hal0.until_up()
        await made.hal0.until_ready("alpha_q4")
        return made

    def argv(self, *arguments: str) -> list[str]:
        return self.machine.wrap([self.program, *arguments])

    async def serve(
        self, model: str = "alpha_q4", *, env: dict[str, str] | None = None, stderr: Path | None = None
    ) -> None:
        """`hal0 serve`, with `model` ready."""
        with (stderr or self.hal0.home / "output.log").open("ab") as log:
            self.hal0.process = subprocess.Popen(  # noqa: ASYNC220 - forks and returns
                self.argv("serve"),
                env={**self.hal0.env, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
            )
        await self.hal0.until_up()
        await self.hal0.until_ready(model)

    async def cli(self, *arguments: str) -> str:
        """What that command printed; it must not fail."""
        done = await asyncio.to_thread(self.machine.run, self.program, *arguments, env=self.hal0.env)
        return done.stdout

    async def speaks(self, model: str) -> None:
        assert await self.hal0.chat("primary") == SENTENCES[model]

    async def ends(self) -> int:
        """Wait for the end of a hal0 that was asked to; returns its exit code."""
        assert self.hal0.process is not None
        return await asyncio.to_thread(self.hal0.process.wait, STOP_SECONDS)

    def leftovers(self) -> list[str]:
        """What still runs or listens of this hal0."""
        found = [f"process {p.pid}: {p.info['cmdline']}" for p in _processes() if self._is_ours(p)]
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.hal0.port)) == 0:
                found.append(f"port {self.hal0.port} is still listened to")
        return found

    def _is_ours(self, process: psutil.Process) -> bool:
        home = str(self.hal0.home)
        try:
            return (
                any(home in part for part in process.info["cmdline"] or ())
                or process.environ().get("HOME") == home
            )
        except (psutil.Error, OSError):
            return False


def _processes() -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"]]


def wait_for_window(desktop: Desktop) -> str:
    """The X id of hal0's window, once it can be seen."""
    return desktop.session.xdotool("search", "--sync", "--onlyvisible", "--name", "^hal0$").split()[0]


def mapped_files(pid: int) -> Sequence[str]:
    """The files that a process has mapped: its libraries above all."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return sorted({parts[5] for line in lines if len(parts := line.split(maxsplit=5)) == 6})
