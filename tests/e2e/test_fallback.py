"""Seed 004's chain through a running hal0: the slot, then OpenRouter, then LXC; each step failing in turn."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from tests.e2e.harness import Hal0
from tests.engines.running import free_port, make_server
from tests.fixtures_models import SpeakingModel
from tests.router.upstreams.servers import Handler, StubUpstream, hanging, make_certificate, refusing, streaming

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLAUDE = "anthropic/claude-sonnet-4.5"
CHAT = "/v1/chat/completions"
HELLO = {"messages": [{"role": "user", "content": "Hello?"}]}
SERVED_BY = "X-Hal0-Served-By"
_COMMENT = re.compile("^: hal0 served-by (.*)$", re.MULTILINE)
MODELS = ("good", "crash", "exit-on-request", "die-mid-stream", "silent")


async def break_off(request: web.Request) -> web.StreamResponse:
    """Two words of a stream, and then nothing more of the connection."""

    async def leave() -> None:
        assert request.transport is not None
        request.transport.abort()

    return await streaming("Half", " of", then=leave)(request)


FAILING: dict[str, tuple[Handler, str]] = {
    "hanging": (hanging, "it did not answer in time"),
    "401": (refusing(401, "Bad key."), "401 Unauthorized (it does not accept the key): Bad key"),
    "402": (refusing(402, "Pay."), "402 Payment Required (it wants to be paid first): Pay"),
    "429": (refusing(429, "Slow.", **{"Retry-After": "7"}), "429 Too Many Requests"),
    "500": (refusing(500, "Oh."), "500 Internal Server Error: Oh"),
    "503": (refusing(503, "Later."), "503 Service Unavailable: Later"),
}
"""What OpenRouter does, and how that is told."""

SLOTS = """
slots:
  primary: {models: [good, silent], fallback: [openrouter, lxc]}
  crashing: {models: [crash], fallback: [openrouter, lxc]}
  dying: {models: [exit-on-request], fallback: [openrouter, lxc]}
  breaking: {models: [die-mid-stream], fallback: [openrouter, lxc]}
  alone: {models: [crash], fallback: []}
  lost: {models: [crash], fallback: [away, tls]}
  halved: {models: [crash], fallback: [half, lxc]}
  served: {upstream: away/llama, fallback: [lxc]}
