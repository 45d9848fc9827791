"""Conversations over switches, evictions, idle unloads, restarts and kills, with a real llama-server.

The proof is the engine's own `cached_tokens`: tokens of a request that it did not have to read.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from router.conversations.identity import sample
from tests.e2e.conftest import ALPHA, BETA, SLOTS
from tests.e2e.gpu_engine import gpu_engine
from tests.e2e.harness import WAIT_SECONDS, Hal0
from tests.engines.slow import slow_server
from tests.modes import is_private
from tests.resources.ggufs import build_multi_token, build_recurrent, build_sliding
from tests.router.memory.stub import StubDriver

MakeHal0 = Callable[[str], Hal0]
SYSTEM = "you are an agent with many rules and tools and you never forget any of them " * 12
SWITCHES = int(os.environ.get("HAL0_TEST_SWITCHES", "12"))
LEAST = 400
"""Tokens of SYSTEM, at least: they need not be read again."""


class Agent:
    """Sends its whole conversation with every turn."""

    def __init__(self, hal0: Hal0, model: str, system: str = SYSTEM) -> None:
        self.hal0, self.model = hal0, model
        self.messages: list[dict[str, str]] = [{"role": "system", "content": system}]

    async def turn(self, said: str = "and what is next on the list", **more: Any) -> tuple[str, int]:
        """The answer, and how many tokens of all that was sent did not have to be read."""
        self.messages.append({"role": "user", "content": said})
        body = {"model": self.model, "messages": self.messages, "temperature": 0, **more}
        status, told = await self.hal0.post("/v1/chat/completions", body)
        assert status == 200, told
        answer = str(told["choices"][0]["message"]["content"])
        self.messages.append({"role": "assistant", "content": answer})
        return answer, int(told["usage"]["prompt_tokens_details"]["cached_tokens"])


def folder(hal0: Hal0) -> Path:
    return hal0.own_folder("state") / "conversations"


def files(hal0: Hal0) -> list[Path]:
    return sorted(folder(hal0).iterdir())


async def kept(hal0: Hal0) -> dict[str, int]:
    return {one["model"]: one["conversations"] for one in (await hal0.state())["kept"]}


async def until_kept(hal0: Hal0, wanted: dict[str, int]) -> None:
    """Until that is what the state says, and it would outlive a kill."""
    async with asyncio.timeout(WAIT_SECONDS):
        while await kept(hal0) != wanted or len(list(folder(hal0).glob("*.json"))) != sum(wanted.values()):
            await asyncio.sleep(0.02)


async def elsewhere(hal0: Hal0) -> None:
    """The slot holds beta, and alpha's engine is gone."""
    assert (await Agent(hal0, "beta", "short").turn())[0] == BETA
    await hal0.until_slot(lambda s: s["state"] == "ready" and not s["leaving"], "alpha gone")
    async with asyncio.timeout(WAIT_SECONDS):
        while len(hal0.engines()) > 1:
            await asyncio.sleep(0.02)


async def test_a_conversation_goes_on_after_a_switch_away_and_back(hal0: Hal0) -> None:
    agent = Agent(hal0, "alpha")
    assert await agent.turn() == (ALPHA, 0)
    _, without = await agent.turn()
    await elsewhere(hal0)
    await until_kept(hal0, {"alpha": 1})
    answer, cached = await agent.turn(timings_per_token=True)
    assert answer == ALPHA and cached > without > LEAST
    await hal0.until_output("tokens_from_disk=")
    line = next(line for line in hal0.output().splitlines() if "dispatch.kept" in line)
    assert f"slot=primary served=alpha tokens_from_disk={cached}" in line
    assert (await agent.turn())[1] > cached
    assert hal0.output().count("tokens_from_disk=") == 1, "what the engine has read itself is none of it"


