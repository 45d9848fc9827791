"""Requests that generate, over an engine whose every byte the test writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Any, cast

import pytest
from aiohttp import ClientError, ClientSession, web
from aiohttp.test_utils import TestServer

from router.base.tasks import spawn
from router.catalog.model import Model
from router.config.schema import Kind, LimitsConfig, SlotConfig
from router.engine.log import EngineLog
from router.engine.process import EngineProcess, Launch
from router.server.middleware import add_headers, gate
from router.server.request.context import CONTEXT, Context
from router.server.request.engines import EngineConnections
from router.server.routes import ollama, openai
from router.slots.lease import Lease
from router.slots.supervisor import Supervisor
from router.state import DeviceMemory, ModelStatus
from router.upstreams.registry import UpstreamRegistry
from tests.engines.running import soon, until
from tests.router.fake_launcher import FakeLauncher
from tests.router.server.conftest import CountingStore

CHAT = "/v1/chat/completions"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
Script = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Launcher(FakeLauncher):
    """All its engines are the test's one."""

    port = 0

    async def launch(self, model: Model, log: EngineLog, taken: Collection[int] = ()) -> EngineProcess:
        engine = await super().launch(model, log, taken)
        engine.launch = Launch([model.id], {}, port=self.port)
        return engine


class Stage:
    """hal0's endpoints; `script` is what the engine does with each request."""

    def __init__(self, models: tuple[str, ...] = ("alpha", "beta"), **slot: Any) -> None:
        self.script: Script | None = None
        self.asked = 0
        self.store = CountingStore()
        self.launcher = Launcher()
        self.supervisor = Supervisor(self.store, self.launcher)
        # Models whose ids begin alike share a process.
        known = {id_: Model(id_, Kind.CHAT, display_name=id_, command=f"{id_[0]} {{port}}") for id_ in models}
        self.supervisor.add_slot(SlotConfig("primary", **slot), LimitsConfig(queue=3), known, models[0])
        self.store.update(models=tuple(ModelStatus(id_, id_, Kind.CHAT) for id_ in models))
        self._engines = EngineConnections()
        app = web.Application(middlewares=[gate])
        app[CONTEXT] = Context(
            self.store, self.supervisor, cast(Any, None), self._engines, UpstreamRegistry(self.store)
        )
        app.on_response_prepare.append(add_headers)
        openai.add_routes(app)
        ollama.add_routes(app)
        self._server = TestServer(app, host="127.0.0.1")
        self.session = ClientSession()

    async def start(self) -> None:
        self._engine = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.launcher.port = self._engine.sockets[0].getsockname()[1]
        await self._server.start_server()

    async def close(self) -> None:
        await self.session.close()
        self.launcher.automatic = {"check", "launch", "ready", "stop"}
        await soon(self.supervisor.close())
        await self._server.close()
        self._engines.close()
        self._engine.close()

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> tuple[int, bytes]:
        async with self.session.post(self._server.make_url(path), json=body, headers=headers) as answer:
            return answer.status, await answer.read()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        await reader.readuntil(b"\r\n\r\n")
        assert self.script is not None, "the engine was not to be asked"
        await self.script(writer)
        writer.close()


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Awaitable[Stage]]]:
    stages: list[Stage] = []

    async def build(*args: Any, **slot: Any) -> Stage:
        stages.append(Stage(*args, **slot))
        await stages[-1].start()
        return stages[-1]

    yield build
    for stage in stages:
        await stage.close()


Make = Callable[..., Awaitable[Stage]]


def event(**body: Any) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def says(*events: bytes) -> Script:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"".join(events))
        await writer.drain()

    return script


async def test_who_shares_a_process_is_named_also_beyond_ascii(make: Make) -> None:
    stage = await make(("modèle", "modèle-précis"))
    stage.script = says(event(model="modèle", choices=[{"index": 0, "delta": {"content": "é"}}]))
    await soon(stage.supervisor.load("primary", "modèle"))
    status, body = await soon(stage.post(CHAT, {"model": "modèle-précis", "stream": True}))
    assert status == 200 and '"model":"modèle-précis"' in body.decode()
    assert '"model":"modèle"' not in body.decode()


