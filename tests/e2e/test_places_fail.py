"""A slot whose places elsewhere refuse, break off or change: who answers, and that nobody answers twice.

Its own engine never gets ready, so that each request would wait: it is handed on, or waits.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.harness import WAIT_SECONDS, Hal0
from tests.e2e.test_fallback import CHAT, HELLO, SERVED_BY, break_off
from tests.e2e.test_named_keys import allow, sends
from tests.engines.running import make_server
from tests.fixtures_models import SpeakingModel
from tests.router.upstreams.servers import StubUpstream, refusing

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOTS = """
slots:
  primary: {models: [hang], fallback: [bare, good/llama], move_on: [loading]}
  halved: {models: [hang], fallback: [half/llama, good/llama], move_on: [loading]}
  other: {models: [hang], fallback: [good/llama], move_on: [loading]}
  soon: {models: [slow], fallback: [good/llama], move_on: [loading]}
"""
KEYS = "{name: phone, key: phone-key-1, may: [infer], slots: [primary]}, {name: admin, key: admin-key-1}"


@dataclass
class Elsewhere:
    hal0: Hal0
    bare: StubUpstream
    good: StubUpstream
    half: StubUpstream

    async def ask(self, model: str, **more: Any) -> tuple[int, str | None, str]:
        """(status, who is said to have answered, body)."""
        body = {"model": model, **HELLO, **more}
        async with self.hal0.session.post(self.hal0.url + CHAT, json=body) as answer:
            return answer.status, answer.headers.get(SERVED_BY), await answer.text()

    @staticmethod
    def models_of(name: str, state: dict[str, Any]) -> list[str]:
        """What the server is known to have."""
        return next(list(u["models"]) for u in state["upstreams"] if u["name"] == name)

    async def newest(self) -> dict[str, Any]:
        """The newest record, once it has ended."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                found: list[dict[str, Any]] = (await self.hal0.get("/api/activity"))["requests"]
                if found and found[0]["status"] is not None:
                    return found[0]
                await asyncio.sleep(0.02)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def elsewhere(
    tmp_path_factory: pytest.TempPathFactory, speaking_model: SpeakingModel
) -> AsyncIterator[Elsewhere]:
    home = tmp_path_factory.mktemp("places")
    file = speaking_model("It is the engine that speaks.")
    (home / "models").mkdir()
    for model in ("hang", "slow"):
        shutil.copy(file, home / "models" / f"{model}.gguf")
    servers = {
        "bare": StubUpstream("bare", ("primary",)),
        "good": StubUpstream("good"),
        "half": StubUpstream("half", chat=break_off),
    }
    async with AsyncExitStack() as stack:
        for server in servers.values():
            await stack.enter_async_context(server.running())
        upstreams = {name: {"base_url": server.url} for name, server in servers.items()}
        config = f"upstreams: {json.dumps(upstreams)}\n{SLOTS}"
        hal0 = Hal0.prepare(home, make_server(home / "llama-server"), config)
        allow(hal0, KEYS)
        sends(hal0, "admin-key-1")
        stack.push_async_callback(hal0.close)
        await hal0.start()
        yield Elsewhere(hal0, **servers)


async def test_one_that_loads_is_left_for_another_and_left_alone_by_the_conversation(
    elsewhere: Elsewhere,
) -> None:
    mine = {"prompt_cache_key": "mine"}
    assert (await elsewhere.ask("soon", **mine))[:2] == (200, "good/llama")
    assert (await elsewhere.newest())["resolution_path"] == "moved_loading"
    await elsewhere.hal0.until_ready("slow", "soon")
    assert (await elsewhere.ask("soon", **mine))[:2] == (200, "good/llama")
    assert (await elsewhere.newest())["resolution_path"] == "sticky"
    status, served_by, text = await elsewhere.ask("soon", prompt_cache_key="another")
    assert (status, served_by) == (200, None) and "I am slow" in text, "loaded meanwhile for those who ask next"


@pytest.mark.parametrize("status", [429, 503, 401])
async def test_the_next_place_answers_for_one_that_refuses(elsewhere: Elsewhere, status: int) -> None:
    """Rather than the slot, where the client would wait for the model."""
    elsewhere.bare.chat = refusing(status, "Not now.")
    asked = elsewhere.bare.asked(CHAT)
    try:
        assert (await elsewhere.ask("primary", prompt_cache_key=str(status)))[:2] == (200, "good/llama")
    finally:
        elsewhere.bare.chat = None
    assert elsewhere.bare.asked(CHAT) == asked + 1
    record = await elsewhere.newest()
    assert (record["resolution_path"], record["status"], record["error"]) == ("moved_loading", 200, None)


async def test_an_answer_that_breaks_off_is_not_begun_again_elsewhere(elsewhere: Elsewhere) -> None:
    asked = elsewhere.good.asked(CHAT)
    _status, _served_by, text = await elsewhere.ask("halved", stream=True)
    assert text.count('"content": "Half"') + text.count('"content":"Half"') == 1
    assert "error" in text and "[DONE]" not in text and "Hello from" not in text
    assert elsewhere.good.asked(CHAT) == asked
    assert (await elsewhere.newest())["error"] is not None


async def test_a_place_without_a_model_for_the_slot_any_more_is_passed_over(elsewhere: Elsewhere) -> None:
    elsewhere.bare.models = ("one", "other")
    change = {"path": ["upstreams", "bare", "timeout"], "value": 77}
    status, body = await elsewhere.hal0.post("/api/config", {"changes": [change]})
    assert status == 200, body
    async with asyncio.timeout(WAIT_SECONDS):
        while elsewhere.models_of("bare", await elsewhere.hal0.state()) != ["one", "other"]:
            await asyncio.sleep(0.02)
    asked = elsewhere.bare.asked(CHAT)
    assert (await elsewhere.ask("primary", prompt_cache_key="later"))[:2] == (200, "good/llama")
    assert elsewhere.bare.asked(CHAT) == asked


async def test_a_guest_is_handed_on_as_well_and_only_for_its_slot(elsewhere: Elsewhere) -> None:
    sends(elsewhere.hal0, "phone-key-1")
    status, served_by, _text = await elsewhere.ask("primary", prompt_cache_key="guest")
    assert status == 200 and served_by is not None
    asked = elsewhere.good.asked(CHAT)
    assert (await elsewhere.ask("other"))[0] == 403
    assert elsewhere.good.asked(CHAT) == asked
