"""Another hal0 followed and commanded: a real endpoint, with engines the test controls."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from router.base.errors import (
    BadModel,
    EngineFailed,
    ModelNotFound,
    SlotNotFound,
    SwitchCancelled,
    Unauthorized,
    UpstreamFailed,
)
from router.base.tasks import spawn
from router.config.change import REMOVE, ConfigChange
from router.config.problems import ConfigErrors, ConfigProblem
from router.orders.kinds import (
    Cancel,
    EditConfig,
    Load,
    ReadEngineCommand,
    ReadEngineLog,
    Restart,
    Unload,
    UnloadAll,
)
from router.orders.order import decode, encode
from router.remote import link
from router.remote.answers import error_of
from router.remote.hal0 import RemoteHal0
from router.state import SlotState
from router.wire.errors import envelope
from tests.engines.running import free_port, soon, until
from tests.router.server.conftest import Serve, Served

HEARTBEAT = 0.2


@asynccontextmanager
async def following(url: str, key: str | None = None) -> AsyncIterator[RemoteHal0]:
    remote = RemoteHal0(url, key, heartbeat=HEARTBEAT)
    try:
        yield remote
    finally:
        await remote.close()


@asynccontextmanager
async def meeting(served: Served, key: str | None = None) -> AsyncIterator[RemoteHal0]:
    """Following, and in contact."""
    async with following(str(served.server.make_url("/")), key) as remote:
        await until(lambda: remote.connected, "contact")
        yield remote


@asynccontextmanager
async def served_at(port: int) -> AsyncIterator[Served]:
    served = Served((), "127.0.0.1")
    served.server.port = port
    await served.server.start_server(shutdown_timeout=0.1)
    try:
        yield served
    finally:
        await served.session.close()
        # The endpoint goes first, as if its process had been killed.
        await served.server.close()
        served.launcher.automatic = {"check", "launch", "ready", "stop"}
        await soon(served.supervisor.close())


def state_of(remote: RemoteHal0) -> SlotState:
    return remote.snapshot.slots[0].state


async def test_its_state_is_seen_here_and_each_change_of_it(serve: Serve) -> None:
    served = await serve()
    async with meeting(served) as remote:
        assert (remote.error, remote.snapshot) == (None, served.store.snapshot)
        served.launcher.automatic -= {"ready"}
        loading = spawn(remote.carry_out(Load("primary", "beta")), name="load")
        ready = await served.launcher.begun("ready", "beta")
        await until(lambda: state_of(remote) is SlotState.LOADING, "the load seen from here")
        assert remote.snapshot.slots[0].target == "beta" and not loading.done()
        ready.finish()
        await soon(loading)
        await until(lambda: state_of(remote) is SlotState.READY, "the end seen from here")
        assert (remote.snapshot.slots[0].model, remote.snapshot.revision) == (
            "beta",
            served.store.snapshot.revision,
        )


async def test_commands_do_there_what_they_say(serve: Serve) -> None:
    served = await serve()
    async with meeting(served) as remote:
        await remote.carry_out(Load("primary", "alpha"))
        engine = served.supervisor.engine_of("primary")
        assert engine is not None
        await remote.carry_out(Restart("primary"))
        again = served.supervisor.engine_of("primary")
        assert again is not None and again is not engine
        assert await remote.carry_out(ReadEngineCommand("primary")) == list(again.launch.argv)
        assert await remote.carry_out(ReadEngineLog("primary")) == served.supervisor.logs("primary")
        await remote.carry_out(Unload("primary"))
        assert served.store.snapshot.slots[0].state is SlotState.UNLOADED
        assert await remote.carry_out(ReadEngineCommand("primary")) == []
        await remote.carry_out(Load("primary", "alpha"))
        await remote.carry_out(UnloadAll())
        assert served.store.snapshot.slots[0].state is SlotState.UNLOADED


async def test_a_cancelled_switch_is_told_as_such(serve: Serve) -> None:
    served = await serve()
    served.launcher.automatic -= {"ready"}
    async with meeting(served) as remote:
        loading = spawn(remote.carry_out(Load("primary", "beta")), name="load")
        await served.launcher.begun("ready", "beta")
        await remote.carry_out(Cancel("primary"))
        with pytest.raises(SwitchCancelled):
            await soon(loading)


async def test_a_refusal_is_the_error_it_was_there(serve: Serve) -> None:
    served = await serve()
    async with meeting(served) as remote:
        with pytest.raises(ModelNotFound, match='There is no model "nope"') as caught:
            await remote.carry_out(Load("primary", "nope"))
        assert (caught.value.status, caught.value.code, caught.value.param) == (404, "model.not_found", "model")
        with pytest.raises(SlotNotFound, match="there are: primary"):
            await remote.carry_out(Unload("nowhere"))
        served.launcher.automatic -= {"check"}
        loading = spawn(remote.carry_out(Load("primary", "beta")), name="load")
        check = await served.launcher.begun("check", "beta")
        check.finish(BadModel("The flag is bad."))
        with pytest.raises(BadModel, match=r"The flag is bad\."):
            await soon(loading)


async def test_a_key_is_sent_and_a_missing_one_is_a_sentence(serve: Serve) -> None:
    served = await serve(api_keys=("right-key",))
    async with meeting(served, "right-key") as remote:
        await remote.carry_out(Load("primary", "beta"))
    async with meeting(served) as remote:  # reading from this computer needs none
        with pytest.raises(Unauthorized, match="needs an API key"):
            await remote.carry_out(Unload("primary"))


async def test_one_that_is_not_there_is_said_and_found_when_it_comes() -> None:
    port = free_port()
    async with following(f"http://127.0.0.1:{port}/") as remote:
        await until(lambda: remote.error is not None, "the error")
        assert remote.error == (
            f"No hal0 answers at http://127.0.0.1:{port} (Connection refused); see that it runs there. "
            "It is tried again."
        )
        assert not remote.connected
        with pytest.raises(UpstreamFailed, match="Connection refused"):
            await soon(remote.carry_out(Load("primary", "alpha")))
        with pytest.raises(UpstreamFailed, match="Connection refused"):
            await soon(remote.carry_out(ReadEngineLog("primary")))
        async with served_at(port):
            await until(lambda: remote.connected, "contact")
            assert remote.error is None
            await remote.carry_out(Load("primary", "beta"))


async def test_contact_lost_in_a_switch_ends_the_wait_and_comes_back() -> None:
    port = free_port()
    async with following(f"http://127.0.0.1:{port}") as remote:
        async with served_at(port) as served:
            served.launcher.automatic -= {"ready"}
            await until(lambda: remote.connected, "contact")
            loading = spawn(remote.carry_out(Load("primary", "beta")), name="load")
            await served.launcher.begun("ready", "beta")
        with pytest.raises(UpstreamFailed):
            await soon(loading)
        await until(lambda: not remote.connected, "the loss")
        assert remote.error is not None and remote.error.startswith("Lost contact with hal0 at http://")
        async with served_at(port) as again:
            await until(lambda: remote.connected, "contact again")
            assert remote.snapshot == again.store.snapshot


Handler = Callable[[web.Request], Any]


@asynccontextmanager
async def something(handler: Handler) -> AsyncIterator[str]:
    """The address of a server that answers everything with `handler`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("/")).rstrip("/")
    finally:
        await server.close()


