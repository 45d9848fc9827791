"""Each request leaves exactly one record, whoever ends it and however."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest
from aiohttp import ClientError

from router.activity.record import Record
from router.base.errors import EngineFailed
from router.base.tasks import spawn
from router.server.app import make_app
from router.server.recorder import DIALECTS
from router.server.request.context import CONTEXT, Context
from router.state import StateStore
from tests.engines.running import soon, until
from tests.router.server.conftest import MAX_BODY, Serve
from tests.router.server.test_generate import CHAT, HEAD, Make, Stage, event, make, says

__all__ = ["make"]  # the fixture

HELLO: dict[str, Any] = {"model": "alpha", "messages": [{"role": "user", "content": "hi"}]}
TIMINGS = {"cache_n": 2, "prompt_n": 3, "predicted_n": 4, "predicted_ms": 100.0, "predicted_per_second": 40.0}
ANSWER = (
    event(model="alpha", choices=[{"index": 0, "delta": {"role": "assistant", "content": "Hel"}}]),
    event(model="alpha", choices=[{"index": 0, "delta": {"content": "lo"}}]),
    event(model="alpha", choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], timings=TIMINGS),
    b"data: [DONE]\n\n",
)


class Recorded:
    """What was recorded of a stage's requests."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.records: list[Record] = []
        self.activity = stage._server.app[CONTEXT].activity
        self.activity.subscribe(self.records.append)

    async def only(self) -> Record:
        """The one record there is, once it is there."""
        await self.count(1)
        return self.records.pop()

    async def count(self, number: int) -> None:
        def are_there() -> bool:
            self.activity.settle()
            return len(self.records) >= number

        await until(are_there, f"{number} records")
        assert len(self.records) == number


@pytest.fixture
async def recorded(make: Make) -> Recorded:
    stage = await make()
    stage.script = says(*ANSWER)
    return Recorded(stage)


async def send(stage: Stage, body: dict[str, Any], path: str = CHAT) -> tuple[Any, asyncio.StreamWriter]:
    """A raw client, which may do anything."""
    url = stage._server.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    raw = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw)
    return reader, writer


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer(recorded: Recorded, stream: bool) -> None:
    headers = {"User-Agent": "a\x80client", "X-Request-Id": "mine"}
    status, body = await soon(recorded.stage.post(CHAT, {**HELLO, "stream": stream}, **headers))
    assert status == 200
    row = await recorded.only()
    assert (row.status, row.outcome, row.code, row.stream) == (200, "answered", "", int(stream))
    assert (row.request, row.client, row.path, row.dialect) == ("mine", "127.0.0.1", CHAT, "openai")
    assert (row.asked, row.resolution_path, row.slot, row.model) == ("alpha", "switchable", "primary", "alpha")
    assert (row.tokens_prompt, row.tokens_cached, row.tokens_completion) == (5, 2, 4)
    assert (row.tokens_per_second, row.bytes_out) == (40.0, len(body))
    assert row.bytes_in == len(json.dumps({**HELLO, "stream": stream}))
    assert row.switch == "caused" and row.switched_from == "", "it was loaded for this request"
    assert row.read_s is not None and row.decided_s is not None and row.first_byte_s is not None
    assert 0 <= row.read_s <= row.decided_s <= row.first_byte_s <= row.total_s < 30
    slot = recorded.stage.store.snapshot.slot("primary")
    assert slot is not None
    await until(lambda: recorded.stage.store.snapshot.slots[0].tokens_per_second == 40.0, "the slot's speed")


async def test_what_is_refused(recorded: Recorded) -> None:
    for path, body, expected in (
        (CHAT, {**HELLO, "model": "nobody"}, (404, "model.not_found", "openai")),
        ("/v1/embeddings", {"model": "alpha", "input": "x"}, (400, "model.wrong_kind", "openai")),
        ("/api/chat", {**HELLO, "model": "nobody"}, (404, "model.not_found", "ollama")),
        ("/v1/chat/completionz", HELLO, (404, "path.not_found", "-")),
    ):
        status, raw = await soon(recorded.stage.post(path, body))
        row = await recorded.only()
        assert (row.status, row.code, row.dialect) == expected and status == row.status
        assert row.outcome == "refused" and row.failed and row.bytes_out == len(raw)
        assert row.path == path and row.model == "" and row.error


async def test_a_body_that_is_no_json_or_never_read(recorded: Recorded) -> None:
    url = recorded.stage._server.make_url(CHAT)
    async with recorded.stage.session.post(url, data=b"{no json") as answer:
        assert answer.status == 400
    assert (await recorded.only()).code == "request.invalid"
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n".encode())
    assert b" 413 " in await soon(reader.readline())
    row = await recorded.only()
    assert (row.status, row.code, row.bytes_in) == (413, "request.too_large", 0)
    writer.close()


async def test_a_body_that_breaks_off(recorded: Recorded) -> None:
    url = recorded.stage._server.make_url(CHAT)
    _reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(f'POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{{"model":'.encode())
    await until(lambda: bool(recorded.stage._server.handler.connections), "the connection")  # type: ignore[union-attr]
    await asyncio.sleep(0)
    writer.transport.abort()
    row = await recorded.only()
    assert (row.outcome, row.status, row.asked) == ("left", 499, "")


