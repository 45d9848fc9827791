"""Named keys over HTTP: what each may do, in every header it may come in; 192.0.2.7 is not this computer."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import ClientSession, CookieJar
from aiohttp.test_utils import TestServer

from router.activity.activity import Activity
from router.activity.record import Record
from router.config.schema import ApiKeyConfig, Kind, Permission, ServerConfig
from router.orders.order import Order
from router.server.app import make_app
from router.server.request.context import Context
from router.state import KeptStatus, ModelStatus, SlotStatus, Snapshot, StateStore
from router.upstreams.registry import UpstreamRegistry
from tests.engines.running import soon
from tests.page.stand_in import asked

WAIT_SECONDS = 30.0
FAR = {"X-Forwarded-For": "192.0.2.7"}
INFER, OBSERVE, MANAGE = Permission
NAMED = (
    ApiKeyConfig("phone", "k-phone", (INFER,)),
    ApiKeyConfig("grafana", "k-grafana", (OBSERVE,)),
    ApiKeyConfig("admin", "k-admin", (MANAGE,)),
    ApiKeyConfig("guest", "k-guest", (MANAGE,), ("small",)),
)


class Orders:
    """Takes every order and does nothing."""

    def __init__(self) -> None:
        self.given: list[Order[Any]] = []

    async def carry_out(self, order: Order[Any]) -> Any:
        self.given.append(order)
        return []


class Stage:
    def __init__(self, folder: Path) -> None:
        models = tuple(ModelStatus(id_, id_, Kind.CHAT) for id_ in ("alpha", "beta"))
        slots = (
            SlotStatus("primary", Kind.CHAT, choices=("alpha", "beta")),
            SlotStatus("small", Kind.CHAT, choices=("beta",)),
        )
        self.store = StateStore(Snapshot(models=models, slots=slots))
        self.orders = Orders()
        self.records: list[Record] = []
        activity = Activity(folder / "activity.db")
        activity.subscribe(self.records.append)
        absent: Any = None
        registry = UpstreamRegistry(self.store)
        self.context = Context(self.store, absent, cast(Any, self.orders), absent, registry, activity=activity)
        keys = tuple(key.key for key in NAMED)
        self.context.admit(ServerConfig(api_keys=("k-plain", *keys), named_keys=NAMED))
        self.server = TestServer(make_app(self.context), host="127.0.0.1")
        self.session = ClientSession(cookie_jar=CookieJar(unsafe=True))

    async def ask(
        self, key: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        given = {"Authorization": f"Bearer {key}"} if key else {}
        url = self.server.make_url(path)
        async with self.session.request(
            method, url, json=body, headers={**FAR, **given, **(headers or {})}
        ) as a:
            return a.status, await (a.json() if a.content_type == "application/json" else a.text())


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    made = Stage(tmp_path)
    made.context.activity.start(made.store)
    await made.server.start_server()
    yield made
    await made.session.close()
    await made.server.close()
    await made.context.activity.close()


def refused(answer: tuple[int, Any]) -> bool:
    """Ollama's errors are a sentence alone."""
    status, body = answer
    error = body["error"] if status == 403 else ""
    return "may not" in error if isinstance(error, str) else error["code"] == "auth.not_allowed"


ASK = ("POST", "/v1/chat/completions")
LISTED = [("GET", path) for path in ("/v1/models", "/models", "/api/tags", "/api/ps", "/props", "/version")]
READ = [
    ("GET", path) for path in ("/api/state", "/api/log", "/api/slots/primary/logs", "/metrics", "/api/config")
]
ORDERS = [
    ("POST", path) for path in ("/api/slots/primary/unload", "/api/reload", "/api/forget", "/models/switch")
]
ORDERS += [("POST", "/api/models/delete"), ("DELETE", "/api/activity")]
PATHS = {INFER: [ASK, ("POST", "/api/chat"), ("POST", "/messages")], OBSERVE: READ, MANAGE: ORDERS}


@pytest.mark.parametrize("key", [key for key in NAMED if key.slots is None], ids=lambda key: str(key.name))
async def test_a_key_may_do_what_it_is_for_and_no_more(stage: Stage, key: ApiKeyConfig) -> None:
    for needed, paths in PATHS.items():
        for method, path in paths:
            answer = await stage.ask(key.key, method, path, {} if method == "POST" else None)
            assert refused(answer) is not key.allows(needed), (path, answer)
            if refused(answer):
                assert f'"{key.name}"' in str(answer[1]) and f"may: [{needed}]" in str(answer[1])
            assert key.key not in str(answer)
    for method, path in LISTED:
        assert not refused(await stage.ask(key.key, method, path)), path


