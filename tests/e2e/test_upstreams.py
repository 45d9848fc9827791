"""A running hal0 with real servers elsewhere: a llama-server behind a key, and another hal0."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from router.base.tasks import spawn
from router.server.request.lease_wait import HOLD_SECONDS
from router.wire.multipart import read_fields
from tests.e2e.harness import Hal0
from tests.e2e.test_remote import until_state
from tests.engines.running import DEADLINE_SECONDS, soon
from tests.engines.slow import slow_server
from tests.fixtures_models import SpeakingModel
from tests.resources.engine import Engine, running
from tests.router.upstreams.servers import Handler, StubUpstream, hanging, streaming

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALPHA, FAR, BIG = "Alpha speaks here.", "Far speaks on another server.", "Big speaks at the other hal0."
KEY = "sk-llama-0123456789"
HELLO = {"messages": [{"role": "user", "content": "Hello?"}]}
CHAT = "/v1/chat/completions"
LOAD_SECONDS = 3.0
READ_SECONDS = 3.0
SLOW_SECONDS = 5.0
THERE = """
slots:
  primary: {models: [big]}
  slow: {models: [bad], fallback: [further]}
"""
HERE = """
slots:
  primary: {models: [alpha], fallback: [lxc]}
  far: {kind: chat, upstream: lxc/far}
  broken: {models: [bad], fallback: [bigpc/primary, lxc]}
  further: {models: [bad], fallback: [bigpc/slow]}
"""
Json = dict[str, Any]


@dataclass
class World:
    """`here` knows `there` as bigpc, `llama` as lxc, and `slow`: it thinks before each answer."""

    here: Hal0
    there: Hal0
    llama: Engine
    slow: StubUpstream

    async def ask(self, path: str, body: Json) -> tuple[aiohttp.ClientResponse, str]:
        async with self.here.session.post(self.here.url + path, json=body) as answer:
            text = await answer.text()
            assert answer.status == 200, text
            return answer, text

    async def served_by(self, model: str) -> tuple[str, str]:
        """(who answered, the answer), of the first whose head had not to go before that was known."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                answer, text = await self.ask(CHAT, {"model": model, **HELLO})
                if (name := answer.headers.get("X-Hal0-Served-By")) is not None:
                    return name, text

    @contextmanager
    def answering(self, handler: Handler) -> Iterator[None]:
        """`slow` answers otherwise meanwhile."""
        before, self.slow.chat = self.slow.chat, handler
        try:
            yield
        finally:
            self.slow.chat = before

    async def words(self, path: str, body: Json) -> str:
        """All that is said in an answer, streamed or not, of any dialect."""
        _answer, text = await self.ask(path, body)
        parts = text.splitlines() if "\n" in text.strip() else [text]
        found = [json.loads(part.removeprefix("data: ")) for part in parts if "{" in part]
        return "".join(word for event in found for word in _said(event))


def _said(event: Any) -> Iterator[str]:
    """The texts of a document, but for what names and repeats."""
    if event.get("type") in ("response.output_text.done", "response.content_part.done"):
        return
    if event.get("type") in ("response.output_item.done", "response.completed"):
        return
    for name, value in event.items():
        if name in ("content", "text", "response", "delta") and isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from _said(value)
        elif isinstance(value, list):
            for item in value:
                yield from _said(item) if isinstance(item, dict) else ()


@pytest.fixture(scope="module")
def llama(llama_server: Path, speaking_model: SpeakingModel) -> Iterator[Engine]:
    with running(llama_server, speaking_model(FAR, "far"), "--api-key", KEY, "--alias", "far") as engine:
        yield engine


