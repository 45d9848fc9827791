"""`local_only: true`: nothing leaves this computer, whatever clients send; counted at the other one's door."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.harness import Hal0
from tests.engines.running import make_server
from tests.fixtures_models import SpeakingModel
from tests.router.upstreams.servers import StubUpstream, streaming

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT = "/v1/chat/completions"
HELLO = {"messages": [{"role": "user", "content": "Hello?"}]}
SLOTS = """
slots:
  primary: {models: [good], fallback: [lxc]}
  crashing: {models: [crash], fallback: [lxc, bigpc/primary]}
  far: {kind: chat, upstream: lxc/llama}
"""


class Door:
    """Counts who comes in, and leads to a server."""

    def __init__(self, port: int) -> None:
        self.visits = 0
        self._port = port

    async def opened(self) -> asyncio.Server:
        return await asyncio.start_server(self._enter, "127.0.0.1", 0)

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        back, forth = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(_carry(reader, forth), _carry(back, writer))


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(65536):
            target.write(piece)
            await target.drain()
    except OSError:
        return  # one side left
    finally:
        target.close()


@dataclass
class Home:
    hal0: Hal0
    lxc: StubUpstream
    door: Door

    async def set_local_only(self, value: bool) -> None:
        change = {"path": ["local_only"], "value": value}
        status, body = await self.hal0.post("/api/config", {"changes": [change]})
        assert status == 200, body
        assert (await self.hal0.state())["local_only"] is value


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory, speaking_model: SpeakingModel) -> AsyncIterator[Home]:
    folder = tmp_path_factory.mktemp("local")
    (folder / "models").mkdir()
    for name in ("good", "crash"):
        shutil.copy(speaking_model("It is the engine that speaks."), folder / "models" / f"{name}.gguf")
    async with StubUpstream("LXC").running() as lxc:
        door = Door(int(lxc.url.removesuffix("/v1").rpartition(":")[2]))
        async with await door.opened() as server:
            address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            upstreams = {"lxc": {"base_url": address}, "bigpc": {"base_url": address, "kind": "hal0"}}
            config = f"local_only: true\nupstreams: {json.dumps(upstreams)}\n{SLOTS}"
            hal0 = Hal0.prepare(folder, make_server(folder / "llama-server"), config)
            await hal0.start()
            yield Home(hal0, lxc, door)
            await hal0.close()


@pytest.mark.parametrize("model", ["lxc/llama", "bigpc/primary", "far", "far:llama", "bigpc/anything"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, HELLO),
        (CHAT, {"stream": True, **HELLO}),
        ("/v1/messages", {"max_tokens": 9, **HELLO}),
        ("/api/chat", HELLO),
        ("/v1/completions", {"prompt": "x"}),
        ("/tokenize", {"content": "x"}),
    ],
)
async def test_naming_a_server_elsewhere_is_refused(
    home: Home, model: str, path: str, body: dict[str, Any]
) -> None:
    status, told = await home.hal0.post(path, {"model": model, **body})
    assert status == 403, told
    assert "nothing may leave this computer" in json.dumps(told)
    assert home.door.visits == 0


@pytest.mark.parametrize(
    "header",
    [
        {"X-Hal0-Local-Only": "false"},
        {"X-Hal0-Fallback": "lxc"},
        {"X-Hal0-Upstream": "lxc"},
        {"X-Hal0-Served-By": "lxc/llama"},
        {"X-Hal0-Hops": "0"},
        {"X-Hal0-Progress": "events"},
    ],
)
async def test_no_header_and_no_field_opens_the_door(home: Home, header: dict[str, str]) -> None:
    body = {"model": "crashing", "local_only": False, "fallback": ["lxc"], "upstream": "lxc", **HELLO}
    async with home.hal0.session.post(home.hal0.url + CHAT, json=body, headers=header) as answer:
        assert (await answer.json())["error"]["code"] == "engine.failed"
    assert home.door.visits == 0


async def test_nobody_is_even_looked_at(home: Home) -> None:
    listed = {row["id"] for row in (await home.hal0.get("/v1/models"))["data"]}
    assert not any(name.startswith(("lxc/", "bigpc/")) for name in listed)
    status, body = await home.hal0.post("/api/slots/bigpc%2Fprimary/load", {"model": "good"})
    assert status in (403, 404), body
    state = await home.hal0.state()
    assert {upstream["state"] for upstream in state["upstreams"]} == {"unknown"}
    assert await home.hal0.chat("primary") == "I am good"
    assert home.door.visits == 0


async def test_the_switch_works_at_once_and_both_ways(home: Home) -> None:
    await home.set_local_only(False)
    try:
        status, told = await home.hal0.ask("far")
        assert (status, told["choices"][0]["message"]["content"]) == (200, "Hello from LXC.")
        assert await home.hal0.chat("crashing") == "Hello from LXC."
        assert home.door.visits > 0
    finally:
        await home.set_local_only(True)
    before, asked = home.door.visits, len(home.lxc.requests)
    status, _ = await home.hal0.ask("far")
    assert status == 403
    _, told = await home.hal0.ask("crashing")
    assert told["error"]["code"] == "engine.failed"
    assert (home.door.visits, len(home.lxc.requests)) == (before, asked)


async def test_an_answer_under_way_ends_and_no_more_is_asked(home: Home) -> None:
    await home.set_local_only(False)
    go_on = asyncio.Event()

    async def wait() -> None:
        await go_on.wait()

    home.lxc.chat = streaming("Hel", "lo", then=wait)
    try:
        body = {"model": "lxc/llama", "stream": True, **HELLO}
        async with home.hal0.session.post(home.hal0.url + CHAT, json=body) as answer:
            first = await answer.content.readline()
            await home.set_local_only(True)
            go_on.set()
            rest = await answer.read()
        assert b"Hel" in first and rest.endswith(b"data: [DONE]\n\n")
        status, _ = await home.hal0.ask("lxc/llama")
        assert status == 403
    finally:
        home.lxc.chat = None
        await home.set_local_only(True)