async def test_a_key_without_a_name_may_do_everything_and_a_wrong_one_nothing(stage: Stage) -> None:
    for method, path in (*READ[:2], *ORDERS):
        assert not refused(await stage.ask("k-plain", method, path, {} if method == "POST" else None))
        status, body = await stage.ask("k-wrong", method, path)
        assert (status, body["error"]["code"]) == (401, "auth.invalid_key")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer k-phone"},
        {"Authorization": "Basic " + base64.b64encode(b"x:k-phone").decode()},
        {"x-api-key": "k-phone"},
        {"api-key": "k-phone"},
        {"x-goog-api-key": "k-phone"},
        {"Authorization": "Bearer placeholder", "x-api-key": "k-phone"},
    ],
)
async def test_however_it_comes_it_is_the_same_key(stage: Stage, headers: dict[str, str]) -> None:
    assert refused(await stage.ask("", "POST", "/api/reload", {}, headers)) and not stage.orders.given
    assert (await stage.ask("", "POST", "/v1/chat/completions", {"model": "nobody"}, headers))[0] == 404
    stage.context.activity.settle()
    assert [record.key for record in stage.records] == ["phone"]


async def test_a_key_for_some_slots_sees_and_asks_only_those(stage: Stage) -> None:
    _status, listed = await stage.ask("k-guest", "GET", "/v1/models")
    assert [row["id"] for row in listed["data"]] == ["small", "beta"]
    _status, tags = await stage.ask("k-guest", "GET", "/api/tags")
    assert "primary" not in str(tags) and "alpha" not in str(tags)
    _status, state = await stage.ask("k-guest", "GET", "/api/state")
    assert [slot["name"] for slot in state["slots"]] == ["small"]
    assert [model["id"] for model in state["models"]] == ["beta"]
    for model in ("primary", "alpha", "primary:beta", "Primary"):
        answer = await stage.ask("k-guest", "POST", "/v1/chat/completions", {"model": model, "messages": []})
        assert refused(answer) and "only for small" in answer[1]["error"]["message"], model
    answer = await stage.ask("k-guest", "POST", "/api/chat", {"model": "primary", "messages": []})
    assert answer[0] == 403 and "only for small" in answer[1]["error"]
    for path in ("/v1/embeddings", "/api/embed"):  # no slot of its kind
        assert (await stage.ask("k-guest", "POST", path, {"input": "x"}))[0] in (400, 403)


@pytest.mark.parametrize(
    ("key", "slots"),
    [
        ("k-phone", None),
        ("k-grafana", ["primary", "small"]),
        ("k-admin", ["primary", "small"]),
        ("k-guest", ["small"]),
        ("k-wrong", None),
    ],
)
async def test_the_page_begins_with_what_its_key_may_see(
    stage: Stage, key: str, slots: list[str] | None
) -> None:
    status, page = await stage.ask(key, "GET", "/", headers={"Accept": "text/html"})
    state = re.search(r'id="state">(.*?)</script>', page)
    assert status == 200 and (state is None) is (slots is None)
    if state is not None:
        assert [slot["name"] for slot in json.loads(state[1])["slots"]] == slots


async def test_a_key_for_some_slots_orders_only_those(stage: Stage) -> None:
    for path in ("/api/slots/small/unload", "/api/slots/small/restart"):
        assert (await stage.ask("k-guest", "POST", path, {}))[0] == 200
    assert (await stage.ask("k-guest", "POST", "/models/switch", {"model": "beta", "wait": False}))[0] < 300
    assert str(stage.orders.given[-1]).count("small") == 1
    given = len(stage.orders.given)
    for path in (
        "/api/slots/primary/unload",
        "/api/slots/primary/load",
        "/api/unload",
        "/api/reload",
        "/api/config",
    ):
        assert refused(await stage.ask("k-guest", "POST", path, {"model": "beta"})), path
    assert refused(await stage.ask("k-guest", "POST", "/models/switch", {"slot": "primary", "model": "beta"}))
    for path in ("/api/log", "/api/config", "/metrics", "/api/slots/primary/logs"):
        assert refused(await stage.ask("k-guest", "GET", path)), path
    assert refused(await stage.ask("k-guest", "GET", "/api/activity?slot=primary"))
    assert refused(await stage.ask("k-guest", "DELETE", "/api/activity"))
    assert len(stage.orders.given) == given


async def told_of(answer: aiohttp.ClientResponse, most: int) -> list[dict[str, Any]]:
    """The next `most` records of an event stream."""
    told: list[dict[str, Any]] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while len(told) < most:
            line = await answer.content.readline()
            if line.startswith(b'data: {"requests"'):
                told += json.loads(line[6:])["requests"]
    return told


