"""Two computers, one asleep: nothing reaches it until its network card hears the packet of a request."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from router.base.tasks import spawn
from tests.e2e import network_card
from tests.e2e.harness import Hal0
from tests.e2e.hosts import KEY, Cable, TwoHosts, on_network, within
from tests.engines.running import soon
from tests.fixtures_models import SpeakingModel

MAC = "aa:bb:cc:dd:ee:0f"
PACKET = b"\xff" * 6 + b"\xaa\xbb\xcc\xdd\xee\x0f" * 16
SAYS = "It was asleep and speaks now."

pytestmark = pytest.mark.timeout(180)


@dataclass
class Card:
    """The card of the computer that sleeps, in a process in its namespace."""

    process: asyncio.subprocess.Process

    @classmethod
    async def plugged_in(cls, namespace: str, listens_on: Cable, wakes: Cable) -> Card:
        program = [sys.executable, "-I", "-S", str(network_card.__file__)]
        argv = [*within(namespace), *program, listens_on.device, wakes.device, MAC]
        process = await asyncio.create_subprocess_exec(*argv, stdout=subprocess.PIPE)
        card = cls(process)
        assert await soon(card.said(), "the card") == "listening"
        return card

    async def said(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()

    async def close(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


@pytest.fixture
async def there(
    hosts: TwoHosts, tmp_path: Path, llama_server: Path, speaking_model: SpeakingModel
) -> AsyncIterator[Hal0]:
    hal0 = Hal0.prepare(tmp_path / "there", llama_server, "slots:\n  primary: {model: big, autoload: true}\n")
    shutil.copy(speaking_model(SAYS, "big"), tmp_path / "there" / "models" / "big.gguf")
    async for one in running(await on_network(hal0, hosts.to_there.far, hosts.there)):
        yield one


@pytest.fixture
async def here(hosts: TwoHosts, tmp_path: Path, llama_server: Path, there: Hal0) -> AsyncIterator[Hal0]:
    bigpc = {
        "kind": "hal0",
        "base_url": f"http://{hosts.between.far}:{there.port}",
        "api_key": KEY,
        "wake": MAC,
        "wake_address": hosts.standby.broadcast,
        "wake_timeout": 90,
    }
    config = f"upstreams: {json.dumps({'bigpc': bigpc})}\nslots:\n  far: {{upstream: bigpc/primary}}\n"
    hosts.between.pull()
    hal0 = Hal0.prepare(tmp_path / "here", llama_server, config)
    async for one in running(await on_network(hal0, hosts.to_here.far, hosts.here)):
        yield one


async def running(hal0: Hal0) -> AsyncIterator[Hal0]:
    await hal0.start()
    try:
        yield hal0
    finally:
        await hal0.close()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_the_packet_brings_its_interface_up_and_the_client_is_answered_without_an_error(
    hosts: TwoHosts, here: Hal0, there: Hal0, stream: bool
) -> None:
    card = await Card.plugged_in(hosts.there, hosts.standby, hosts.between)
    try:
        heard = spawn(card.said(), name="what the card heard")
        body = {"model": "far", "stream": stream, "messages": [{"role": "user", "content": "Hello?"}]}
        async with asyncio.timeout(120):
            async with here.session.post(here.url + "/v1/chat/completions", json=body) as answer:
                assert answer.status == 200
                text = await answer.text()
        assert PACKET in bytes.fromhex(await soon(heard, "the packet")), "seen on the card's own socket"
        assert '"error"' not in text
        assert spoken(text, stream=stream) == SAYS
        assert (await here.state())["upstreams"][0]["state"] == "ok"
        assert await soon(card.process.wait(), "the card's end") == 0
    finally:
        await card.close()


def spoken(text: str, *, stream: bool) -> str:
    if not stream:
        return str(json.loads(text)["choices"][0]["message"]["content"]).strip()
    events = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    choices = [choice for event in events for choice in json.loads(event).get("choices", [])]
    return "".join(choice["delta"].get("content") or "" for choice in choices).strip()