async def test_it_is_private(hal0: Hal0) -> None:
    agent = Agent(hal0, "alpha", "the secret word is xylophone " * 40)
    await agent.turn()
    await elsewhere(hal0)
    await until_kept(hal0, {"alpha": 1})
    assert sys.platform == "win32" or stat.S_IMODE(folder(hal0).stat().st_mode) == 0o700
    for path in files(hal0):
        assert is_private(path)
        assert path.stem.isalnum() and len(path.stem) == 16
    about = json.loads(next(p for p in files(hal0) if p.suffix == ".json").read_text())
    assert "xylophone" not in json.dumps(about) + hal0.output()


@pytest.mark.parametrize("ending", ["quit", "killed"])
async def test_over_a_restart_of_hal0(hal0: Hal0, ending: str) -> None:
    agent = Agent(hal0, "alpha")
    await agent.turn()
    if ending == "quit":
        assert await hal0.stop() == 0, hal0.output()
    else:
        await elsewhere(hal0)
        await until_kept(hal0, {"alpha": 1})
        (folder(hal0) / "0123456789abcdef.part").write_bytes(b"half")
        await hal0.kill()
    await hal0.start()
    assert await kept(hal0) == {"alpha": 1} and not list(folder(hal0).glob("*.part"))
    answer, cached = await agent.turn()
    assert answer == ALPHA and cached > LEAST


async def test_over_an_idle_unload(make_hal0: MakeHal0) -> None:
    hal0 = make_hal0("slots:\n  primary: {model: alpha, autoload: true, idle_unload: 0.5}\n")
    await hal0.start()
    agent = Agent(hal0, "alpha")
    await agent.turn()
    await hal0.until_slot(lambda s: s["state"] == "unloaded", "idle unload")
    await until_kept(hal0, {"alpha": 1})
    assert (await agent.turn())[1] > LEAST


async def test_over_an_eviction_for_another_slot(
    make_hal0: MakeHal0, tmp_path: Path, llama_server: Path
) -> None:
    (tmp_path / "nvml").mkdir()
    driver = StubDriver.build(tmp_path / "nvml")
    driver.say("gpu 24576 1024 0 NVIDIA GeForce RTX 3090")
    (tmp_path / "engine").mkdir()
    program = gpu_engine(tmp_path / "engine", llama_server, {"alpha": (14_000, 0), "beta": (12_000, 0)})
    hal0 = make_hal0("""
models:
  alpha: {file: alpha.gguf, flags: {ctx-size: 4096}}
  beta: {file: beta.gguf, flags: {ctx-size: 4096}}
slots:
  first: {model: alpha, models: [alpha], autoload: true}
  second: {model: beta, models: [beta]}
""")
    hal0.env |= driver.env() | {"HAL0_LLAMA_SERVER": str(program)}
    await hal0.start()
    await hal0.until_ready("alpha", "first")
    agent = Agent(hal0, "first")
    await agent.turn()
    await Agent(hal0, "second", "short").turn()
    assert (await hal0.slot("first"))["state"] == "unloaded"
    await until_kept(hal0, {"alpha": 1})
    assert (await agent.turn())[1] > LEAST
    assert (await hal0.slot("second"))["state"] == "unloaded"


async def test_over_a_restart_of_the_engine(hal0: Hal0) -> None:
    agent = Agent(hal0, "alpha")
    await agent.turn()
    before = (await hal0.slot())["pid"]
    assert (await hal0.post("/api/slots/primary/restart"))[0] == 200
    assert (await hal0.slot())["pid"] != before
    assert (await agent.turn())[1] > LEAST


async def test_an_engine_that_was_killed_loses_its_own_and_nothing_false_is_said(hal0: Hal0) -> None:
    agent = Agent(hal0, "alpha")
    await agent.turn()
    pid = (await hal0.slot())["pid"]
    psutil.Process(pid).kill()
    await hal0.until_slot(lambda s: s["state"] == "ready" and s["pid"] != pid, "a new engine")
    assert await kept(hal0) == {} and files(hal0) == []
    assert await agent.turn() == (ALPHA, 0)
    assert "tokens_from_disk" not in hal0.output()