"""


@dataclass
class Chain:
    """`upstreams` by name: all that `SLOTS` falls back to. Slot `x402` falls back to [402, lxc], and so on."""

    hal0: Hal0
    upstreams: dict[str, StubUpstream] = field(default_factory=dict)

    async def ask(self, model: str, **more: Any) -> tuple[int, str | None, Any]:
        """(status, who is said to have answered, body)."""
        body = {"model": model, **HELLO, **more}
        async with self.hal0.session.post(self.hal0.url + CHAT, json=body) as answer:
            text = await answer.text()
            served_by = answer.headers.get(SERVED_BY)
            if served_by is None and (comment := _COMMENT.search(text)):
                served_by = comment[1]
            elif served_by is None and text.startswith("\n"):  # the head was gone before it was known
                served_by = (await self.hal0.slot(model))["served_by"]
            return answer.status, served_by, text if more.get("stream") else json.loads(text)

    async def refused(self, model: str) -> tuple[int, Any]:
        """(status, error). The second failure in a row keeps requests away, so that it is told in the head."""
        async with asyncio.timeout(30):
            while (answer := await self.ask(model))[0] == 200:
                assert "error" in answer[2]
        return answer[0], answer[2]["error"]

    def asked(self, name: str) -> int:
        return self.upstreams[name].asked(CHAT)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chain(
    tmp_path_factory: pytest.TempPathFactory, speaking_model: SpeakingModel
) -> AsyncIterator[Chain]:
    home = tmp_path_factory.mktemp("chain")
    file = speaking_model("It is the engine that speaks.")
    (home / "models").mkdir()
    for model in MODELS:
        shutil.copy(file, home / "models" / f"{model}.gguf")
    servers = {
        "openrouter": StubUpstream("OpenRouter", (CLAUDE, "other/model")),
        "lxc": StubUpstream("LXC"),
        "half": StubUpstream(chat=break_off),
        **{name: StubUpstream(chat=handler) for name, (handler, _) in FAILING.items()},
    }
    tls = StubUpstream("nobody")
    async with AsyncExitStack() as stack:
        for server in servers.values():
            await stack.enter_async_context(server.running())
        await stack.enter_async_context(tls.running(make_certificate(home).server()))
        hal0 = Hal0.prepare(home, make_server(home / "llama-server"), configuration(servers, tls))
        stack.push_async_callback(hal0.close)
        await hal0.start()
        yield Chain(hal0, servers | {"tls": tls})


def configuration(servers: dict[str, StubUpstream], tls: StubUpstream) -> str:
    upstreams: dict[str, Any] = {name: {"base_url": server.url} for name, server in servers.items()}
    upstreams["openrouter"]["models"] = [CLAUDE]
    upstreams["hanging"]["timeout"] = 0.5
    upstreams["tls"] = {"base_url": tls.url}
    upstreams["away"] = {"base_url": f"http://127.0.0.1:{free_port()}/v1", "models": ["llama"]}
    slots = [f"  x{name}: {{models: [crash], fallback: ['{name}', lxc]}}\n" for name in FAILING]
    return f"upstreams: {json.dumps(upstreams)}\n" + SLOTS + "".join(slots)


async def test_a_slot_that_can_answer_does_so_itself(chain: Chain) -> None:
    status, served_by, body = await chain.ask("primary")
    assert (status, served_by) == (200, None)
    assert body["choices"][0]["message"]["content"] == "I am good"
    assert (chain.asked("openrouter"), chain.asked("lxc")) == (0, 0)
    assert (await chain.hal0.slot())["served_by"] is None


async def test_a_switch_that_fails_is_answered_by_openrouter_as_its_own_model(chain: Chain) -> None:
    before = chain.asked("openrouter")
    status, served_by, body = await chain.ask("crashing", temperature=0.5)
    assert (status, served_by) == (200, f"openrouter/{CLAUDE}")
    assert body["choices"][0]["message"]["content"] == "Hello from OpenRouter."
    assert chain.asked("openrouter") == before + 1
    sent = json.loads(chain.upstreams["openrouter"].requests[-1][3])
    assert sent == {"model": CLAUDE, **HELLO, "temperature": 0.5}, "what the client sent, and no more"
    slot = await chain.hal0.until_slot(lambda s: s["served_by"] is not None, "who answered", "crashing")
    assert slot["served_by"] == f"openrouter/{CLAUDE}" and slot["last_error"]["code"] == "engine.failed"
    await chain.hal0.until_output(f"resolution_path=fallback slot=crashing served=openrouter/{CLAUDE}")
    await chain.hal0.until_output(f"slot crashing cannot answer, openrouter/{CLAUDE} does instead: ")


async def test_an_engine_that_dies_before_it_answers_is_replaced(chain: Chain) -> None:
    status, served_by, _body = await chain.ask("dying")
    assert (status, served_by) == (200, f"openrouter/{CLAUDE}")
    slot = await chain.hal0.until_slot(lambda s: s["served_by"] is not None, "who answered", "dying")
    assert slot["in_flight"] == 0, "the slot's own lease was given back first"


@pytest.mark.parametrize("name", FAILING)
async def test_lxc_answers_where_openrouter_does_not(chain: Chain, name: str) -> None:
    before = chain.asked("lxc")
    status, served_by, body = await chain.ask(f"x{name}")
    assert (status, served_by) == (200, "lxc/llama"), chain.hal0.output()[-2000:]
    assert body["choices"][0]["message"]["content"] == "Hello from LXC."
    assert chain.asked(name) == 1 and chain.asked("lxc") == before + 1
    await chain.hal0.until_output(f"upstream {name} did not answer: {FAILING[name][1]}")


async def test_streams_move_too_and_come_word_by_word(chain: Chain) -> None:
    chain.upstreams["lxc"].chat = streaming("Hel", "lo")
    try:
        status, served_by, text = await chain.ask("x500", stream=True)
    finally:
        chain.upstreams["lxc"].chat = None
    assert (status, served_by) == (200, "lxc/llama")
    assert text.count("data: {") == 2 and text.endswith("data: [DONE]\n\n")


async def test_all_down_names_everyone_and_why(chain: Chain) -> None:
    status, error = await chain.refused("lost")
    assert (status, error["code"]) == (503, "dispatch.no_route")
    first, second, third = error["details"]["attempts"]
    assert (first["by"], second["by"], third["by"]) == ("lost", "away", "tls")
    assert 'Model "crash" did not load' in first["reason"]
    assert "could not be reached (Connection refused)" in second["reason"]
    assert "certificate is not trusted" in third["reason"]
    for attempt in (first, second, third):
        assert attempt["by"] in error["message"] and attempt["reason"] in error["message"]
    assert chain.upstreams["tls"].requests == [], "nothing is said to whom nobody vouches for"


async def test_an_empty_chain_is_the_slots_own_error(chain: Chain) -> None:
    before = {name: chain.asked(name) for name in chain.upstreams}
    status, error = await chain.refused("alone")
    assert (status, error["code"]) == (502, "engine.failed")
    assert {name: chain.asked(name) for name in chain.upstreams} == before


async def test_a_stream_of_the_engine_that_breaks_off_never_moves(chain: Chain) -> None:
    before = chain.asked("openrouter")
    status, served_by, text = await chain.ask("breaking", stream=True)
    assert (status, served_by) == (200, None)
    assert '"content": "I "' in text and '"model_not_available"' in text
    assert chain.asked("openrouter") == before


async def test_a_stream_from_elsewhere_that_breaks_off_never_moves(chain: Chain) -> None:
    before = chain.asked("lxc")
    status, served_by, text = await chain.ask("halved", stream=True)
    assert (status, served_by) == (200, "half/llama")
    *_, last, _end = text.split("\n\n")
    error = json.loads(last.removeprefix("data: "))["error"]
    assert "Half" in text and error["code"] == "model_not_available"
    assert error["details"]["code"] == "upstream.failed" and "in the middle of its answer" in error["message"]
    assert chain.asked("lxc") == before


async def test_a_slots_own_upstream_has_a_chain_too(chain: Chain) -> None:
    status, served_by, _body = await chain.ask("served")
    assert (status, served_by) == (200, "lxc/llama")
    slot = await chain.hal0.until_slot(lambda s: s["served_by"] is not None, "who answered", "served")
    assert (slot["state"], slot["served_by"], slot["in_flight"]) == ("failed", "lxc/llama", 0)
    await chain.hal0.until_output("resolution_path=fallback slot=served served=lxc/llama")


@pytest.mark.parametrize(
    ("model", "header", "code"),
    [
        ("crashing:unknown", {}, "model.not_found"),
        ("openrouter/unknown", {}, "model.not_found"),
        ("silent", {"X-Hal0-Wait": "0"}, "slot.loading"),
        ("crashing", {"X-Hal0-Wait": "60"}, "engine.failed"),
        ("crashing", {"X-Hal0-Wait": "soon"}, "request.invalid"),
    ],
)
async def test_mistakes_and_who_will_not_wait_stay_here(
    chain: Chain, model: str, header: dict[str, str], code: str
) -> None:
    before = chain.asked("openrouter"), chain.asked("lxc")
    body = {"model": model, **HELLO}
    async with chain.hal0.session.post(chain.hal0.url + CHAT, json=body, headers=header) as answer:
        assert (await answer.json())["error"]["code"] == code
    assert (chain.asked("openrouter"), chain.asked("lxc")) == before


async def test_many_at_once_are_all_answered(chain: Chain) -> None:
    answers = await asyncio.gather(*(chain.ask("x429", stream=bool(n % 2)) for n in range(16)))
    assert {(status, served_by) for status, served_by, _ in answers} == {(200, "lxc/llama")}
    await chain.hal0.until_slot(lambda s: not s["in_flight"] and not s["queued"], "nobody waiting", "x429")
