"""Flags for one load: told to the engine and shown, never written down, forgotten with that load."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from tests.e2e.harness import Hal0

SLOTS = """
models:
  alpha: {file: alpha.gguf, flags: {ctx-size: 2048}}
slots:
  primary: {model: alpha, autoload: true}
"""
FLAGS = ["ubatch-size=64", "threads=1", "no-warmup"]


async def load(hal0: Hal0, model: str = "alpha", **more: Any) -> tuple[int, Any]:
    return await hal0.post("/api/slots/primary/load", {"model": model, **more})


async def argv(hal0: Hal0) -> str:
    return " ".join((await hal0.get("/api/slots/primary/command"))["command"])


@pytest.fixture
async def loaded(make_hal0: Callable[[str], Hal0]) -> Hal0:
    """Serving, with alpha loaded with FLAGS."""
    hal0 = make_hal0(SLOTS)
    await hal0.start()
    await hal0.until_ready("alpha")
    status, body = await load(hal0, flags=FLAGS)
    assert status == 200, body
    return hal0


async def is_plain(hal0: Hal0) -> bool:
    return (await hal0.slot())["load_flags"] == [] and "--ubatch-size" not in await argv(hal0)


async def test_they_are_the_engines_and_shown_and_hal0_yaml_stays(loaded: Hal0) -> None:
    before = (loaded.home / "hal0.yaml").read_text()
    slot = await loaded.slot()
    assert slot["load_flags"] == ["no-warmup", "threads=1", "ubatch-size=64"]
    told = await argv(loaded)
    assert "--ubatch-size 64" in told and "--threads 1" in told and "--no-warmup" in told
    assert "--ctx-size 2048" in told, "beside the model's own"
    assert await loaded.chat("alpha") and (await loaded.slot())["pid"] == slot["pid"]
    status, _ = await load(loaded, flags=[*reversed(FLAGS)])
    assert status == 200 and (await loaded.slot())["pid"] == slot["pid"], "it has them already"
    assert (loaded.home / "hal0.yaml").read_text() == before
    assert "with no-warmup, threads=1, ubatch-size=64" in loaded.cli("status").stdout


async def test_a_load_without_them_and_a_restart_forget_them(loaded: Hal0) -> None:
    assert (await load(loaded))[0] == 200
    assert await is_plain(loaded)
    assert (await load(loaded, flags=FLAGS))[0] == 200 and not await is_plain(loaded)
    assert (await loaded.post("/api/slots/primary/restart"))[0] == 200
    assert await is_plain(loaded)


async def test_another_model_and_back_forgets_them(loaded: Hal0) -> None:
    assert await loaded.chat("beta") and await loaded.chat("alpha")
    assert await is_plain(loaded)


async def test_unloading_and_hal0s_restart_forget_them(loaded: Hal0) -> None:
    assert (await loaded.post("/api/slots/primary/unload"))[0] == 200
    assert await loaded.chat("alpha") and await is_plain(loaded)
    assert (await load(loaded, flags=FLAGS))[0] == 200 and not await is_plain(loaded)
    await loaded.stop()
    await loaded.start()
    await loaded.until_ready("alpha")
    assert await is_plain(loaded)


async def test_an_engine_that_died_is_started_as_it_was(loaded: Hal0) -> None:
    engine = psutil.Process((await loaded.slot())["pid"])  # the one before may still be ending
    with contextlib.suppress(ProcessLookupError):
        engine.kill()
    await loaded.until_slot(lambda s: s["pid"] != engine.pid, "another engine")
    assert await loaded.chat("alpha")
    assert (await loaded.slot())["load_flags"] and "--ubatch-size 64" in await argv(loaded)


async def test_what_hal0_yaml_says_now_counts_more(loaded: Hal0) -> None:
    config = loaded.home / "hal0.yaml"
    config.write_text(config.read_text().replace("ctx-size: 2048", "ctx-size: 1024"))
    assert (await loaded.post("/api/reload"))[0] == 200
    await loaded.until_slot(lambda s: s["state"] == "ready" and s["load_flags"] == [], "as hal0.yaml says")
    assert "--ctx-size 1024" in await argv(loaded)


@pytest.mark.parametrize(
    ("flags", "status", "words"),
    [
        (["port=1"], 400, "hal0's to set"),
        (["threads=4", "t=5"], 400, "given twice"),
        (["threads=many"], 400, "threads"),
        ("threads=4", 400, "must be a list of texts"),
        (["no-such-flag=1"], 400, "no-such-flag"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_changes(
    loaded: Hal0, flags: Any, status: int, words: str
) -> None:
    pid = (await loaded.slot())["pid"]
    answered, body = await load(loaded, flags=flags)
    assert (answered, words in json.dumps(body)) == (status, True), body
    slot = await loaded.slot()
    assert (slot["pid"], slot["load_flags"]) == (pid, ["no-warmup", "threads=1", "ubatch-size=64"])


async def test_flags_with_which_it_does_not_load_leave_it_as_it_was(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(SLOTS)
    await hal0.start()
    await hal0.until_ready("alpha")
    status, body = await load(hal0, flags=["override-kv=general.architecture=str:nonsense"])
    assert status >= 400, body
    await hal0.until_slot(lambda s: s["state"] == "ready", "the model without those flags")
    assert await hal0.chat("alpha") and await is_plain(hal0)


async def test_kept_conversations_are_of_the_flags_they_were_read_with(loaded: Hal0) -> None:
    """What was read with other flags is not given to this engine."""
    words = [{"role": "user", "content": "word " * 600}]
    await loaded.chat("alpha", messages=words)
    assert (await load(loaded))[0] == 200
    status, body = await loaded.ask("alpha", messages=words)
    assert (status, body["timings"]["cache_n"]) == (200, 0), "another engine's state was put back"
    assert (await load(loaded, flags=FLAGS))[0] == 200
    status, body = await loaded.ask("alpha", messages=words)
    assert status == 200 and body["timings"]["cache_n"] > 256, "its own was not"


async def test_the_command_line_gives_them(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(SLOTS)
    await hal0.start()
    await hal0.until_ready("alpha")
    words = ("switch", "primary", "alpha", "--with", "ubatch-size=64", "--with", "no-warmup")
    done = await asyncio.to_thread(hal0.cli, *words)
    assert done.returncode == 0, done.stderr
    assert (await hal0.slot())["load_flags"] == ["no-warmup", "ubatch-size=64"]
    done = await asyncio.to_thread(hal0.cli, "switch", "primary", "alpha", "--with", "port=1")
    assert done.returncode == 1 and "hal0's to set" in done.stderr