async def loss(url: str, seconds: float = 20.0) -> str:
    """The sentence that following this address ends in."""
    async with following(url) as remote:
        await until(lambda: remote.error is not None, "the error", seconds)
        assert not remote.connected
        return remote.error or ""


async def test_silence_is_lost_contact() -> None:
    """As after a cable was pulled: nothing closes, nothing comes."""

    async def fall_silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", link.HEADER: "0.2"})
        await response.prepare(request)
        await response.write(b'event: snapshot\ndata: {"revision": 4}\n\n')
        await asyncio.Event().wait()
        return response

    async with something(fall_silent) as url, following(url) as remote:
        await until(lambda: remote.connected, "contact")
        order = spawn(remote.carry_out(Load("primary", "alpha")), name="load")
        await until(lambda: not remote.connected, "the loss")
        assert remote.error is not None and "no sign of life for 2 s" in remote.error
        with pytest.raises(UpstreamFailed, match="What was ordered there may go on"):
            await soon(order)


async def test_a_server_that_takes_the_connection_and_says_nothing_is_no_contact() -> None:
    async def never(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with something(never) as url:
        assert "no answer in time" in await loss(url)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, "not found", "What answers at .* is not hal0"),
        (200, "<html>", "What answers at .* is not hal0"),
        (401, '{"error": {"code": 401, "message": "llama"}}', "is not hal0"),
        (401, '{"error": {"code": "auth.invalid_key", "message": "No key."}}', r"^No key\.$"),
        (302, "", "is not hal0"),
    ],
)
async def test_what_is_not_hal0_is_told_from_one_that_refuses(status: int, body: str, words: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers={"Location": "/elsewhere"})

    async with something(answer) as url:
        sentence = await loss(url)
    assert re.search(words, sentence), sentence


