"""Seed 004's chain with real servers: who answers in a slot's place, and what it says when nobody does."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from router.base.errors import (
    BadModel,
    BadRequest,
    EngineFailed,
    EngineMissing,
    EngineRefused,
    MemoryInsufficient,
    ModelNotFound,
    ModelNotLoaded,
    NoRoute,
    QueueFull,
    RouterError,
    ShuttingDown,
    SlotAborted,
    SlotEmpty,
    SlotLoading,
    SwitchCancelled,
    WaitTimeout,
    WrongKind,
)
from router.config.schema import UpstreamConfig
from router.state import UpstreamState, UpstreamStatus
from router.upstreams.fallback import Wanted, attempt, falls_back
from tests.engines.running import free_port
from tests.router.upstreams.conftest import DEAD, Use, chat
from tests.router.upstreams.servers import Handler, StubUpstream, hanging, refusing, streaming

LXC, OPENROUTER = "lxc", "openrouter"


@pytest.mark.parametrize(
    "first",
    [None, hanging, *(refusing(status) for status in (401, 402, 404, 429, 500, 503))],
    ids=["away", "hanging", "401", "402", "404", "429", "500", "503"],
)
async def test_the_next_one_answers_when_the_first_fails(use: Use, first: Handler | None) -> None:
    async with StubUpstream(chat=first).running() as one, StubUpstream("the second").running() as two:
        url = one.url if first else f"http://127.0.0.1:{free_port()}/v1"
        bench = use(UpstreamConfig(LXC, url, timeout=0.3), UpstreamConfig(OPENROUTER, two.url))
        async with await bench.instead(chat(), LXC, OPENROUTER) as answer:
            assert answer.served_by == "openrouter/llama"
            assert b"Hello from the second." in await answer.read()


async def test_the_first_that_is_well_answers_alone(use: Use) -> None:
    async with StubUpstream("the first").running() as one, StubUpstream().running() as two:
        bench = use(UpstreamConfig(LXC, one.url), UpstreamConfig(OPENROUTER, two.url))
        async with await bench.instead(chat(), LXC, OPENROUTER) as answer:
            await answer.read()
        assert (one.asked("/v1/chat/completions"), two.asked("/v1/chat/completions")) == (1, 0)


async def test_a_fault_of_the_request_stays_with_the_first(use: Use) -> None:
    async with StubUpstream(chat=refusing(400, "Too long.")).running() as one, StubUpstream().running() as two:
        bench = use(UpstreamConfig(LXC, one.url), UpstreamConfig(OPENROUTER, two.url))
        async with await bench.instead(chat(streams=True), LXC, OPENROUTER) as answer:
            assert answer.head.status == 400
        assert two.asked("/v1/chat/completions") == 0


async def test_a_stream_that_has_begun_never_moves(use: Use) -> None:
    async def die() -> None:
        raise ConnectionResetError

    async with StubUpstream(chat=streaming("one", then=die)).running() as one, StubUpstream().running() as two:
        bench = use(UpstreamConfig(LXC, one.url), UpstreamConfig(OPENROUTER, two.url))
        async with await bench.instead(chat(streams=True), LXC, OPENROUTER) as answer:
            with pytest.raises(RouterError, match="in the middle"):
                await answer.read()
        assert two.asked("/v1/chat/completions") == 0


async def test_when_nobody_answers_each_is_named_with_its_reason(use: Use) -> None:
    broke = refusing(402, "Insufficient credits")
    async with StubUpstream(chat=broke).running() as one, StubUpstream(models=("a", "b")).running() as many:
        bench = use(
            UpstreamConfig(OPENROUTER, one.url),
            UpstreamConfig(LXC, f"http://127.0.0.1:{free_port()}/v1"),
            UpstreamConfig("many", many.url),
        )
        with pytest.raises(NoRoute) as caught:
            await bench.instead(chat(), OPENROUTER, LXC, "many", "gone")
        error = caught.value
        assert (error.status, error.code) == (503, "dispatch.no_route")
        assert error.details["attempts"] == [
            {"by": "primary", "reason": "The engine died"},
            {
                "by": "openrouter/llama",
                "reason": "402 Payment Required (it wants to be paid first): Insufficient credits",
            },
            {"by": "lxc", "reason": "it could not be reached (Connection refused)"},
            {"by": "many", "reason": "it has 2 models and none of that name; write many/MODEL under fallback:"},
            {"by": "gone", "reason": "it is not in hal0.yaml any more"},
        ]
        assert error.message.startswith(
            'Nobody could answer for "primary". primary: The engine died; openrouter'
        )
        assert many.asked("/v1/chat/completions") == 0, "never one model among many"


async def test_without_a_fallback_or_where_nothing_may_leave_the_slots_own_error_stays(use: Use) -> None:
    async with StubUpstream().running() as server:
        bench = use(UpstreamConfig(LXC, server.url))
        with pytest.raises(EngineFailed) as caught:
            await bench.instead(chat())
        assert caught.value is DEAD
        bench.use(local_only=True)
        with pytest.raises(EngineFailed):
            await bench.instead(chat(), LXC)
        assert server.asked("/v1/chat/completions") == 0


@pytest.mark.parametrize(
    ("error", "moves"),
    [
        (EngineFailed(""), True),
        (EngineMissing(""), True),
        (BadModel(""), True),
        (MemoryInsufficient(""), True),
        (QueueFull(""), True),
        (WaitTimeout(""), True),
        (EngineRefused.from_body(500, {}), True),
        (EngineRefused.from_body(400, {}), False),
        (BadRequest(""), False),
        (ModelNotFound(""), False),
        (ModelNotLoaded(""), False),
        (SlotEmpty(""), True),
        (WrongKind(""), False),
        (SwitchCancelled(""), False),
        (SlotAborted(""), False),
        (SlotLoading(""), False),
        (ShuttingDown(""), False),
        (RouterError(""), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_which_errors_of_a_slot_send_its_requests_elsewhere(error: RouterError, moves: bool) -> None:
    assert falls_back(error) is moves


@pytest.mark.parametrize(
    ("configured", "listed", "chosen"),
    [
        (None, ("x", "qwen"), "qwen"),
        (None, ("x", "primary"), "primary"),
        (None, ("only",), "only"),
        (None, ("x", "y"), None),
        (None, (), None),
        (("first", "second"), ("first", "second"), "first"),
        (("first", "qwen"), ("first", "qwen"), "qwen"),
    ],
)
def test_which_model_answers(
    configured: tuple[str, ...] | None, listed: tuple[str, ...], chosen: str | None
) -> None:
    config = UpstreamConfig(LXC, "http://x/v1", models=configured)
    state = UpstreamStatus(LXC, config.kind, config.base_url, UpstreamState.OK, listed)
    found = attempt(Wanted(LXC, ("qwen", "primary")), {LXC: config}, [state])
    assert found.model == chosen and bool(found.reason) is (chosen is None)
    named = attempt(Wanted("lxc/org/this:free", ("qwen",)), {LXC: config}, [state])
    assert named.model == "org/this:free", "what is named is asked for"


async def test_many_at_once_each_get_an_answer(use: Use) -> None:
    async with StubUpstream().running() as server:
        bench = use(
            UpstreamConfig(LXC, f"http://127.0.0.1:{free_port()}/v1"), UpstreamConfig("spare", server.url)
        )

        async def one() -> str:
            async with await bench.instead(chat(), LXC, "spare") as answer:
                await answer.read()
                return answer.served_by

        assert set(await asyncio.gather(*(one() for _ in range(20)))) == {"spare/llama"}


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        ('{"error": "model not loaded"}', "application/json", "model not loaded"),
        ("<html><title>Sign in</title></html>", "text/html", "web page"),
        ("", "application/json", "empty"),
        ('{"choices": []}', "application/json", "not a chat completion"),
        ('data: {"error": "busy"}\n\n', "text/event-stream", "busy"),
        ('{"choices": [{"message": {"con', "application/json", "broken off"),
    ],
)
@pytest.mark.parametrize("streams", [True, False])
async def test_an_answer_that_is_none_moves_on(
    use: Use, caplog: pytest.LogCaptureFixture, body: str, kind: str, reason: str, streams: bool
) -> None:
    """Row 18: the next one is asked, and the log says why."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body, content_type=kind)

    async with StubUpstream(chat=answer).running() as one, StubUpstream().running() as two:
        bench = use(UpstreamConfig(LXC, one.url), UpstreamConfig(OPENROUTER, two.url))
        async with await bench.instead(chat(streams=streams), LXC, OPENROUTER) as told:
            assert told.served_by == f"{OPENROUTER}/llama"
            got = await told.read()
            assert b"Hello" in got and got.endswith(b"data: [DONE]\n\n") is streams
    assert reason in caplog.text