async def think(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(SLOW_SECONDS)
    if (await request.json()).get("stream"):
        return await streaming("At ", "last.")(request)
    return web.json_response({"choices": [{"index": 0, "message": {"content": "At last."}}]})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    tmp_path_factory: pytest.TempPathFactory, llama_server: Path, llama: Engine, speaking_model: SpeakingModel
) -> AsyncIterator[World]:
    home = tmp_path_factory.mktemp("world")
    for place, name, sentence in (("here", "alpha", ALPHA), ("there", "big", BIG)):
        (home / place / "models").mkdir(parents=True)
        shutil.copy(speaking_model(sentence, name), home / place / "models" / f"{name}.gguf")
        (home / place / "models" / "bad.gguf").write_bytes(b"GGUF" + bytes(64))
    async with StubUpstream("slow", chat=think).running() as slow:
        lxc = {"base_url": f"{llama.url}/v1", "api_key": "env:LXC_KEY"}
        named = {"further": {"base_url": f"{llama.url}/v1", "api_key": KEY}}
        there = Hal0.prepare(home / "there", llama_server, f"upstreams: {json.dumps(named)}\n{THERE}")
        there.env["HAL0_LLAMA_SERVER"] = str(slow_server(home, llama_server, LOAD_SECONDS))
        bigpc = {"base_url": there.url, "kind": "hal0"}
        upstreams = {"lxc": lxc, "bigpc": bigpc, "slow": {"base_url": slow.url}}
        here = Hal0.prepare(home / "here", llama_server, f"upstreams: {json.dumps(upstreams)}\n{HERE}")
        here.env["LXC_KEY"] = KEY
        try:
            await there.start()
            await here.start()
            await until_state(here, lambda s: all(u["state"] == "ok" for u in s["upstreams"]), "all are well")
            yield World(here, there, llama, slow)
        finally:
            await here.close()
            await there.close()


async def test_the_list_of_models_has_all_of_them(world: World) -> None:
    rows = {row["id"]: row for row in (await world.here.get("/v1/models"))["data"]}
    assert {"primary", "far", "alpha", "lxc/far", "bigpc/primary", "bigpc/big", "slow/llama"} <= set(rows)
    assert rows["lxc/far"]["owned_by"] == "lxc" and rows["lxc/far"]["context_length"] > 0
    tags = {model["name"] for model in (await world.here.get("/api/tags"))["models"]}
    assert any(name.startswith("lxc/far") for name in tags)


@pytest.mark.parametrize("model", ["lxc/far", "far"], ids=["upstream", "slot"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, HELLO),
        (CHAT, {"stream": True, **HELLO}),
        ("/v1/completions", {"prompt": "Say it:", "max_tokens": 99}),
        ("/v1/responses", {"input": "Hello?"}),
        ("/v1/responses", {"input": "Hello?", "stream": True}),
        ("/v1/messages", {"max_tokens": 99, **HELLO}),
        ("/v1/messages", {"max_tokens": 99, "stream": True, **HELLO}),
        ("/api/chat", HELLO),
        ("/api/chat", {"stream": False, **HELLO}),
        ("/api/generate", {"prompt": "Say it:"}),
    ],
)
async def test_a_llama_server_elsewhere_speaks_every_dialect(
    world: World, model: str, path: str, body: Json
) -> None:
    assert FAR in await world.words(path, {"model": model, **body})


async def test_the_answer_says_who_gave_it(world: World) -> None:
    for asked in ("far", "lxc/far"):
        assert (await world.served_by(asked))[0] == "lxc/far"
    answer, _ = await world.ask(CHAT, {"model": "primary", **HELLO})
    assert "X-Hal0-Served-By" not in answer.headers
    await world.here.until_output("resolution_path=upstream slot=- served=lxc/far")
    await world.here.until_output("resolution_path=slot slot=far served=lxc/far")


async def test_what_only_llama_cpp_has_is_not_asked_of_others(world: World) -> None:
    status, body = await world.here.post("/tokenize", {"model": "lxc/far", "content": "Hello?"})
    assert status == 502 and "/tokenize is no part of OpenAI's API" in body["error"]["message"]
    assert BIG in await world.words(CHAT, {"model": "bigpc/primary", "stream": True, **HELLO})
    status, body = await world.here.post("/tokenize", {"model": "bigpc/primary", "content": "Hello?"})
    assert status == 200 and body["tokens"], "another hal0 has it"


async def test_a_wrong_request_is_the_upstreams_own_answer(world: World) -> None:
    status, body = await world.here.post(CHAT, {"model": "lxc/far", "messages": 7})
    assert status == 400 and "messages" in body["error"]["message"]


async def test_a_slot_of_another_hal0_loads_and_answers(world: World) -> None:
    await world.there.post("/api/slots/primary/unload")
    said = await world.words(CHAT, {"model": "bigpc/primary", "stream": True, **HELLO})
    assert BIG in said and (await world.there.slot())["state"] == "ready"
    name, text = await world.served_by("bigpc/primary")
    assert BIG in text and name == "bigpc/primary"


