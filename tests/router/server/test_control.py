"""The control API over the real supervisor, with a launcher the test controls."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from router.base.errors import EngineFailed, MemoryInsufficient
from router.base.tasks import spawn
from router.server.routes import state as control
from tests.engines.running import soon, until
from tests.router.server.conftest import Serve, Served

LOAD = "/api/slots/primary/load"


class Events:
    """The lines of one event stream, read one by one."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def line(self) -> str:
        """The next line that is not empty."""
        while True:
            line = (await soon(self.answer.content.readline(), "an event")).decode().rstrip("\n")
            if line:
                return line

    async def event(self) -> tuple[str, dict[str, Any]]:
        name = await self.line()
        while name.startswith(":"):
            name = await self.line()
        data = await self.line()
        return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@asynccontextmanager
async def events(served: Served) -> AsyncIterator[Events]:
    async with served.session.get(served.server.make_url("/api/events")) as answer:
        assert answer.content_type == "text/event-stream"
        yield Events(answer)


async def test_state_is_the_snapshot(serve: Serve) -> None:
    served = await serve()
    _, state, _ = await served.ask("GET", "/api/state")
    assert state["revision"] == served.store.snapshot.revision
    (slot,) = state["slots"]
    assert (slot["name"], slot["state"], slot["model"]) == ("primary", "unloaded", "alpha")
    assert slot["progress"] is None
    assert slot["choices"] == ["alpha", "beta"]
    assert state["server"]["url"] == "http://127.0.0.1:8080"


async def test_load_answers_when_the_model_is_ready(serve: Serve) -> None:
    served = await serve()
    served.launcher.automatic -= {"ready"}
    asking = spawn(served.ask("POST", LOAD, json={"model": "beta"}), name="load")
    ready = await served.launcher.begun("ready", "beta")
    _, state, _ = await served.ask("GET", "/api/state")
    assert state["slots"][0]["target"] == "beta" and state["slots"][0]["progress"]["phase"] == "loading"
    assert state["slots"][0]["progress"]["elapsed_s"] >= 0
    ready.finish()
    status, body, _ = await soon(asking)
    assert status == 200
    assert (body["slot"]["state"], body["slot"]["model"], body["slot"]["progress"]) == ("ready", "beta", None)


async def test_a_load_without_room_is_told_and_force_reaches_the_gate(serve: Serve) -> None:
    served = await serve()
    served.gate.answers = [MemoryInsufficient("8 GB are missing.", details={"missing": 8 << 30})]
    status, body, _ = await served.ask("POST", LOAD, json={"model": "beta"})
    assert (status, body["error"]["code"]) == (507, "memory.insufficient")
    assert body["error"]["details"] == {"missing": 8 << 30}
    status, body, _ = await served.ask("POST", LOAD, json={"model": "beta", "force": True})
    assert (status, body["slot"]["model"]) == (200, "beta")
    assert [force for _, _, force in served.gate.judged] == [False, True]
    assert await served.code("POST", LOAD, json={"model": "beta", "force": "yes"}) == (400, "request.invalid")


async def test_load_without_waiting_answers_at_once(serve: Serve) -> None:
    served = await serve()
    served.launcher.automatic -= {"check"}
    status, body, _ = await served.ask("POST", LOAD, json={"model": "first", "wait": False})
    assert (status, body["slot"]["state"], body["slot"]["target"]) == (202, "queued", "alpha")


async def test_a_caller_that_leaves_does_not_stop_the_load(serve: Serve) -> None:
    served = await serve()
    served.launcher.automatic -= {"ready"}
    asking = spawn(served.ask("POST", LOAD, json={"model": "beta"}), name="load")
    ready = await served.launcher.begun("ready", "beta")
    asking.cancel()
    await asyncio.wait([asking])
    ready.finish()
    await until(lambda: served.store.snapshot.slots[0].state == "ready", "ready")
    assert served.store.snapshot.slots[0].model == "beta"


async def test_the_requests_that_hold_up_a_switch_are_waited_for_or_cut(serve: Serve) -> None:
    """Row 40: until when they have time is told, and a person decides otherwise."""
    served = await serve()
    await served.supervisor.load("primary", "alpha")
    async with served.supervisor.ticket("primary", None) as ticket:
        lease = await ticket.lease()
        loading = spawn(served.ask("POST", LOAD, json={"model": "beta"}), name="load")
        await until(lambda: served.store.snapshot.slots[0].state == "draining", "draining")
        _, state, _ = await served.ask("GET", "/api/state")
        slot = state["slots"][0]
        assert (slot["leaving"], slot["draining"]) == (["alpha"], 1)
        assert 0 < slot["drain_deadline"] - time.time() <= 30.1, "told in tenths"
        _, body, _ = await served.ask("POST", "/api/slots/primary/wait")
        assert (body["slot"]["draining"], body["slot"]["drain_deadline"]) == (1, None)
        status, body, _ = await served.ask("POST", "/api/slots/primary/cut")
        assert (status, body["slot"]["draining"], lease.aborted) == (200, 0, True)
    assert (await soon(loading))[0] == 200 and served.store.snapshot.slots[0].model == "beta"
    for order in ("cut", "wait", "cancel"):
        assert (await served.ask("POST", f"/api/slots/primary/{order}"))[0] == 200, "nothing to be done"
        assert await served.code("POST", f"/api/slots/nowhere/{order}") == (404, "slot.not_found")


