"""`hal0 tune`: the best is kept only where it is better, and whatever happens all is as it was before."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from router.base.tasks import spawn
from tests.e2e.harness import Hal0
from tests.engines.timed import timed_server
from tests.homes import PROGRAM

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script"),
    pytest.mark.timeout(180),
]
CONFIG = """
models:
  # the one I use
  alpha:
    file: alpha.gguf  # here
    flags: {ctx-size: 1024}
slots:
  primary: {model: alpha, autoload: true, drain_timeout: 0}
"""
WORDS = ("--prompt", "256", "--generate", "8", "--runs", "3")
MakeTimed = Callable[..., Any]


@pytest.fixture
def make_timed(make_hal0: Callable[[str], Hal0], tmp_path: Path, llama_server: Path) -> MakeTimed:
    """`await make_timed(flags=…)`: a hal0 whose engine is as fast as these rules say, alpha ready."""

    async def make(**rules: Any) -> Hal0:
        hal0 = make_hal0(CONFIG)
        hal0.env["HAL0_LLAMA_SERVER"] = str(timed_server(tmp_path, llama_server, **rules))
        await hal0.start()
        await hal0.until_ready("alpha")
        return hal0

    return make


async def tune(hal0: Hal0, *words: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(hal0.cli, "tune", "alpha", *WORDS, *words)


def config(hal0: Hal0) -> str:
    return (hal0.home / "hal0.yaml").read_text()


async def is_as_before(hal0: Hal0, text: str) -> None:
    slot = await hal0.until_ready("alpha")
    assert (slot["load_flags"], config(hal0)) == ([], text)
    assert "--flash-attn" not in (await hal0.get("/api/slots/primary/command"))["command"]


async def test_the_best_is_told_and_written_only_if_that_is_wanted(make_timed: MakeTimed) -> None:
    hal0 = await make_timed(flags={"flash-attn=on": 1.5, "ubatch-size=256": 1.2})
    text = config(hal0)
    done = await tune(hal0)
    assert done.returncode == 0, done.stderr
    assert "best with batch-size=2048 flash-attn=on ubatch-size=256: reads 1.80, writes 1.80" in done.stdout
    assert "as it is" in done.stdout and "run 2 of 3" in done.stderr.lower()
    await is_as_before(hal0, text)
    asked = await tune(hal0, "--write")
    assert asked.returncode == 1 and "nobody is there to ask" in asked.stderr
    await is_as_before(hal0, text)

    done = await tune(hal0, "--write", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["best"] == ["batch-size=2048", "flash-attn=on", "ubatch-size=256"]
    after = config(hal0)
    assert "# the one I use" in after and "# here" in after
    slot = await hal0.until_slot(lambda s: s["state"] == "ready" and s["load_flags"] == [], "as written")
    command = (await hal0.get("/api/slots/primary/command"))["command"]
    assert "--flash-attn" in command and "--ubatch-size" in command and slot["model"] == "alpha"
    again = await tune(hal0)
    assert again.returncode == 0 and "nothing was faster" in again.stdout
    assert config(hal0) == after


async def test_noise_is_no_reason(make_timed: MakeTimed) -> None:
    hal0 = await make_timed(spread=0.2)
    text = config(hal0)
    done = await tune(hal0, "--write", "--yes")
    assert done.returncode == 0 and "nothing was faster" in done.stdout, done.stdout
    await is_as_before(hal0, text)


async def test_flags_that_the_engine_dies_of_are_told_and_left(make_timed: MakeTimed) -> None:
    hal0 = await make_timed(dies="flash-attn=off", flags={"flash-attn=on": 1.3})
    text = config(hal0)
    done = await tune(hal0)
    assert done.returncode == 0, done.stderr
    assert "does not load" in done.stdout and "best with flash-attn=on" in done.stdout
    await is_as_before(hal0, text)


async def test_a_slot_that_is_used_is_left_alone(make_timed: MakeTimed) -> None:
    hal0 = await make_timed()
    text, pid = config(hal0), (await hal0.slot())["pid"]
    chat = spawn(hal0.ask("alpha"), name="a chat of somebody else's")
    await hal0.until_slot(lambda s: s["in_flight"] == 1, "the chat")
    done = await tune(hal0)
    assert done.returncode == 1 and "primary is in use" in done.stderr
    assert ((await hal0.slot())["pid"], config(hal0)) == (pid, text)
    chat.cancel()


async def begun(hal0: Hal0) -> subprocess.Popen[str]:
    """A search under way: something is loaded with flags for this load."""
    argv = [*PROGRAM, "tune", "alpha", "--prompt", "256", "--generate", "8", "--runs", "200"]
    process = subprocess.Popen(  # noqa: ASYNC220 - forks and returns
        argv, env=hal0.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    await hal0.until_slot(lambda s: s["state"] == "ready" and s["load_flags"], "something tried")
    return process


async def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = await asyncio.to_thread(process.communicate)
    return process.returncode, err


async def test_ctrl_c_leaves_all_as_it_was(make_timed: MakeTimed) -> None:
    hal0 = await make_timed(flags={"flash-attn=on": 1.5})
    text = config(hal0)
    process = await begun(hal0)
    process.send_signal(signal.SIGINT)
    assert (await ended(process))[0] == 130
    await is_as_before(hal0, text)


async def test_others_who_come_to_use_the_slot_end_it(make_timed: MakeTimed) -> None:
    hal0 = await make_timed()
    text = config(hal0)
    process = await begun(hal0)
    chat = spawn(hal0.ask("alpha"), name="a chat of somebody else's")
    code, err = await ended(process)
    assert code == 1 and "came to be used by others" in err
    await is_as_before(hal0, text)
    chat.cancel()


async def test_a_model_that_was_not_loaded_is_not_afterwards(make_timed: MakeTimed) -> None:
    hal0 = await make_timed()
    status, _ = await hal0.post("/api/slots/primary/load", {"model": "beta", "flags": ["threads=1"]})
    assert status == 200
    assert (await tune(hal0, "--slot", "primary")).returncode == 0
    slot = await hal0.slot()
    assert (slot["model"], slot["state"], slot["load_flags"]) == ("beta", "ready", ["threads=1"])
    assert (await hal0.post("/api/slots/primary/unload"))[0] == 200
    assert (await tune(hal0)).returncode == 0
    assert (await hal0.slot())["state"] == "unloaded"


async def test_with_the_real_engine(make_hal0: Callable[[str], Hal0]) -> None:
    """Which flags win is the computer's to say; that no other than the winner is kept is hal0's."""
    hal0 = make_hal0(CONFIG)
    await hal0.start()
    await hal0.until_ready("alpha")
    text = config(hal0)
    done = await tune(hal0, "--json", "--kv")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [] in [trial["flags"] for trial in told["trials"]]
    assert any("cache-type-k=q8_0" in trial["flags"] for trial in told["trials"])
    assert all(trial["error"] or len(trial["runs"]) == 3 for trial in told["trials"])
    await is_as_before(hal0, text)