async def test_what_is_only_read_leaves_none(recorded: Recorded) -> None:
    for path in ("/v1/models", "/nothing"):
        async with recorded.stage.session.get(recorded.stage._server.make_url(path)) as answer:
            assert answer.status == 404
    recorded.activity.settle()
    assert recorded.records == []


async def test_wherever_the_engine_breaks_off(recorded: Recorded) -> None:
    """Its answer cut at every byte; streamed, and put together here."""
    whole = HEAD + b"".join(ANSWER)
    ends = {"answered": 0, "broken": 0, "refused": 0}
    asked = 0
    for stream in (True, False):
        for at in [*range(0, len(whole), 7), len(whole)]:

            async def script(writer: asyncio.StreamWriter, at: int = at) -> None:
                writer.write(whole[:at])

            recorded.stage.script = script
            with contextlib.suppress(ClientError):  # the connection's end tells it
                await soon(recorded.stage.post(CHAT, {**HELLO, "stream": stream}))
            asked += 1
            row = await recorded.only()
            ends[row.outcome] += 1
            assert row.failed is bool(row.code)
    assert min(ends.values()) >= 2 and sum(ends.values()) == asked, ends


async def test_a_client_that_leaves_before_and_after_the_first_byte(recorded: Recorded) -> None:
    go_on, over = asyncio.Event(), asyncio.Event()

    async def script(writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        writer.write(HEAD + ANSWER[0])
        await writer.drain()
        await over.wait()

    recorded.stage.script = script
    _reader, writer = await send(recorded.stage, {**HELLO, "stream": True})
    await until(lambda: recorded.stage.asked == 1, "the engine to be asked")
    writer.transport.abort()
    row = await recorded.only()
    assert (row.outcome, row.status, row.failed) == ("left", 499, False)
    assert (row.model, row.first_byte_s, row.bytes_out) == ("alpha", None, 0)
    go_on.set()
    reader, writer = await send(recorded.stage, {**HELLO, "stream": True})
    assert b"Hel" in await soon(reader.readuntil(b"Hel"))
    writer.transport.abort()
    row = await recorded.only()
    assert (row.outcome, row.status) == ("left", 200) and row.bytes_out == len(ANSWER[0])
    over.set()


async def test_a_load_that_fails(recorded: Recorded) -> None:
    recorded.stage.launcher.automatic = {"check", "stop"}
    asking = spawn(recorded.stage.post(CHAT, HELLO), name="ask")
    (await soon(recorded.stage.launcher.begun("launch", "alpha"))).finish(EngineFailed("It died."))
    status, _ = await soon(asking)
    row = await recorded.only()
    assert (row.status, row.outcome, row.code, row.switch) == (status, "refused", "engine.failed", "caused")
    assert row.waited_s is None and row.slot == "primary" and row.model == ""


async def test_who_will_not_wait(recorded: Recorded) -> None:
    recorded.stage.launcher.automatic = set()
    status, _ = await soon(recorded.stage.post(CHAT, HELLO, **{"X-Hal0-Wait": "0"}))
    row = await recorded.only()
    assert (status, row.status, row.code) == (503, 503, "slot.loading")


async def test_many_at_once(recorded: Recorded) -> None:
    """Also that many records are made together loses and doubles none."""
    names = [f"r{number}" for number in range(150)]
    asked = [recorded.stage.post(CHAT, {**HELLO, "stream": True}, **{"X-Request-Id": name}) for name in names]
    await soon(asyncio.gather(*asked))
    await recorded.count(len(names))
    assert sorted(row.request for row in recorded.records) == sorted(names)
    ids = [row.id for row in recorded.records]
    assert ids == sorted(set(ids))


async def test_a_wrong_key_and_a_large_body_behind_the_gate(serve: Serve) -> None:
    served = await serve(("right",))
    context = served.server.app[CONTEXT]
    records: list[Record] = []
    context.activity.subscribe(records.append)
    wrong = {"Authorization": "Bearer wrong-secret"}
    assert (await served.ask("POST", CHAT, headers=wrong))[0] == 401
    right = {"Authorization": "Bearer right"}
    assert (await served.ask("POST", CHAT, headers=right, data=b"x" * (MAX_BODY + 1)))[0] == 413
    assert (await served.ask("POST", CHAT, headers=right, data=b"{}"))[0] == 200
    context.activity.settle()
    assert [row.status for row in records] == [401, 413, 200]
    assert "secret" not in repr(records) and "right" not in repr(records)


def test_every_route_that_a_model_answers_is_recorded() -> None:
    """A new one must be one or the other."""
    absent: Any = None
    app = make_app(Context(StateStore(), absent, absent, absent, absent))
    posts = {
        route.resource.canonical
        for route in app.router.routes()
        if route.method == "POST" and route.resource is not None
    }
    own = ("/api/slots/", "/api/downloads", "/api/config", "/api/unload", "/api/reload", "/api/engine/")
    own += ("/api/forget", "/api/login", "/api/logout", "/api/models/", "/api/upstreams/")
    rest = {path for path in posts - set(DIALECTS) if not path.startswith(own)}
    assert rest == {"/api/show", "/models/switch"}
    assert set(DIALECTS) <= posts