async def test_a_key_for_some_slots_is_told_what_was_asked_of_those(stage: Stage) -> None:
    """Whoever asked it. The others are not there: neither in the list, nor by their ids, nor as they end."""
    url = stage.server.make_url("/api/events?activity=true")
    headers = {**FAR, "Authorization": "Bearer k-guest"}
    async with stage.session.get(url, headers=headers) as stream:
        assert stream.status == 200
        for number, slot in enumerate(("small", "primary", "", "small", "primary")):
            stage.context.activity.end(asked(number, slot=slot))
        live = await told_of(stream, 2)
        stage.context.activity.end(asked(5, slot="small"))
        live += await told_of(stream, 1)
    assert [record["request"] for record in live] == ["r0", "r3", "r5"]

    _status, everything = await stage.ask("k-admin", "GET", "/api/activity")
    ids = {record["request"]: record["id"] for record in everything["requests"]}
    assert len(ids) == 6
    for query, wanted in (
        ("", ["r5", "r3", "r0"]),
        ("?limit=2", ["r5", "r3"]),
        (f"?before={ids['r5']}", ["r3", "r0"]),
        ("?slot=small&limit=1", ["r5"]),
        ("?failed=true", []),
    ):
        status, found = await stage.ask("k-guest", "GET", f"/api/activity{query}")
        assert status == 200 and [record["request"] for record in found["requests"]] == wanted, query
    assert (await stage.ask("k-guest", "GET", f"/api/activity/{ids['r3']}"))[0] == 200
    for number in (ids["r1"], ids["r2"], 1):
        status, answer = await stage.ask("k-guest", "GET", f"/api/activity/{number}")
        assert (status, answer["error"]["code"]) == (404, "activity.not_found")


async def test_a_browser_is_let_in_for_what_its_key_may_and_not_after_that_is_gone(stage: Stage) -> None:
    status, _told = await stage.ask("", "POST", "/api/login", {"key": "k-grafana"})
    assert status == 200
    assert (await stage.ask("", "GET", "/api/state"))[0] == 200
    assert refused(await stage.ask("", "POST", "/api/reload", {}))
    stage.context.admit(ServerConfig(api_keys=("k-plain",)))
    assert (await stage.ask("", "GET", "/api/state"))[0] == 401


async def test_what_needs_no_key_is_nobody_refused(stage: Stage) -> None:
    """Reading from this computer, also with a key that could not read from elsewhere; activity needs one."""
    url, given = stage.server.make_url("/"), {"Authorization": "Bearer k-phone"}
    async with stage.session.get(url.with_path("/api/state"), headers=given) as answer:
        assert answer.status == 200
    async with stage.session.get(url.with_path("/api/activity"), headers=given) as answer:
        assert answer.status == 403


async def test_what_is_not_found_names_nothing_that_the_key_may_not_use(stage: Stage) -> None:
    for path in ("/v1/chat/completions", "/v1/messages", "/api/chat", "/tokenize"):
        for model in ("nope", "alpho", "primary:nope", "primry"):
            status, body = await stage.ask("k-guest", "POST", path, {"model": model, "messages": []})
            told = str(body).replace(model, "")
            assert status == 404 and "primary" not in told and "alpha" not in told, (path, model, body)


async def test_a_key_for_some_slots_fetches_no_models_and_sees_no_conversations_of_others(stage: Stage) -> None:
    assert refused(await stage.ask("k-guest", "POST", "/api/downloads", {"reference": "org/repo"}))
    assert not stage.orders.given
    stage.store.update(kept=(KeptStatus("alpha", 2, 10), KeptStatus("beta", 1, 5)))
    _status, state = await stage.ask("k-guest", "GET", "/api/state")
    assert [kept["model"] for kept in state["kept"]] == ["beta"]


async def test_who_reads_events_with_a_key_that_is_taken_out_reads_no_more(stage: Stage) -> None:
    url = stage.server.make_url("/api/events").with_query(heartbeat="0.1", activity="true")
    headers = {**FAR, "Authorization": "Bearer k-grafana"}
    async with stage.session.get(url, headers=headers) as answer:
        assert (await soon(answer.content.readuntil(b"\n\n"))).startswith(b"event: snapshot")
        stage.context.admit(ServerConfig(api_keys=stage.context.api_keys, named_keys=NAMED))
        assert b"still here" in await soon(answer.content.readuntil(b"still here\n\n")), "the same keys"
        stage.context.admit(ServerConfig(api_keys=("k-plain",)))
        assert (await stage.ask("k-plain", "POST", "/v1/nothing", {}))[0] == 404
        assert b"event: activity" not in await soon(answer.content.read()), "it ends"
    async with stage.session.get(url, headers=headers) as answer:
        assert answer.status == 401