async def test_half_a_surrogate_pair_in_a_tool_call(make: Make) -> None:
    """JSON's escapes can say what UTF-8 cannot."""
    stage = await make()
    call = {"index": 0, "function": {"name": "say", "arguments": '{"text": "\\ud83d!"}'}}
    delta = {"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}
    stage.script = says(event(choices=[delta]))
    status, body = await soon(stage.post("/api/chat", {"model": "primary", "messages": [{"role": "user"}]}))
    last = [json.loads(line) for line in body.splitlines()]
    assert status == 200 and last[-1]["done"] is True
    assert last[-2]["message"]["tool_calls"][0]["function"]["arguments"] == {"text": "?!"}


async def test_who_does_not_wait_does_not_fill_the_queue(make: Make) -> None:
    """Each try begins the load it did not wait for, but one place in the queue is enough for them all."""
    stage = await make()
    stage.launcher.automatic -= {"ready"}
    for _ in range(5):
        assert (await soon(stage.post(CHAT, {"model": "beta"}, **{"X-Hal0-Wait": "0"})))[0] == 503
    assert stage.store.snapshot.slots[0].queued == 1
    stage.launcher.automatic |= {"ready"}
    (await stage.launcher.begun("ready", "beta")).finish()
    await until(lambda: stage.store.snapshot.slots[0].queued == 0, "the load")
    stage.script = says(event(choices=[]))
    assert (await soon(stage.post(CHAT, {"model": "beta", "stream": True}, **{"X-Hal0-Wait": "0"})))[0] == 200


async def test_a_lease_that_is_aborted_before_the_engine_is_asked(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its port may be another engine's by now."""
    stage = await make()
    granted = stage.supervisor._grant

    def grant(*args: Any) -> None:
        granted(*args)
        for seat in stage.supervisor._seats.values():
            for lease in seat.leases.values():
                assert isinstance(lease, Lease)
                lease.abort()

    monkeypatch.setattr(stage.supervisor, "_grant", grant)
    status, body = await soon(stage.post(CHAT, {"model": "primary"}))
    assert (status, json.loads(body)["error"]["code"]) == (503, "slot.aborted")
    assert stage.asked == 0


async def test_a_switch_while_a_lost_answer_is_looked_into(make: Make) -> None:
    """The client hears why its answer ended, whatever happens to the slot meanwhile."""
    stage = await make(drain_timeout=0.05)
    broken = asyncio.Event()

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD.replace(b"Connection: close", b"Transfer-Encoding: chunked"))
        told = event(choices=[{"index": 0, "delta": {"content": "Well"}}])
        writer.write(f"{len(told):x}\r\n".encode() + told + b"\r\n")
        await writer.drain()
        broken.set()

    stage.script = script
    stage.launcher.automatic -= {"stop"}
    answer = spawn(stage.post(CHAT, {"model": "primary", "stream": True}), name="client")
    await soon(broken.wait())
    switch = spawn(stage.supervisor.load("primary", "beta"), name="switch")
    _, body = await soon(answer)
    assert b"Well" in body and b'"code": "engine.failed"' in body
    pid = next(iter(stage.launcher.running))
    (await stage.launcher.begun("stop", pid)).finish()
    await soon(switch)


async def test_an_engine_that_ends_behind_a_length_it_announced(make: Make) -> None:
    """An error told in fewer bytes than were announced would leave the client waiting for the others."""
    stage = await make()

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 300000\r\n\r\n")
        await writer.drain()

    stage.script = script
    with pytest.raises(ClientError):
        await soon(stage.post(CHAT, {"model": "primary", "n": 2}))


async def test_progress_is_told_when_it_moves(make: Make) -> None:
    """Whatever else changes in the state (memory, other slots' requests) is nothing to a client that waits."""
    stage = await make()
    stage.launcher.automatic -= {"ready"}
    stage.script = says(event(choices=[]), b"data: [DONE]\n\n")
    headers = {"X-Hal0-Progress": "events"}
    answer = spawn(stage.post(CHAT, {"model": "primary", "stream": True}, **headers), name="client")
    ready = await stage.launcher.begun("ready", "alpha")
    await until(lambda: stage.store.observers > 0, "the client to watch")
    for used in range(20):
        stage.store.update(memory=(DeviceMemory("RAM", False, 100, used),))
        await asyncio.sleep(0.01)
    ready.finish()
    _, body = await soon(answer)
    told = [block for block in body.split(b"\n\n") if block.startswith(b"event: model_switching")]
    assert told and len(told) == len(set(told))


async def test_a_stream_that_ends_before_its_end_is_an_error(make: Make) -> None:
    """Row 5: a clean end would pass half an answer for a whole one."""
    stage = await make()
    stage.script = says(event(choices=[{"index": 0, "delta": {"content": "Al"}, "finish_reason": None}]))
    status, told = await stage.post(CHAT, {"messages": [], "stream": True})
    assert status == 200 and b"Al" in told
    last = json.loads(told.strip().rpartition(b"data: ")[2])
    assert "before it was complete" in last["error"]["message"]
    assert last["error"]["details"]["code"] == "engine.failed"
