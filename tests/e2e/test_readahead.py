"""The disk works while the old engine drains: seen in the page cache of this computer."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "linux":
    pytest.skip("the page cache is looked at as on Linux", allow_module_level=True)

from router.base.tasks import spawn
from router.readahead.plan import BLOCK
from tests.e2e.conftest import BETA
from tests.e2e.harness import WAIT_SECONDS, Hal0
from tests.e2e.test_peers import NUMBERS, streaming
from tests.fixtures_models import SpeakingModel
from tests.router.readahead.disk import cached, drop, make_file

CONFIG = """
memory: {{headroom: 1TiB}}
read_ahead: {{on_switch: {on_switch}}}
slots:
  primary: {{model: talker, drain_timeout: 60}}
models:
  next: {{file: big.gguf{flags}}}
"""


@pytest.fixture
def talker(model_folder: Path, speaking_model: SpeakingModel) -> Path:
    slow = speaking_model(NUMBERS, "talker", pad_bytes=120_000_000)
    return shutil.copy(slow, model_folder / "talker.gguf")


@pytest.fixture
def big(model_folder: Path, speaking_model: SpeakingModel) -> Path:
    """A model of some 50 MB, on the disk and not cached; an adapter for it beside, which is none."""
    make_file(model_folder / "adapter.gguf", 3)
    return shutil.copy(speaking_model(BETA, "big", pad_bytes=50_000_000), model_folder / "big.gguf")


async def forget(file: Path) -> None:
    """Take it out of the page cache, also where an engine that is asked what it needs maps it just now."""
    with file.open("rb") as whole:
        os.fsync(whole.fileno())
    async with asyncio.timeout(WAIT_SECONDS):
        while cached(file):
            drop(file)
            await asyncio.sleep(0.02)


async def until_cached(file: Path) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not all_cached(file):
            await asyncio.sleep(0.02)


def all_cached(file: Path) -> bool:
    return len(cached(file)) == -(-file.stat().st_size // BLOCK)


async def begin_talking(hal0: Hal0) -> None:
    await hal0.start()
    load = "/api/slots/primary/load"
    assert (await hal0.post(load, {"model": "talker", "force": True}))[0] == 200


async def load_next(hal0: Hal0) -> asyncio.Task[tuple[int, Any]]:
    """Ask for the other model; returns once the slot waits for the old one's answer."""
    order = {"model": "next", "force": True}
    loading = spawn(hal0.post("/api/slots/primary/load", order), name="next")
    await hal0.until_slot(lambda s: s["state"] == "draining", "draining")
    return loading


async def test_the_next_model_is_read_while_the_old_one_answers(
    make_hal0: Callable[[str], Hal0], talker: Path, big: Path
) -> None:
    hal0 = make_hal0(CONFIG.format(on_switch="true", flags=""))
    await begin_talking(hal0)
    async with streaming(hal0, "talker") as busy:
        await forget(big)
        other = await load_next(hal0)
        await until_cached(big)
        assert (await hal0.slot())["state"] == "draining", "all of it, while the old one answers"
        busy.close()
    assert (await other)[0] == 200 and await hal0.chat("next") == BETA
    await hal0.until_output("read ahead for next:")


async def test_a_hint_reads_all_files_of_the_model_and_changes_nothing(
    make_hal0: Callable[[str], Hal0], talker: Path, big: Path
) -> None:
    hal0 = make_hal0(CONFIG.format(on_switch="true", flags=", flags: {lora: adapter.gguf}"))
    await hal0.start()
    before = await hal0.slot()
    adapter = big.with_name("adapter.gguf")
    await forget(big)
    await forget(adapter)
    assert (await hal0.post("/api/slots/primary/warm", {"model": "next"}))[0] == 200
    await until_cached(adapter)  # after the model: in the order of their loading
    await until_cached(big)
    after = await hal0.slot()
    assert all(after[key] == before[key] for key in ("state", "model", "target", "loaded", "pid", "last_error"))
    status, body = await hal0.post("/api/slots/primary/warm", {"model": "nix"})
    assert (status, body["error"]["code"]) == (404, "model.not_found")


async def test_who_does_not_want_it_has_nothing_read(
    make_hal0: Callable[[str], Hal0], talker: Path, big: Path
) -> None:
    hal0 = make_hal0(CONFIG.format(on_switch="false", flags=""))
    await begin_talking(hal0)
    async with streaming(hal0, "talker") as busy:
        await forget(big)
        other = await load_next(hal0)
        assert (await hal0.post("/api/slots/primary/warm", {"model": "next"}))[0] == 200
        await forget(big)  # whatever was looked at before the switch began to drain
        busy.close()
    assert (await other)[0] == 200
    assert "read ahead for" not in hal0.output()