async def test_several_conversations_of_one_model_survive(make_hal0: MakeHal0) -> None:
    hal0 = make_hal0(SLOTS + "conversations: {per_model: 3}\n")
    await hal0.start()
    agents = [Agent(hal0, "alpha", f"{word} " * 500) for word in ("fox", "jumps", "lazy")]
    for agent in agents:
        assert (await agent.turn())[1] < 50
    await elsewhere(hal0)
    await until_kept(hal0, {"alpha": 3})
    for agent in agents:
        assert (await agent.turn())[1] > LEAST


async def test_the_shortest_is_left_out(make_hal0: MakeHal0) -> None:
    """A title that an agent has made on the side does not push the agent's own conversation out."""
    hal0 = make_hal0(SLOTS + "conversations: {per_model: 1}\n")
    await hal0.start()
    agent = Agent(hal0, "alpha")
    await agent.turn()
    # A digit is four tokens here; much less, beginning alike, would be put in the agent's own sequence.
    await Agent(hal0, "alpha", "0 1 2 3 4 5 6 7 8 9 " * 7).turn()
    await elsewhere(hal0)
    await until_kept(hal0, {"alpha": 1})
    assert (await agent.turn())[1] > LEAST


async def test_one_that_was_not_asked_for_waits_longer(hal0: Hal0) -> None:
    """Restored, not used, and stopped again: still there."""
    agent = Agent(hal0, "alpha")
    await agent.turn()
    await elsewhere(hal0)
    await until_kept(hal0, {"alpha": 1})
    assert (await Agent(hal0, "alpha", "something else").turn())[0] == ALPHA
    await elsewhere(hal0)
    await until_kept(hal0, {"alpha": 1})
    assert (await agent.turn())[1] > LEAST


# -- what is not valid is thrown away ------------------------------------------------------------------


async def one_kept(hal0: Hal0) -> Agent:
    """alpha's conversation is on the disk, and hal0 has ended."""
    agent = Agent(hal0, "alpha")
    await agent.turn()
    assert await hal0.stop() == 0, hal0.output()
    assert len(files(hal0)) == 2
    return agent


@pytest.mark.parametrize("planted", ["key", "time", "content", "build", "context"])
async def test_a_state_of_anything_else_is_refused_and_deleted(
    hal0: Hal0, llama_server: Path, planted: str
) -> None:
    agent = await one_kept(hal0)
    old = {path.name for path in files(hal0)}
    model = hal0.home / "models" / "alpha.gguf"
    about = next(path for path in files(hal0) if path.suffix == ".json")
    match planted:
        case "key":
            about.write_text(json.dumps({**json.loads(about.read_text()), "key": "0" * 64}))
        case "time":
            os.utime(model, (1_000_000_000, 1_000_000_000))
        case "content":
            status = model.stat()
            whole = model.read_bytes()
            model.write_bytes(whole.replace(b"general.name", b"general.namf", 1))
            os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns))
        case "build":
            program = slow_server(hal0.home, llama_server, 0)
            hal0.env["HAL0_LLAMA_SERVER"] = str(program)
        case "context":
            state = about.with_suffix(".state")
            key = json.loads(about.read_text())["key"]
            config = (hal0.home / "hal0.yaml").read_text()
            models = "models:\n  alpha: {file: alpha.gguf, flags: {ctx-size: 2048}}\n"
            (hal0.home / "hal0.yaml").write_text(config + models)
            await hal0.start()
            await hal0.until_ready("alpha")
            await Agent(hal0, "alpha").turn()
            assert await hal0.stop() == 0
            other = next(p for p in files(hal0) if p.suffix == ".json" and p != about)
            told = json.loads(other.read_text())
            assert told["key"] != key and told["owner"] != json.loads(about.read_text())["owner"]
            # As if it were this engine's: the old state under the new owner.
            about.write_text(json.dumps({**json.loads(about.read_text()), "owner": told["owner"]}))
            other.unlink()
            other.with_suffix(".state").unlink()
            assert state.exists()
    await hal0.start()
    await hal0.until_ready("alpha")
    assert not old & {path.name for path in files(hal0)}
    assert await agent.turn() == (ALPHA, 0)
    assert "tokens_from_disk" not in hal0.output()