async def test_a_key_that_is_quoted_back_is_hidden() -> None:
    async def answer(request: web.Request) -> web.Response:
        message = f"No such key: {request.headers['Authorization']}."
        return web.json_response({"error": {"code": "auth.invalid_key", "message": message}}, status=401)

    async with something(answer) as url, following(url, "very-secret") as remote:
        with pytest.raises(Unauthorized) as caught:
            await remote.carry_out(ReadEngineLog("primary"))
        await until(lambda: remote.error is not None, "no contact")
        assert remote.error == caught.value.message == "No such key: Bearer [hidden]."


async def test_what_never_ends_is_no_event() -> None:
    """A line without an end is not kept in memory for ever."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)

    async with something(endless) as url:
        assert "too much" in await loss(url)


async def test_a_stream_of_nonsense_is_no_contact() -> None:
    async def nonsense(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b'event: snapshot\ndata: {"slots": "many"}\n\n')
        return response

    async with something(nonsense) as url:
        assert "slots is no list" in await loss(url)


def test_every_class_of_error_comes_back_as_itself() -> None:
    for error in (BadModel("a"), EngineFailed("b"), SwitchCancelled("c"), SlotNotFound("d", param="slot")):
        body = json.dumps(envelope(error)).encode()
        back = error_of(error.status, body, None, "http://x")
        assert type(back) is type(error)
        assert (back.message, back.status, back.code, back.type, back.param) == (
            error.message, error.status, error.code, error.type, error.param,
        )  # fmt: skip


def test_an_unknown_code_keeps_its_status_and_words() -> None:
    body = b'{"error": {"code": "slot.on_fire", "message": "It burns.", "type": "server_error"}}'
    error = error_of(503, body, "7", "http://x")
    assert (error.status, error.code, error.message, error.retry_after) == (503, "slot.on_fire", "It burns.", 7)


def test_mistakes_in_hal0_yaml_keep_their_places() -> None:
    there = ConfigErrors([ConfigProblem("hal0.yaml", 3, "server.port", "must be a number", "8080")])
    body = json.dumps(envelope(there)).encode()
    back = error_of(400, body, None, "http://x")
    assert isinstance(back, ConfigErrors)
    assert (back.problems, back.message) == (there.problems, there.message)


def test_what_is_removed_is_asked_for_as_such() -> None:
    changes = [ConfigChange(("a", "b"), None), ConfigChange(("c",), REMOVE), ConfigChange(("d",), [1])]
    order = EditConfig(tuple(changes))
    call = encode(order)
    assert call.target == "/api/config" and call.body is not None
    assert decode(EditConfig, {}, json.loads(json.dumps(call.body))) == order