async def test_a_failed_load_is_answered_with_the_engines_words(serve: Serve) -> None:
    served = await serve()
    served.launcher.automatic -= {"ready"}
    asking = spawn(served.ask("POST", LOAD, json={"model": "beta"}), name="load")
    (await served.launcher.begun("ready", "beta")).finish(EngineFailed("The engine stopped: it is cracked."))
    status, body, _ = await soon(asking)
    assert (status, body["error"]["code"]) == (502, "engine.failed")
    assert body["error"]["message"] == (
        'Model "beta" did not load: the engine stopped: it is cracked; see `hal0 logs primary`.'
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (LOAD, b"{", 400, "request.invalid"),
        (LOAD, b"[" * 900, 400, "request.invalid"),
        (LOAD, b"[" * 1000, 400, "request.invalid"),
        (LOAD, b"\xff", 400, "request.invalid"),
        (LOAD, b"[]", 400, "request.invalid"),
        (LOAD, b"", 400, "request.invalid"),
        (LOAD, b'{"model": 7}', 400, "request.invalid"),
        (LOAD, b'{"model": ""}', 400, "request.invalid"),
        (LOAD, b'{"model": "gamma"}', 404, "model.not_found"),
        ("/api/slots/none/load", b'{"model": "alpha"}', 404, "slot.not_found"),
        ("/api/slots/none/unload", b"", 404, "slot.not_found"),
        ("/api/slots/none/restart", b"", 404, "slot.not_found"),
        ("/api/slots/none/cancel", b"", 404, "slot.not_found"),
        ("/api/slots/primary/unload", b"{", 400, "request.invalid"),
        ("/api/slots/primary/restart", b"nonsense", 400, "request.invalid"),
    ],
)
async def test_wrong_orders_are_refused_and_do_nothing(
    serve: Serve, path: str, body: bytes, status: int, code: str
) -> None:
    """(A coroutine that was made and never awaited would be a warning, and so an error.)"""
    served = await serve()
    assert await served.code("POST", path, data=body) == (status, code)
    assert served.launcher.calls == []


async def test_unload_restart_cancel_and_logs(serve: Serve) -> None:
    served = await serve()
    await served.ask("POST", LOAD, json={"model": "alpha"})
    first = served.store.snapshot.slots[0].pid
    _, body, _ = await served.ask("POST", "/api/slots/primary/restart")
    assert body["slot"]["state"] == "ready" and body["slot"]["pid"] != first
    served.launcher.running[body["slot"]["pid"]].log.add("a line")
    assert (await served.ask("GET", "/api/slots/primary/logs"))[1] == {"lines": ["a line"]}
    status, body, _ = await served.ask("POST", "/api/slots/primary/cancel")
    assert (status, body["slot"]["state"]) == (200, "ready"), "nothing to cancel"
    _, body, _ = await served.ask("POST", "/api/slots/primary/unload")
    assert body["slot"]["state"] == "unloaded"
    _, state, _ = await served.ask("POST", "/api/unload")
    assert state["slots"][0]["state"] == "unloaded" and served.launcher.running == {}


async def test_events_tell_the_snapshot_then_only_what_changed(serve: Serve) -> None:
    served = await serve()
    async with events(served) as stream:
        name, snapshot = await stream.event()
        assert name == "snapshot" and snapshot["slots"][0]["state"] == "unloaded" and snapshot["models"]
        served.store.update(server=served.store.snapshot.server)  # no change, no event
        loading = spawn(served.ask("POST", LOAD, json={"model": "beta"}), name="load")
        revision = snapshot["revision"]
        while True:
            name, change = await stream.event()
            assert name == "change" and set(change) == {"revision", "slots"}
            assert change["revision"] > revision
            revision = change["revision"]
            if change["slots"][0]["state"] == "ready":
                break
        await soon(loading)


async def test_a_quiet_stream_has_a_heartbeat(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "HEARTBEAT_SECONDS", 0.02)
    served = await serve()
    async with events(served) as stream:
        await stream.event()
        assert [await stream.line(), await stream.line()] == [": still here", ": still here"]


async def test_a_reader_that_leaves_is_forgotten(serve: Serve) -> None:
    served = await serve()
    async with events(served) as one, events(served) as other:
        await one.event()
        await other.event()
        assert served.store.observers == 2
    await until(lambda: served.store.observers == 0, "both to be unsubscribed")


async def test_events_have_no_head_of_their_own(serve: Serve) -> None:
    """Its answer would be endless, with a body that HEAD may not have."""
    served = await serve()
    assert await served.code("HEAD", "/api/events") == (405, None)
    assert served.store.observers == 0


async def test_events_beat_as_often_as_they_are_asked_to(serve: Serve) -> None:
    served = await serve()
    url = served.server.make_url("/api/events").with_query(heartbeat="0.1")
    async with served.session.get(url) as answer:
        assert answer.headers["X-Hal0-Heartbeat"] == "0.1"
        reader = Events(answer)
        assert (await reader.event())[0] == "snapshot"
        assert [await reader.line() for _ in range(2)] == [": still here"] * 2
    for asked, confirmed in (("0", "0.1"), ("900", "15"), ("nan", "15"), ("-inf", "0.1")):
        async with served.session.get(url.with_query(heartbeat=asked)) as answer:
            assert answer.headers["X-Hal0-Heartbeat"] == confirmed
    assert await served.code("GET", "/api/events?heartbeat=often") == (400, "request.invalid")


async def test_the_engine_s_command_line_is_told_while_it_runs(serve: Serve) -> None:
    served = await serve()
    path = "/api/slots/primary/command"
    assert (await served.ask("GET", path))[1] == {"command": []}
    await served.ask("POST", LOAD, json={"model": "beta"})
    assert (await served.ask("GET", path))[1] == {"command": ["beta"]}
    assert await served.code("GET", "/api/slots/nowhere/command") == (404, "slot.not_found")
    assert await served.code("GET", "/api/slots/bigpc%2Fprimary/command") == (404, "slot.not_found")