async def test_a_state_that_kills_the_engine_costs_a_start_and_is_never_tried_again(hal0: Hal0) -> None:
    """llama-server 11669 aborts on a state that was cut off; here one that was cut off before it was kept."""
    agent = await one_kept(hal0)
    about = next(path for path in files(hal0) if path.suffix == ".json")
    state = about.with_suffix(".state")
    state.write_bytes(state.read_bytes()[:-5000])
    told = {"bytes": state.stat().st_size, "sample": sample(state)}
    about.write_text(json.dumps({**json.loads(about.read_text()), **told}))
    await hal0.start()
    slot = await hal0.until_ready("alpha")
    assert slot["last_error"] is None and files(hal0) == []
    assert await agent.turn() == (ALPHA, 0)
    assert "a conversation cannot be restored and is removed" in hal0.output()


@pytest.mark.parametrize("flags", ["cache-type-k: q8_0, cache-type-v: q8_0", "parallel: 2", "parallel: 1"])
async def test_other_flags_have_conversations_of_their_own(make_hal0: MakeHal0, flags: str) -> None:
    hal0 = make_hal0(
        f"models:\n  one: {{file: alpha.gguf}}\n  two: {{file: alpha.gguf, flags: {{{flags}}}}}\n"
        "slots:\n  primary: {model: one, models: [one, two], autoload: true}\n"
    )
    await hal0.start()
    one, two = Agent(hal0, "one"), Agent(hal0, "two")
    await one.turn()
    assert (await two.turn())[1] == 0
    assert (await one.turn())[1] > LEAST
    assert (await two.turn())[1] > LEAST


async def test_an_engine_that_stands_still_costs_no_more_than_the_limit_and_its_own_stop(
    make_hal0: MakeHal0,
) -> None:
    hal0 = make_hal0(SLOTS + "conversations: {save_timeout: 0.5s}\n")
    await hal0.start()
    await hal0.until_ready("alpha")
    await Agent(hal0, "alpha").turn()
    psutil.Process((await hal0.slot())["pid"]).suspend()
    assert (await Agent(hal0, "beta", "short").turn())[0] == BETA
    await hal0.until_output("not done within 0.5 s")
    await until_kept(hal0, {})
    assert files(hal0) == []


async def test_random_switches_and_kills_with_the_real_engine(make_hal0: MakeHal0) -> None:
    """`tests/router/conversations/test_keeper.py` has 500 of them with a stub."""
    chance = random.Random(14)
    hal0 = make_hal0(SLOTS + "conversations: {keep: 1MiB}\n")
    await hal0.start()
    agents = {"alpha": Agent(hal0, "alpha"), "beta": Agent(hal0, "beta")}
    says = {"alpha": ALPHA, "beta": BETA}
    came_back = 0
    for _ in range(SWITCHES):
        model = chance.choice(list(agents))
        answer, cached = await agents[model].turn()
        assert answer == says[model]
        came_back += cached > LEAST
        assert sum(path.stat().st_size for path in folder(hal0).glob("*.state")) <= 1 << 20
        match chance.randrange(6):
            case 0:
                await hal0.kill()
                await hal0.start()
                assert not list(folder(hal0).glob("*.part"))
            case 1 if pid := (await hal0.slot())["pid"]:
                psutil.Process(pid).kill()
                await hal0.until_slot(lambda slot, pid=pid: slot["pid"] != pid, "its end being noticed")  # type: ignore[misc]
    assert await hal0.stop() == 0
    assert not list(folder(hal0).glob("*.part"))
    assert {p.stem for p in folder(hal0).glob("*.json")} == {p.stem for p in folder(hal0).glob("*.state")}
    assert came_back > SWITCHES / 4


# -- models whose states are more than keys and values -------------------------------------------------


