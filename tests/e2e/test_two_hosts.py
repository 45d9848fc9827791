"""Two computers, each with its hal0, and the cable between them pulled and plugged in again.

A pulled cable closes nothing: connections fall silent, and whoever waits must find out by themselves.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.link.remote_link import RemoteLink
from router.base.tasks import spawn
from router.orders.kinds import Load
from router.state import ServerState
from tests.e2e.harness import Hal0
from tests.e2e.hosts import KEY, TwoHosts, on_network
from tests.e2e.test_remote import remote, slot_there
from tests.engines.running import make_server, soon, until
from tests.fixtures_models import SpeakingModel

LOST_SECONDS = 35.0
UPSTREAM_SECONDS = 4.0
SLOT = "slots:\n  primary: {kind: chat, model: good}\n"
LOAD = "/api/slots/bigpc%2Fprimary/load"

pytestmark = pytest.mark.timeout(180)


@dataclass
class Two:
    """The hal0 of each computer; `bigpc` is there, an upstream of the one here."""

    hosts: TwoHosts
    here: Hal0
    there: Hal0


@pytest.fixture
async def two(hosts: TwoHosts, tmp_path: Path, speaking_model: SpeakingModel) -> AsyncIterator[Two]:
    engine, file = make_server(tmp_path / "llama-server"), speaking_model("It is the engine that speaks.")
    for home, names in (("here", ["good"]), ("there", ["good", "better", "hang", "endless"])):
        (tmp_path / home / "models").mkdir(parents=True)
        for name in names:
            shutil.copy(file, tmp_path / home / "models" / f"{name}.gguf")
    there = await on_network(Hal0.prepare(tmp_path / "there", engine, SLOT), hosts.to_there.far, hosts.there)
    upstream = {
        "base_url": f"http://{hosts.between.far}:{there.port}",
        "kind": "hal0",
        "api_key": KEY,
        "timeout": UPSTREAM_SECONDS,
    }
    bigpc = f"upstreams: {json.dumps({'bigpc': upstream})}\n"
    here = await on_network(
        Hal0.prepare(tmp_path / "here", engine, SLOT + bigpc), hosts.to_here.far, hosts.here
    )
    await there.start()
    await here.start()
    await here.until_state(remote, "contact")
    yield Two(hosts, here, there)
    await here.close()
    await there.close()


async def test_a_cable_pulled_in_a_switch_is_a_state_and_all_recovers(two: Two) -> None:
    loading = spawn(two.here.post(LOAD, {"model": "hang"}), name="load")
    await two.here.until_state(lambda s: slot_there(s).get("state") == "loading", "the load there")
    began = time.monotonic()
    two.hosts.between.pull()
    await two.here.until_state(lambda s: not remote(s), "lost contact")
    assert time.monotonic() - began < LOST_SECONDS
    status, body = await soon(loading, "the end of the command")
    assert (status, body["error"]["code"]) == (502, "upstream.failed")
    assert "no sign of life" in body["error"]["message"] and "may go on" in body["error"]["message"]
    again = time.monotonic()
    status, _body = await two.here.post(LOAD, {"model": "better"})
    assert status >= 400 and time.monotonic() - again < 10, "nobody waits for a computer that is not there"
    assert await two.here.chat("good") == "I am good", "what is here goes on"
    assert (await two.there.slot())["state"] == "loading", "and so does what is there"
    two.hosts.between.plug()
    await two.here.until_state(remote, "contact again")
    state = await two.here.state()
    assert (slot_there(state)["state"], slot_there(state)["target"]) == ("loading", "hang")
    assert (await two.here.post("/api/slots/bigpc%2Fprimary/cancel"))[0] == 200
    status, body = await two.here.post(LOAD, {"model": "better"})
    assert (status, body["slot"]["model"], body["slot"]["state"]) == (200, "better", "ready")


async def test_a_cable_pulled_for_a_moment_breaks_nothing(two: Two) -> None:
    loading = spawn(two.here.post(LOAD, {"model": "hang"}), name="load")
    await two.here.until_state(lambda s: slot_there(s).get("state") == "loading", "the load there")
    two.hosts.between.pull()
    await two.there.post("/api/slots/primary/cancel")
    two.hosts.between.plug()
    status, body = await soon(loading, "the end of the switch, heard after all")
    assert (status, body["error"]["code"]) == (409, "slot.switch_cancelled")


async def test_a_cable_pulled_in_a_stream_ends_it_clearly(two: Two) -> None:
    assert (await two.here.post(LOAD, {"model": "endless"}))[0] == 200
    body = {"model": "bigpc/primary", "messages": [{"role": "user", "content": "Go on."}], "stream": True}
    async with two.here.session.post(two.here.url + "/v1/chat/completions", json=body) as answer:
        assert answer.status == 200
        events = data_of(answer)
        assert "error" not in await soon(anext(events), "the first words")
        began = time.monotonic()
        two.hosts.between.pull()
        last: Any = None
        async for event in events:
            last = event
        assert time.monotonic() - began < UPSTREAM_SECONDS + 5
    assert last["error"]["code"] == "model_not_available"
    assert "bigpc" in last["error"]["message"]
    two.hosts.between.plug()
    await two.here.until_state(lambda s: s["upstreams"][0]["state"] == "ok" and remote(s), "all well again")
    assert (await two.here.post(LOAD, {"model": "better"}))[0] == 200
    assert await two.here.chat("bigpc/primary") == "I am better"


async def data_of(answer: aiohttp.ClientResponse) -> AsyncIterator[Any]:
    """The JSON of each event."""
    async for line in answer.content:
        if line.startswith(b"data: {"):
            yield json.loads(line.removeprefix(b"data: "))


async def test_an_attached_tray_notices_and_comes_back(two: Two) -> None:
    link = RemoteLink(two.here.url, KEY)
    await asyncio.to_thread(link.start)
    try:
        await until(lambda: bool(link.snapshot.slots), "contact")
        began = time.monotonic()
        two.hosts.to_here.pull()
        await until(lambda: link.attached is not None and link.attached.lost, "the loss", LOST_SECONDS)
        assert time.monotonic() - began < LOST_SECONDS
        assert link.snapshot.server.state is ServerState.FAILED
        assert "no sign of life for 12 s" in (link.snapshot.server.error or "")
        two.hosts.to_here.plug()
        await until(lambda: bool(link.snapshot.slots), "contact again", LOST_SECONDS)
        await link.carry_out(Load("bigpc/primary", "better"))
        assert (await two.there.slot())["model"] == "better"
    finally:
        assert await asyncio.to_thread(link.stop, 20)
