"""Two hal0s, one of them asleep: the packet that a request sends off starts it, and the client is answered."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.base.tasks import spawn
from tests.e2e.harness import Hal0
from tests.engines.running import soon
from tests.fixtures_models import SpeakingModel
from tests.router.upstreams.test_waking import MAC, Card

BIG = "Big speaks at the other hal0."


@pytest.fixture
async def there(tmp_path: Path, llama_server: Path, speaking_model: SpeakingModel) -> AsyncIterator[Hal0]:
    """Not started: it sleeps."""
    hal0 = Hal0.prepare(tmp_path / "there", llama_server, "slots:\n  primary: {model: big, autoload: true}\n")
    shutil.copy(speaking_model(BIG, "big"), tmp_path / "there" / "models" / "big.gguf")
    yield hal0
    await hal0.close()


async def here(folder: Path, llama_server: Path, there: Hal0, card: Card, **more: object) -> Hal0:
    wake = {"wake": MAC, "wake_address": f"127.0.0.1:{card.port}", "wake_timeout": 60, **more}
    bigpc = {"kind": "hal0", "base_url": there.url, **wake}
    config = f"upstreams: {json.dumps({'bigpc': bigpc})}\nslots:\n  far: {{upstream: bigpc/primary}}\n"
    hal0 = Hal0.prepare(folder / "here", llama_server, config)
    await hal0.start()
    return hal0


async def bigpc_of(hal0: Hal0) -> str:
    return str((await hal0.state())["upstreams"][0]["state"])


async def test_a_request_for_its_slot_wakes_it_and_is_answered(
    tmp_path: Path, llama_server: Path, there: Hal0
) -> None:
    async with Card().plugged_in() as card:
        hal0 = await here(tmp_path, llama_server, there, card)
        try:
            body = {"model": "far", "stream": True, "messages": [{"role": "user", "content": "Hello?"}]}
            phases: list[str] = []
            words = ""
            headers = {"X-Hal0-Progress": "events"}

            async def ask() -> None:
                nonlocal words
                url = hal0.url + "/v1/chat/completions"
                async with hal0.session.post(url, json=body, headers=headers) as answer:
                    assert answer.status == 200
                    async for raw in answer.content:
                        text = raw.decode().removeprefix("data: ").strip()
                        said = json.loads(text) if text.startswith("{") else {}
                        phases.extend([said["phase"]] if "phase" in said else [])
                        for choice in said.get("choices", []):
                            words += choice["delta"].get("content") or ""

            asked = spawn(ask(), name="ask")
            await soon(card.woken.wait(), "the packet")
            assert await bigpc_of(hal0) == "waking"
            async with asyncio.timeout(20):
                while not phases:
                    await asyncio.sleep(0.02)
            await there.start()
            await soon(asked, "the answer")
            assert words.strip() == BIG
            assert phases[0] == "waking"
            assert await bigpc_of(hal0) == "ok"
        finally:
            await hal0.close()


async def test_it_can_be_woken_from_the_command_line(tmp_path: Path, llama_server: Path, there: Hal0) -> None:
    async with Card().plugged_in() as card:
        hal0 = await here(tmp_path, llama_server, there, card)
        try:
            waking = spawn(asyncio.to_thread(hal0.cli, "wake", "bigpc"), name="wake")
            await soon(card.woken.wait(), "the packet")
            await there.start()
            done = await soon(waking, "the command's end")
            assert (done.returncode, done.stdout) == (0, "bigpc is awake.\n"), done.stderr
        finally:
            await hal0.close()


async def test_one_that_does_not_wake_up_is_said_to_in_one_sentence(
    tmp_path: Path, llama_server: Path, there: Hal0
) -> None:
    async with Card().plugged_in() as card:
        hal0 = await here(tmp_path, llama_server, there, card, wake_timeout=1)
        try:
            status, body = await hal0.ask("far")
            assert "did not wake up within 1 s" in json.dumps(body), (status, body)
            assert card.heard
        finally:
            await hal0.close()
