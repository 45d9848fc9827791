"""What servers elsewhere say of themselves: asked seldom, once at a time, and published."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web

from router.base.errors import LocalOnly, UpstreamFailed
from router.base.tasks import spawn
from router.config.schema import SlotConfig, UpstreamConfig, UpstreamKind
from router.resolve import ResolutionPath, Route
from router.state import SlotState, SlotStatus, Snapshot, UpstreamState
from router.upstreams import health
from tests.engines.running import free_port, soon, until
from tests.router.upstreams.conftest import Use, chat
from tests.router.upstreams.servers import StubUpstream, hanging, refusing

CLUSTER = SlotConfig("cluster", upstream="ray/llama")


async def test_models_are_listed_with_their_contexts(use: Use) -> None:
    async def listed(_request: web.Request) -> web.Response:
        rows = [
            {"id": "vllm", "max_model_len": 4096},
            {"id": "router", "context_length": 200_000},
            {"id": "llama", "meta": {"n_ctx": 512, "n_ctx_train": 8192}},
            {"id": "silent"},
            {"id": "vllm", "max_model_len": 1},
            {"id": 7},
            {"id": "line\nbreak"},
            ["nonsense"],
        ]
        return web.json_response({"data": rows})

    async with StubUpstream(listing=listed).running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        status = await bench.state("lxc", UpstreamState.OK)
    assert status.models == ("vllm", "router", "llama", "silent")
    assert status.context_lengths == (4096, 200_000, 512, None)


async def test_rows_that_are_no_models_are_counted_once_and_harm_no_other(
    use: Use, caplog: pytest.LogCaptureFixture
) -> None:
    """Property 2."""
    unusable: list[object] = [None, 7, [], {}, {"id": None}, {"id": ["x"]}, {"id": ""}, {"id": "x" * 1_000_000}]
    unusable += [{"id": "\ud800"}, {"id": "\x1b[m"}, {"id": "a\u2028b"}]
    usable = [
        {"id": "a", "context_length": 10**400},
        {"id": "a"},
        {"id": "\u00a0b c,d"},
        {"id": "e", "meta": []},
    ]

    async def listed(_request: web.Request) -> web.Response:
        return web.json_response({"data": [*unusable, *usable]})

    async with StubUpstream(listing=listed).running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        status = await bench.state("lxc", UpstreamState.OK)
    assert (status.models, status.context_lengths) == (("a", "\u00a0b c,d", "e"), (None, None, None))
    assert caplog.text.count(f"upstream lxc lists {len(unusable)} models without a usable id") == 1


async def test_only_the_models_hal0_yaml_names_are_offered(use: Use) -> None:
    async with StubUpstream(models=("a", "b", "c")).running() as server:
        bench = use(UpstreamConfig("lxc", server.url, models=("c", "hidden")))
        assert bench.upstream("lxc").models == ("c", "hidden"), "known before it was asked"
        status = await bench.state("lxc", UpstreamState.OK)
    assert (status.models, status.context_lengths) == (("c", "hidden"), (4096, None))


async def test_a_server_without_a_list_is_well_if_hal0_yaml_names_its_models(use: Use) -> None:
    async with StubUpstream(listing=refusing(404)).running() as server:
        bench = use(UpstreamConfig("lxc", server.url, models=("tts",)), UpstreamConfig("nameless", server.url))
        assert (await bench.state("lxc", UpstreamState.OK)).models == ("tts",)
        assert "404" in ((await bench.state("nameless", UpstreamState.DOWN)).error or "")


async def _page(_request: web.Request) -> web.Response:
    return web.Response(text="<html>welcome</html>", content_type="text/html")


@pytest.mark.parametrize(
    ("listing", "words"),
    [
        (refusing(401), "401 Unauthorized (it does not accept the key)"),
        (refusing(500, "Out of order."), "500 Internal Server Error: Out of order."),
        (refusing(302), "it sends requests elsewhere"),
        (hanging, "It did not answer in time."),
        (_page, "is no model list; correct its base_url"),
    ],
)
async def test_why_it_is_down_is_a_sentence(use: Use, listing: object, words: str) -> None:
    async with StubUpstream(listing=listing).running() as server:  # type: ignore[arg-type]
        bench = use(UpstreamConfig("lxc", server.url, timeout=0.3))
        status = await bench.state("lxc", UpstreamState.DOWN)
        assert words in (status.error or "") and (status.error or "").endswith(".")


async def test_out_of_reach_and_unknown_names(use: Use) -> None:
    bench = use(
        UpstreamConfig("off", f"http://127.0.0.1:{free_port()}/v1"),
        UpstreamConfig("typo", "http://no-such-host.invalid/v1"),
    )
    assert (
        await bench.state("off", UpstreamState.DOWN)
    ).error == "It could not be reached (Connection refused)."
    assert (await bench.state("typo", UpstreamState.DOWN)).error == "Its name could not be found (DNS)."


async def test_everybody_waits_for_the_same_look(use: Use) -> None:
    go = asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        await go.wait()
        return web.json_response({"data": [{"id": "llama"}]})

    async with StubUpstream(listing=slow).running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        asking = [spawn(bench.ask("lxc/llama", chat()), name="ask") for _ in range(10)]
        await until(lambda: server.asked("/v1/models") == 1, "the look")
        asking[0].cancel()
        go.set()
        for answer in await asyncio.gather(*asking[1:]):
            async with answer:
                await answer.read()
        assert (server.asked("/v1/models"), server.asked("/v1/chat/completions")) == (1, 9)


async def test_what_was_told_holds_for_a_while(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    async with StubUpstream().running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        await bench.state("lxc", UpstreamState.OK)
        for _ in range(5):
            bench.registry.look()
            async with await bench.ask("lxc/llama", chat()) as answer:
                await answer.read()
        assert server.asked("/v1/models") == 1
        monkeypatch.setattr(health, "WELL_SECONDS", 0.0)
        bench.use(UpstreamConfig("lxc", server.url, timeout=7.0))
        await until(lambda: server.asked("/v1/models") == 2, "another look at a changed one")


async def test_nobody_who_is_not_used_is_looked_at_again(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "WELL_SECONDS", 0.01)
    monkeypatch.setattr(health, "DOWN_SECONDS", (0.01,))
    async with (
        StubUpstream().running() as used,
        StubUpstream().running() as idle,
        StubUpstream().running() as bound,
    ):
        bench = use(
            UpstreamConfig("used", used.url),
            UpstreamConfig("idle", idle.url),
            UpstreamConfig("ray", bound.url),
            slots={"cluster": CLUSTER},
        )
        async with await bench.ask("used/llama", chat()) as answer:
            await answer.read()
        await until(lambda: min(used.asked("/v1/models"), bound.asked("/v1/models")) > 5, "looks")
        assert idle.asked("/v1/models") == 1


async def test_one_that_comes_back_is_noticed(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "DOWN_SECONDS", (0.02,))
    port = free_port()
    bench = use(UpstreamConfig("ray", f"http://127.0.0.1:{port}/v1"), slots={"cluster": CLUSTER})
    await bench.state("ray", UpstreamState.DOWN)
    slot = bench.slot("cluster")
    assert slot.state is SlotState.FAILED and slot.last_error is not None
    assert "Connection refused" in slot.last_error.message
    async with StubUpstream().running(port=port):
        await bench.state("ray", UpstreamState.OK)
        slot = bench.slot("cluster")
        assert (slot.state, slot.last_error, slot.context_length) == (SlotState.READY, None, 4096)


async def test_a_request_notices_what_went_away(use: Use) -> None:
    async with StubUpstream().running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        await bench.state("lxc", UpstreamState.OK)
    with pytest.raises(UpstreamFailed):
        await bench.ask("lxc/llama", chat())
    assert bench.upstream("lxc").state is UpstreamState.DOWN


class TestSlots:
    async def test_requests_for_it_go_there_and_are_counted(self, use: Use) -> None:
        async with StubUpstream().running() as server:
            bench = use(UpstreamConfig("ray", server.url), slots={"cluster": CLUSTER})
            async with await bench.ask("cluster", chat()) as answer:
                assert answer.served_by == "ray/llama"
                assert bench.slot("cluster").in_flight == 1
                await answer.read()
            assert (bench.slot("cluster").in_flight, bench.slot("cluster").served_by) == (0, None)

    async def test_its_fallback_answers_for_it_and_says_so(self, use: Use) -> None:
        async with StubUpstream("spare").running() as server:
            slot = SlotConfig("cluster", upstream="ray/llama", fallback=("spare",))
            bench = use(
                UpstreamConfig("ray", f"http://127.0.0.1:{free_port()}/v1"),
                UpstreamConfig("spare", server.url),
                slots={"cluster": slot},
            )
            async with await bench.ask("cluster", chat()) as answer:
                assert b"Hello from spare" in await answer.read()
            assert bench.slot("cluster").served_by == "spare/llama"

    async def test_a_slot_whose_model_is_not_there_says_so(self, use: Use) -> None:
        async with StubUpstream(models=("other",)).running() as server:
            bench = use(UpstreamConfig("ray", server.url), slots={"cluster": CLUSTER})
            await bench.state("ray", UpstreamState.OK)
            slot = bench.slot("cluster")
        assert slot.state is SlotState.FAILED and slot.last_error is not None
        assert 'has no model "llama"; it has: other' in slot.last_error.message

    async def test_they_stand_where_hal0_yaml_has_them(self, use: Use) -> None:
        slots = {"a": SlotConfig("a"), "cluster": CLUSTER, "z": SlotConfig("z")}
        bench = use(UpstreamConfig("ray", "http://127.0.0.1:1/v1"), slots=slots)

        def names() -> list[str]:
            return [slot.name for slot in bench.store.snapshot.slots]

        own = [SlotStatus(name, CLUSTER.kind) for name in ("a", "z")]
        bench.store.update_slots(own)
        bench.registry.publish()
        assert names() == ["a", "cluster", "z"]
        bench.store.update_slots(own)
        assert names() == ["a", "cluster", "z"]
        bench.use(slots={"z": slots["z"], "cluster": CLUSTER, "a": slots["a"]})
        assert names() == ["z", "cluster", "a"]
        bench.use(slots={"a": slots["a"]})
        assert sorted(names()) == ["a", "z"], "those with engines are the supervisor's to remove"

    async def test_one_that_still_has_an_engine_is_shown_until_it_has_left(self, use: Use) -> None:
        bench = use()
        leaving = SlotStatus("cluster", CLUSTER.kind, SlotState.READY, pid=1)
        bench.store.update_slots([leaving])
        bench.use(UpstreamConfig("ray", "http://127.0.0.1:1/v1"), slots={"cluster": CLUSTER})
        assert bench.slot("cluster") is leaving
        bench.store.update_slots([])
        bench.registry.publish()
        assert bench.slot("cluster").upstream == "ray/llama"


class TestLocalOnly:
    async def test_nothing_is_ever_contacted(self, use: Use) -> None:
        async with StubUpstream().running() as server:
            big = UpstreamConfig("big", server.url.removesuffix("/v1"), UpstreamKind.HAL0)
            bench = use(UpstreamConfig("ray", server.url), big, slots={"cluster": CLUSTER}, local_only=True)
            bench.registry.look()
            bench.registry.remote_says("big", Snapshot(), None)
            for name in ("ray/llama", "cluster"):
                with pytest.raises(LocalOnly):
                    await bench.ask(name, chat())
            # Whoever had resolved before it was switched on does not get through either.
            with pytest.raises(LocalOnly):
                await soon(bench.registry.answer(Route("", "llama", ResolutionPath.UPSTREAM, "ray"), chat()))
            assert server.requests == []
            assert bench.store.snapshot.local_only
            assert "local_only" in (bench.upstream("ray").error or "")
            assert bench.slot("cluster").state is SlotState.UNLOADED

    async def test_it_can_be_switched_on_and_off_while_hal0_runs(self, use: Use) -> None:
        async with StubUpstream().running() as server:
            bench = use(UpstreamConfig("ray", server.url), slots={"cluster": CLUSTER})
            await bench.state("ray", UpstreamState.OK)
            bench.use(local_only=True)
            asked = len(server.requests)
            with pytest.raises(LocalOnly):
                await bench.ask("cluster", chat())
            assert len(server.requests) == asked
            bench.use(local_only=False)
            await bench.state("ray", UpstreamState.OK)
            async with await bench.ask("cluster", chat()) as answer:
                assert b"Hello" in await answer.read()


async def test_a_request_outlives_a_change_of_the_upstream_it_waits_for(use: Use) -> None:
    """Its look is given up; the request goes on with what hal0.yaml says now, or is told why not."""
    async with StubUpstream("slow", listing=hanging).running() as slow, StubUpstream("well").running() as well:
        bench = use(UpstreamConfig("lxc", slow.url))
        request = spawn(bench.ask("lxc/llama", chat()), name="request")
        await until(lambda: slow.asked("/v1/models") == 1, "the look")
        bench.use(UpstreamConfig("lxc", well.url))
        async with await soon(request) as answer:
            assert b"Hello from well" in await answer.read()
        bench.use(UpstreamConfig("lxc", slow.url))
        request = spawn(bench.ask("lxc/llama", chat()), name="request")
        await until(lambda: slow.asked("/v1/models") == 2, "the look")
        bench.use(local_only=True)
        with pytest.raises(LocalOnly):
            await soon(request)


async def test_a_slot_that_comes_to_depend_on_an_upstream_has_it_looked_at(
    use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "WELL_SECONDS", 0.2)
    monkeypatch.setattr(health, "DOWN_SECONDS", (0.05,))
    async with StubUpstream().running() as server:
        bench = use(UpstreamConfig("ray", server.url))
        await bench.state("ray", UpstreamState.OK)
        bench.use(slots={"cluster": CLUSTER})
        await until(lambda: server.asked("/v1/models") >= 3, "looks without anybody asking")


async def test_another_hal0s_own_word_is_published_beside(use: Use) -> None:
    async with StubUpstream(models=("primary",)).running() as server:
        big = UpstreamConfig("big", server.url.removesuffix("/v1"), UpstreamKind.HAL0)
        bench = use(big)
        await bench.state("big", UpstreamState.OK)
        told = Snapshot(revision=7)
        bench.registry.remote_says("big", told, None)
        assert bench.upstream("big").remote == told
        await until(lambda: server.asked("/v1/models") == 2, "a look, as it came")
        bench.registry.remote_says("big", None, "Lost contact with it.")
        assert bench.upstream("big").remote is None
        assert bench.upstream("big").error == "Lost contact with it."
        await until(lambda: server.asked("/v1/models") == 3, "a look, as it went")
        status = await bench.state("big", UpstreamState.OK)
        assert status.error == "Lost contact with it.", "it answers requests; why it is not followed stays"
        bench.registry.remote_says("big", told, None)
        assert bench.upstream("big").error is None
        assert json.dumps(bench.upstream("big").models) == '["primary"]'


async def test_after_a_sleep_it_is_looked_at_at_once_whatever_it_was_before(use: Use) -> None:
    port = free_port()
    bench = use(UpstreamConfig("lxc", f"http://127.0.0.1:{port}"))
    await bench.state("lxc", UpstreamState.DOWN)
    async with StubUpstream().running(port=port):
        bench.registry.resumed()
        await bench.state("lxc", UpstreamState.OK)


async def test_after_a_sleep_nothing_is_sent_over_an_old_connection(use: Use) -> None:
    """The other end may have given it up, which nobody heard: a request over it would wait for its timeout."""
    peers: list[object] = []

    async def listed(request: web.Request) -> web.Response:
        peers.append(request.transport.get_extra_info("peername") if request.transport else None)
        return web.json_response({"data": [{"id": "llama"}]})

    async with StubUpstream(listing=listed).running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        await bench.state("lxc", UpstreamState.OK)
        bench.registry.resumed()
        await until(lambda: len(peers) == 2, "the look after it")
        assert peers[0] != peers[1]
        async with await bench.ask("lxc/llama", chat()) as answer:
            assert b"Hello" in await answer.read()


async def test_after_a_sleep_nothing_leaves_a_computer_that_keeps_all_to_itself(use: Use) -> None:
    async with StubUpstream().running() as server:
        bench = use(UpstreamConfig("lxc", server.url), local_only=True)
        bench.registry.resumed()
        await bench.registry.close()
        assert server.requests == []
