"""Plays three first runs as a new person has them, counts seconds and clicks, and keeps a film strip of each.

    .venv/bin/python packaging/first_runs.py FOLDER [--only models|nothing|offline] [--program hal0]

`models`: one lies on the disk. `nothing`: none does. `offline`: none does, and there is no network (a network
namespace of its own: Linux). Everything is real: X server, accessibility bus, mouse, engine, model, PyPI. Time
runs from the start of the program, which must find a llama-server (HAL0_LLAMA_SERVER), to an answer that was
computed. Prints one line for each run; exits with 1 where a target was missed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# pytest and others bring a package called `packaging`; this folder must not shadow it.
sys.path[:] = [str(ROOT), *(entry for entry in sys.path if Path(entry).resolve() != Path(__file__).parent)]

from app.link.chat_request import NoAnswer, ask  # noqa: E402
from benchmarks.real_model import real_model  # noqa: E402
from tests.desktop.accessible import ENVIRONMENT, Node, Reader, click, reader  # noqa: E402
from tests.desktop.sessions import Session, open_session  # noqa: E402
from tests.desktop.tray_client import Bus  # noqa: E402
from tests.homes import PROGRAM  # noqa: E402

MOST_SECONDS = 60.0
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
DEADLINE = 300.0
QUESTION = "Say hello in one short sentence."
URL = "http://127.0.0.1:8080/v1"
WITHOUT_NETWORK = ("unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh")


@dataclass
class Run:
    """One first run as it goes, and what is counted."""

    name: str
    session: Session
    read: Reader
    folder: Path
    began: float = field(default_factory=time.monotonic)
    clicks: int = 0
    frames: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def shoot(self, what: str) -> None:
        """Keep a picture of the window."""
        file = self.folder / f"{self.name}-{len(self.frames) + 1}.png"
        window = self.session.xdotool("search", "--onlyvisible", "--name", "^hal0$").split()[0]
        told = f"{self.seconds:.0f} s, {self.clicks} click{'' if self.clicks == 1 else 's'}: {what}"
        subprocess.run(["import", "-window", window, file], env=self.session.env, check=True, timeout=30)
        self.frames.append((file, told))

    async def until(self, begins: str, *parts: str) -> Node:
        """Wait for something that is called so, with all of `parts` in its name."""

        def look(nodes: list[Node]) -> Node | None:
            named = (node for node in nodes if node.name.startswith(begins))
            return next((node for node in named if all(part in node.name for part in parts)), None)

        return await self.read.wait_for(look, DEADLINE, f"{begins} {' '.join(parts)}")

    async def press(self, begins: str) -> None:
        click(self.session, await self.until(begins))
        self.clicks += 1

    def strip(self) -> Path:
        """Join the pictures, with what each shows below it."""
        whole = self.folder / f"{self.name}.png"
        pictures = [part for file, told in self.frames for part in ("-label", told, str(file))]
        layout = ["-font", FONT, "-pointsize", "15", "-tile", "2x", "-geometry", "+8+8"]
        subprocess.run(["montage", *pictures, *layout, str(whole)], check=True)
        return whole


async def with_models(run: Run) -> str:
    """Whoever has a model asks the address that the window shows; nothing is clicked."""
    await run.until("Welcome to hal0")
    await run.until("1 found on this computer")
    run.shoot("the model was found")
    said = await _asked(run)
    run.shoot(f"a client was answered: “{said[:60]}”")
    return said


async def with_nothing(run: Run) -> str:
    """One click fetches a model, one asks it."""
    await _get_model(run)
    await run.until("", " of 93 MB")
    run.shoot("it is coming")
    await run.until("smollm2-135m-starter is ready")
    run.shoot("it is ready")
    return await _test(run, "it has answered")


async def offline(run: Run) -> str:
    """The click says why nothing comes; the demo answers."""
    await _get_model(run)
    await run.until("https://", "could not be reached")
    run.shoot("there is no network")
    return await _test(run, "the demo has answered")


RUNS: dict[str, tuple[Callable[[Run], Awaitable[str]], int]] = {
    "models": (with_models, 0),
    "nothing": (with_nothing, 2),
    "offline": (offline, 2),
}


async def _get_model(run: Run) -> None:
    await run.until("Get SmolLM2 135M")
    run.shoot("there is no model")
    await run.press("Get SmolLM2 135M")


async def _test(run: Run, what: str) -> str:
    """Click Test; return the answer."""
    await run.press("Test sends one short question, and")
    said = (await run.until("It works.")).name
    run.shoot(what)
    return said


async def _asked(run: Run) -> str:
    """Ask as a client does that waits for hal0 to be up."""
    while run.seconds < DEADLINE:
        try:
            return await asyncio.to_thread(ask, URL, "primary", QUESTION)
        except NoAnswer:
            await asyncio.sleep(0.2)
    raise AssertionError("nobody answered")


async def play(name: str, program: Sequence[str], folder: Path) -> bool:
    """Return whether the targets were reached."""
    with tempfile.TemporaryDirectory(prefix="hal0-first-run-") as home:
        session = await open_session(Path(home))
        bus = await Bus.connect(session.env["DBUS_SESSION_BUS_ADDRESS"])
        try:
            if name == "models":
                (Path(home) / "models").mkdir()
                shutil.copy(await asyncio.to_thread(real_model), Path(home) / "models" / "my-model-Q4_1.gguf")
            engine = {n: os.environ[n] for n in ("HAL0_LLAMA_SERVER",) if n in os.environ}
            before = WITHOUT_NETWORK if name == "offline" else ()
            async with reader(session, bus) as reading:
                run = Run(name, session, reading, folder)
                session.launch([*before, *program, "tray"], engine | ENVIRONMENT)
                acts, most_clicks = RUNS[name]
                said = await acts(run)
                seconds = run.seconds
        finally:
            bus.close()
            session.close()
    good = seconds <= MOST_SECONDS and run.clicks <= most_clicks
    busy = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    verdict = "as wanted" if good else "too many"
    print(f"{name}: {seconds:.1f} s, {run.clicks} clicks, {busy} ({verdict}): {said}", flush=True)
    print(f"  {run.strip()}")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description="Play hal0's first runs.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=sorted(RUNS))
    parser.add_argument("--program", help="the hal0 to run; this checkout's, if not given")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    program = [given.program] if given.program else PROGRAM
    names = [given.only] if given.only else list(RUNS)
    good = [asyncio.run(play(name, program, given.folder)) for name in names]  # each is played
    return int(not all(good))


if __name__ == "__main__":
    sys.exit(main())