@pytest.mark.parametrize("build", [build_sliding, build_recurrent, build_multi_token], ids=lambda b: b.__name__)
async def test_models_with_other_states(make_hal0: MakeHal0, model_folder: Path, build: Callable) -> None:
    """Sliding windows, recurrent and hybrid ones: the same answers as of an engine that was never stopped."""
    build(model_folder / "other.gguf", context_length=4096)
    hal0 = make_hal0(
        "models:\n  other: {file: other.gguf, kind: chat}\n"
        "slots:\n  primary: {model: other, models: [other, beta], autoload: true}\n"
    )
    await hal0.start()
    stays, leaves = Agent(hal0, "other"), Agent(hal0, "other")
    want = [await stays.turn(max_tokens=8, cache_prompt=False) for _ in range(3)]
    got = [await leaves.turn(max_tokens=8)]
    for _ in range(2):
        await elsewhere(hal0)
        got.append(await leaves.turn(max_tokens=8))
    assert [answer for answer, _ in got] == [answer for answer, _ in want]
    assert all(cached > LEAST for _, cached in got[1:])


# -- a person decides ----------------------------------------------------------------------------------


async def test_forgetting(hal0: Hal0) -> None:
    agent = Agent(hal0, "alpha")
    await agent.turn()
    await elsewhere(hal0)
    await until_kept(hal0, {"alpha": 1})
    status = await asyncio.to_thread(hal0.cli, "status")
    assert "keeps 1 conversation (" in status.stdout
    done = await asyncio.to_thread(hal0.cli, "forget", "beta")
    assert (done.returncode, done.stdout) == (0, "0 conversations forgotten.\n")
    done = await asyncio.to_thread(hal0.cli, "forget")
    assert (done.returncode, done.stdout) == (0, "1 conversation forgotten.\n"), done.stderr
    assert files(hal0) == [] and await kept(hal0) == {}
    assert await agent.turn() == (ALPHA, 0)
    # What the running engine has read by now is not kept either.
    assert (await hal0.post("/api/forget"))[1] == {"forgotten": 0}
    await elsewhere(hal0)
    assert files(hal0) == []


async def test_turned_off_nothing_is_kept_and_what_was_is_removed(hal0: Hal0) -> None:
    await Agent(hal0, "alpha").turn()
    await elsewhere(hal0)
    await until_kept(hal0, {"alpha": 1})
    config = hal0.home / "hal0.yaml"
    config.write_text(config.read_text() + "conversations: {keep: 0}\n")
    assert (await hal0.post("/api/reload"))[0] == 200
    await until_kept(hal0, {})
    assert files(hal0) == []
    await Agent(hal0, "alpha").turn()
    command = (await hal0.get("/api/slots/primary/command"))["command"]
    assert "--slot-save-path" not in command and "--no-cache-idle-slots" not in command
    await elsewhere(hal0)
    assert files(hal0) == []


async def test_a_persons_own_folder_is_left_to_them(make_hal0: MakeHal0, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    hal0 = make_hal0(f"models:\n  own: {{file: alpha.gguf, flags: {{slot-save-path: {mine}}}}}\n{SLOTS}")
    await hal0.start()
    await Agent(hal0, "own").turn()
    command = (await hal0.get("/api/slots/primary/command"))["command"]
    assert command.count("--slot-save-path") == 1 and str(mine) in command
    await elsewhere(hal0)
    assert files(hal0) == [] and list(mine.iterdir()) == []


async def test_two_files_of_the_same_shape_are_not_mixed_up(make_hal0: MakeHal0, model_folder: Path) -> None:
    """llama-server takes a state of another model of the same shape without a word."""
    shutil.copy(model_folder / "alpha.gguf", model_folder / "gamma.gguf")
    hal0 = make_hal0(SLOTS)
    await hal0.start()
    agent = Agent(hal0, "alpha")
    await agent.turn()
    other = Agent(hal0, "gamma")
    assert (await other.turn())[1] == 0
    assert (await agent.turn())[1] > LEAST


async def test_models_load_after_a_person_has_removed_the_folder(hal0: Hal0) -> None:
    await elsewhere(hal0)
    shutil.rmtree(folder(hal0))
    agent = Agent(hal0, "alpha")
    assert (await agent.turn())[0] == ALPHA
    await elsewhere(hal0)
    await until_kept(hal0, {"alpha": 1})
