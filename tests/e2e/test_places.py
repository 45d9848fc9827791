"""Two hal0s: one hands on what it would have to let wait, and keeps each conversation where it was answered."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from router.base.tasks import spawn
from tests.e2e.harness import Hal0
from tests.engines.running import make_server, soon
from tests.fixtures_models import SpeakingModel

LONG = {"model": "primary", "messages": [{"role": "user", "content": "Go on."}], "stream": True}


@dataclass
class Two:
    here: Hal0
    there: Hal0


@pytest.fixture
async def two(tmp_path: Path, speaking_model: SpeakingModel) -> AsyncIterator[Two]:
    """Each with an engine; the one here answers one request at a time and never ends the first one's."""
    engine, file = make_server(tmp_path / "llama-server"), speaking_model("It is the engine that speaks.")
    for home, name in (("here", "endless"), ("there", "good")):
        (tmp_path / home / "models").mkdir(parents=True)
        shutil.copy(file, tmp_path / home / "models" / f"{name}.gguf")
    there = Hal0.prepare(tmp_path / "there", engine, "slots:\n  primary: {model: good, autoload: true}\n")
    bigpc = {"bigpc": {"kind": "hal0", "base_url": there.url}}
    config = (
        f"upstreams: {json.dumps(bigpc)}\n"
        "slots:\n  primary:\n    {model: endless, autoload: true, fallback: [bigpc/primary], move_on: [busy]}\n"
    )
    here = Hal0.prepare(tmp_path / "here", engine, config)
    try:
        await there.start()
        await there.until_ready("good")
        await here.start()
        await here.until_ready("endless")
        yield Two(here, there)
    finally:
        await here.close()
        await there.close()


@asynccontextmanager
async def all_taken(hal0: Hal0) -> AsyncIterator[None]:
    """As many requests are being answered as its engine can take."""
    count = (await hal0.slot())["parallel"]
    async with AsyncExitStack() as stack:
        for _ in range(count):
            asking = hal0.session.post(hal0.url + "/v1/chat/completions", json=LONG)
            answer = await stack.enter_async_context(asking)
            assert answer.status == 200
            await soon(answer.content.readline(), "the first words here")
        await hal0.until_slot(lambda s: s["in_flight"] == count, "all places taken")
        yield


async def test_a_busy_slot_hands_on_and_the_conversation_stays_there(two: Two) -> None:
    async with all_taken(two.here):
        assert await two.here.chat(prompt_cache_key="mine") == "I am good"
        assert (await record_of(two.here, "moved_busy"))["upstream"] == "bigpc"
    await two.here.until_slot(lambda s: s["in_flight"] == 0, "nobody is answered here")
    assert await two.here.chat(prompt_cache_key="mine") == "I am good", "there its cache is"
    assert (await record_of(two.here, "sticky"))["upstream"] == "bigpc"
    await two.here.until_output("resolution_path=sticky")


async def test_nothing_is_handed_on_while_nothing_may_leave_this_computer(two: Two) -> None:
    change = {"path": ["local_only"], "value": True}
    status, body = await two.here.post("/api/config", {"changes": [change]})
    assert status == 200, body
    async with all_taken(two.here):
        count = (await two.here.slot())["in_flight"]
        asking = spawn(two.here.ask(), name="ask")
        await two.here.until_slot(lambda s: s["in_flight"] + s["queued"] == count + 1, "it is asked here")
        asking.cancel()
    assert not (await two.there.get("/api/activity"))["requests"]


async def record_of(hal0: Hal0, path: str) -> dict[str, Any]:
    """The newest request, once it is one that was decided so."""
    async with asyncio.timeout(20):
        while True:
            found: list[dict[str, Any]] = (await hal0.get("/api/activity"))["requests"]
            if found and found[0]["resolution_path"] == path:
                return found[0]
            await asyncio.sleep(0.02)
