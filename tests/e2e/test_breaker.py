"""Seed 004: "The circuit breaker opened ... but was never reset". Here it gates only switches, never sticks."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.harness import Hal0
from tests.engines.running import PROGRAM, make_program
from tests.fixtures_models import SpeakingModel
from tests.router.upstreams.servers import StubUpstream

MODELS = ("good", "better", "best", "other", "crash", "crash+1", "crash+2")
SLOTS = """
slots:
  primary: {model: good, fallback: [lxc]}
"""
KILLED = "killed (signal 9)" if sys.platform != "win32" else "exit code 15"
RECOVERY_SECONDS = 20.0
# While `broken` lies beside it no engine starts, as with a driver that is gone; each start is written down.
ENGINE = """
import runpy, sys
from pathlib import Path
program, folder = sys.argv[1], Path(sys.argv[2])
del sys.argv[1:3]
if not {"--version", "--help"}.intersection(sys.argv):
    with (folder / "starts").open("a") as starts:
        starts.write("start\\n")
    if (folder / "broken").exists():
        sys.exit("0.00.001.000 E the driver is gone")
runpy.run_path(program, run_name="__main__")
"""


class Broken:
    """A hal0 whose engines may all be broken, and LXC, which is well."""

    def __init__(self, hal0: Hal0, folder: Path) -> None:
        self.hal0 = hal0
        self._flag = folder / "broken"
        self._starts = folder / "starts"

    @property
    def starts(self) -> int:
        return self._starts.read_text().count("start") if self._starts.exists() else 0

    def break_it(self) -> None:
        self._flag.touch()

    def mend(self) -> None:
        self._flag.unlink()

    async def ask(self, model: str) -> tuple[str, str | None]:
        """What is said, and by whom if not by the slot."""
        said = await self.hal0.chat(model)
        served_by: str | None = (await self.hal0.slot())["served_by"]
        return said, served_by


@pytest.fixture
async def broken(tmp_path: Path, speaking_model: SpeakingModel) -> AsyncIterator[Broken]:
    (tmp_path / "models").mkdir()
    for name in MODELS:
        shutil.copy(speaking_model("It is the engine that speaks."), tmp_path / "models" / f"{name}.gguf")
    script = tmp_path / "llama-server.py"
    script.write_text(ENGINE)
    engine = make_program(tmp_path / "llama-server", script, str(PROGRAM), str(tmp_path))
    async with StubUpstream("LXC").running() as lxc:
        upstreams = json.dumps({"lxc": {"base_url": lxc.url}})
        hal0 = Hal0.prepare(tmp_path, engine, f"upstreams: {upstreams}\n{SLOTS}")
        await hal0.start()
        yield Broken(hal0, tmp_path)
        await hal0.close()


async def test_it_opens_after_three_switches_and_closes_by_itself(broken: Broken) -> None:
    broken.break_it()
    for model in ("good", "better", "best"):
        assert await broken.ask(model) == ("Hello from LXC.", "lxc/llama")
    starts = broken.starts
    assert await broken.ask("good") == ("Hello from LXC.", "lxc/llama")
    assert broken.starts == starts, "open: no switch to one that failed is even tried"
    await broken.hal0.until_output("The last 3 switches of this slot failed")
    slot = await broken.hal0.slot()
    assert (slot["state"], slot["served_by"]) == ("failed", "lxc/llama"), "its state is always told"
    broken.mend()
    async with asyncio.timeout(RECOVERY_SECONDS):
        while (await broken.ask("good"))[1] is not None:
            await asyncio.sleep(0.05)
    assert broken.starts == starts + 1, "half-open: one probe, by a request, and nobody stepped in"
    slot = await broken.hal0.until_ready("good")
    assert slot["served_by"] is None and slot["last_error"] is None
    for model in ("better", "best"):
        assert await broken.ask(model) == (f"I am {model}", None), "one success closed it"


async def test_a_model_that_never_failed_is_tried_at_once(broken: Broken) -> None:
    """Decided: three failing models put the next good one off for 4 s, with another one's error."""
    for model in ("crash", "crash+1", "crash+2"):
        assert await broken.ask(f"primary:{model}") == ("Hello from LXC.", "lxc/llama")
    assert await broken.ask("primary:good") == ("I am good", None)


async def test_an_answer_after_a_crash_closes_the_case(broken: Broken) -> None:
    """Row 27: killed while idle, served, killed again, asked at once: 502 for 2 s, and the error stayed."""
    assert await broken.ask("primary") == ("I am good", None)
    for _ in range(3):
        before = await broken.hal0.slot()
        broken.hal0.engines()[0].kill()
        slot = await broken.hal0.until_slot(
            lambda s, pid=before["pid"]: s["state"] == "ready" and s["pid"] != pid, "its restart"
        )
        assert slot["last_error"]["past"] and KILLED in slot["last_error"]["message"]
        assert await broken.ask("primary") == ("I am good", None)
        await broken.hal0.until_slot(lambda s: s["last_error"] is None, "the case to be closed")


async def test_a_probe_that_fails_opens_it_again_for_longer(broken: Broken) -> None:
    broken.break_it()
    for model in ("good", "better", "best"):
        await broken.ask(model)
    starts = broken.starts
    async with asyncio.timeout(RECOVERY_SECONDS):
        while broken.starts == starts:
            assert await broken.ask("good") == ("Hello from LXC.", "lxc/llama")
            await asyncio.sleep(0.05)
    probed = broken.starts
    assert await broken.ask("good") == ("Hello from LXC.", "lxc/llama")
    assert broken.starts == probed
    broken.mend()
    status, body = await broken.hal0.post("/api/slots/primary/load", {"model": "best"})
    assert (status, body["slot"]["state"]) == (200, "ready"), "a person is never kept away"
    assert await broken.ask("primary") == ("I am best", None)


async def test_what_runs_is_used_while_it_is_open(broken: Broken) -> None:
    """Seed 004: "If a model is already running when the circuit is open, route to it directly"."""
    assert await broken.ask("primary") == ("I am good", None)
    for model in ("crash", "crash+1", "crash+2"):
        assert await broken.ask(f"primary:{model}") == ("Hello from LXC.", "lxc/llama")
    assert await broken.ask("primary:crash") == ("Hello from LXC.", "lxc/llama")
    await broken.hal0.until_output("The last 3 switches of this slot failed")
    for model in ("primary", "good", "primary:good"):
        assert await broken.ask(model) == ("I am good", None)
    assert (await broken.hal0.slot())["served_by"] is None


async def test_a_model_that_never_failed_is_tried_while_it_is_open(broken: Broken) -> None:
    """Three failing models put the next good one off for 4 s, with another model's error."""
    for model in ("crash", "crash+1", "crash+2"):
        assert await broken.ask(f"primary:{model}") == ("Hello from LXC.", "lxc/llama")
    assert await broken.ask("primary:other") == ("I am other", None)