async def test_another_hal0s_load_is_waited_for_before_the_next_is_asked(world: World) -> None:
    """Its signs of life are no answer, and the chain is not broken by them."""
    await world.there.post("/api/slots/primary/unload")
    assert BIG in await world.words(CHAT, {"model": "broken", "stream": True, **HELLO})
    slot = await world.here.until_slot(lambda s: s["served_by"] is not None, "who answered", "broken")
    assert slot["served_by"] == "bigpc/primary" and slot["last_error"] is None


async def test_who_answered_behind_another_hal0_is_told(world: World) -> None:
    name, text = await world.served_by("further")
    assert FAR in text and name == "bigpc/further/far"


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "single"])
async def test_a_client_with_a_short_patience_outlasts_a_slow_server(world: World, stream: bool) -> None:
    patience = aiohttp.ClientTimeout(total=None, sock_read=READ_SECONDS)
    body = {"model": "slow/llama", "stream": stream, **HELLO}
    async with world.here.session.post(world.here.url + CHAT, json=body, timeout=patience) as answer:
        assert answer.headers["X-Hal0-Served-By"] == "slow/llama"
        text = (await answer.read()).decode()
    if stream:
        assert text.startswith(": hal0 answering ") and text.endswith("data: [DONE]\n\n")
        assert '"content": "At "' in text
    else:
        assert text.startswith("\n") and json.loads(text)["choices"][0]["message"]["content"] == "At last."


async def test_a_form_goes_on_with_the_name_it_has_there(world: World) -> None:
    sound = bytes(range(256)) * 40

    async def hear(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"text": "I heard you."})

    form = aiohttp.FormData()
    form.add_field("file", sound, filename="a.wav", content_type="audio/wav")
    form.add_field("model", "slow/llama")
    form.add_field("language", "de")
    url = world.here.url + "/v1/audio/transcriptions"
    with world.answering(hear):
        async with world.here.session.post(url, data=form) as answer:
            assert (answer.status, await answer.json()) == (200, {"text": "I heard you."})
    _method, path, headers, body = world.slow.requests[-1]
    fields = read_fields(headers["Content-Type"], body, ("model", "language"))
    assert (path, fields) == ("/v1/audio/transcriptions", {"model": "llama", "language": "de"})
    assert sound in body


async def test_sound_comes_as_it_is_and_late(world: World) -> None:
    """No sign of life can be put before it."""
    sound = b"RIFF" + bytes(range(256)) * 400

    async def speak(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(HOLD_SECONDS + 0.5)
        return web.Response(body=sound, content_type="audio/wav")

    body = {"model": "slow/llama", "input": "Hello."}
    with world.answering(speak):
        async with world.here.session.post(world.here.url + "/v1/audio/speech", json=body) as answer:
            assert (answer.status, answer.content_type) == (200, "audio/wav")
            assert await answer.read() == sound
            assert answer.headers["X-Hal0-Served-By"] == "slow/llama"


async def test_a_client_that_leaves_is_dropped_there_too(world: World) -> None:
    came, left = asyncio.Event(), asyncio.Event()

    async def never(request: web.Request) -> web.StreamResponse:
        came.set()
        try:
            return await hanging(request)
        finally:
            left.set()

    with world.answering(never):
        asking = spawn(world.ask(CHAT, {"model": "slow/llama", "stream": True, **HELLO}), name="ask")
        await soon(came.wait())
        asking.cancel()
        await soon(left.wait())


async def test_upstreams_come_and_go_while_it_runs(world: World) -> None:
    change = {"path": ["upstreams", "spare"], "value": {"base_url": world.slow.url.replace("/v1", "")}}
    assert (await world.here.post("/api/config", {"changes": [change]}))[0] == 200
    listed = lambda s: [u for u in s["upstreams"] if u["name"] == "spare" and u["state"] == "ok"]  # noqa: E731
    await until_state(world.here, listed, "the new one")
    assert "spare/llama" in {row["id"] for row in (await world.here.get("/v1/models"))["data"]}
    assert "At last." in await world.words(CHAT, {"model": "spare/llama", **HELLO})
    gone = {"path": ["upstreams", "spare"], "remove": True}
    assert (await world.here.post("/api/config", {"changes": [gone]}))[0] == 200
    status, body = await world.here.ask("spare/llama")
    assert (status, body["error"]["code"]) == (404, "model.not_found")
